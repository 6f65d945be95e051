//! `[remote]`

use std::net::SocketAddr;

use killcord_core::rig::Remote;

use super::not_yet;
use crate::fields::Fields;

/// More names than a bench has.
const MOST_NAMES: usize = 32;

/// Reads the section; without it no port is opened.
pub(crate) fn read(root: &Fields<'_>) -> Option<Remote> {
    let node = root.get("remote")?;
    let fields = node.table("[remote]", "a table: write [remote] once, in single brackets")?;
    let listen = fields.require("listen", "write listen = \"127.0.0.1:8420\"").and_then(|node| {
        let text = node.text()?;
        let Ok(address) = text.parse::<SocketAddr>() else {
            node.error("`listen` is an address and a port, as in 127.0.0.1:8420")
                .help("write listen = \"127.0.0.1:8420\"")
                .tell();
            return None;
        };
        if !address.ip().is_loopback() {
            let port = address.port();
            node.error("addresses that other machines reach are not supported yet")
                .label("anybody in the network could try this port")
                .help(format!("write listen = \"127.0.0.1:{port}\""))
                .help(format!("from another machine, use a tunnel: ssh -L {port}:127.0.0.1:{port} HOST"))
                .tell();
            return None;
        }
        Some(address)
    });
    let names = fields.get("names").and_then(|node| node.list("a list of names", MOST_NAMES));
    let names = names.unwrap_or_default().into_iter().filter_map(|node| {
        let name = node.text()?;
        let sound = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
        if name.is_empty() || !name.chars().all(sound) {
            node.error("this is no name of a machine").help("write it without scheme, port and path").tell();
            return None;
        }
        Some(name.to_ascii_lowercase())
    });
    let names = names.collect();
    if let Some(field) = fields.field("tls")
        && field.node.text() != Some("off")
    {
        let why = "a page on this machine needs none";
        not_yet(root.problems, field.key_span, "`tls`", why, "leave it out, or write tls = \"off\"");
    }
    for key in ["trusted_proxies", "base_path"] {
        if let Some(field) = fields.field(key) {
            let why = "no proxy may stand between yet";
            not_yet(root.problems, field.key_span, &format!("`{key}`"), why, "leave it out");
        }
    }
    fields.finish();
    Some(Remote { listen: listen?, names })
}
