//! `connect` or `link`: which line a device is on.

use killcord_core::driver::{DriverSpec, LinkKind};

use super::{Line, Reader};
use crate::connect;

impl Reader<'_> {
    pub(super) fn line(&self, driver: Option<&'static DriverSpec>) -> Line {
        let connect = self.fields.field("connect");
        let link = self.fields.field("link");
        if let Some(driver) = driver
            && driver.links == [LinkKind::None]
            && let Some(field) = connect.or(link)
        {
            self.problems
                .error(field.key_span, format!("the driver `{}` has no line of its own", driver.name))
                .help("leave this key out")
                .tell();
            return Line::None;
        }
        match (connect, link) {
            (Some(connect), Some(link)) => {
                self.problems
                    .error(link.key_span, "`link` stands instead of `connect`, not beside it")
                    .also(connect.key_span, "its own line")
                    .help("leave out `connect` if a [[link]] is shared, `link` if the device has the line to itself")
                    .tell();
                Line::Unknown
            }
            (Some(field), None) => Line::Own(connect::read(field.node), field.node.span),
            (None, Some(field)) => match field.node.text() {
                Some(name) => Line::Shared(name.to_owned(), field.node.span),
                None => Line::Unknown,
            },
            (None, None) => match driver {
                Some(driver) if driver.links.contains(&LinkKind::None) => Line::None,
                Some(driver) if !self.stands_below("connect") && !self.stands_below("link") => {
                    let example = if driver.links.contains(&LinkKind::Line) {
                        "tcp://192.168.1.20:5025"
                    } else {
                        "modbus+tcp://192.168.1.30:502"
                    };
                    self.fields
                        .error(format!("{} has no `connect`", self.fields.title))
                        .help(format!("write connect = \"{example}\", or link = \"…\" for a shared [[link]]"))
                        .tell();
                    Line::Unknown
                }
                _ => Line::Unknown,
            },
        }
    }
}
