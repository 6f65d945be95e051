//! `[[device]]`: one instrument, controller or relay, with its sequences, readings and controls.

mod control;
mod keys;
mod reading;
mod rules;
mod watchdog;

use std::time::Duration;

use killcord_core::{
    Control, DeviceIx, DevicePlan, Item, LinkIx, Reading, Step, Verify,
    driver::{DriverSpec, LinkKind},
};

use crate::{
    connect::{self, Connection},
    duration::show,
    fields::Fields,
    limits,
    link::tables,
    node::{Node, short},
    problems::Problems,
    source::Span,
    step::{Place, Steps, too_long},
    text,
};

/// One exchange, when the file does not say.
const TIMEOUT: Duration = Duration::from_secs(1);

/// Where a device's line comes from.
pub(crate) enum Line {
    /// Its driver needs none.
    None,
    /// `connect`; `None` in it where it is wrong, which was told.
    Own(Option<Connection>, Span),
    /// `link`.
    Shared(String, Span),
    /// Wrong, which was told.
    Unknown,
}

/// Names of other devices, each with its place.
pub(crate) type Names = Vec<(String, Span)>;

/// One `[[device]]`, checked by itself; what it says of other devices and links is not.
pub(crate) struct DeviceDraft {
    /// Complete but for `link`, `safe_after`, `arm_after` and `budget`.
    pub(crate) plan: DevicePlan,
    /// Its header.
    pub(crate) span: Span,
    pub(crate) name_span: Span,
    pub(crate) driver: Option<&'static DriverSpec>,
    pub(crate) line: Line,
    pub(crate) safe_after: Names,
    pub(crate) arm_after: Option<Names>,
    pub(crate) budget: Option<(Duration, Span)>,
    pub(crate) readings: Vec<Reading>,
    pub(crate) controls: Vec<Control>,
    /// Limits that count only while armed, for a rig that never is.
    pub(crate) armed_limits: Vec<Span>,
}

/// Reads all devices.
pub(crate) fn read(
    root: &Fields<'_>,
    drivers: &[&'static DriverSpec],
    deadline: Duration,
) -> Vec<DeviceDraft> {
    let Some(node) = root.get("device") else {
        root.problems
            .file("the file has no [[device]]")
            .help("add one:\n[[device]]\nname = \"psu\"\ndriver = \"scpi\"\nconnect = \"tcp://192.168.1.20:5025\"")
            .tell();
        return Vec::new();
    };
    tables(node, "device", limits::DEVICES)
        .into_iter()
        .enumerate()
        .map(|(at, (fields, _))| Reader::new(fields, drivers, deadline, DeviceIx::from(at)).read())
        .collect()
}

/// One device being read.
struct Reader<'a> {
    fields: Fields<'a>,
    problems: &'a Problems,
    drivers: &'a [&'static DriverSpec],
    ix: DeviceIx,
    steps: Steps<'a>,
}

impl<'a> Reader<'a> {
    fn new(fields: Fields<'a>, drivers: &'a [&'static DriverSpec], deadline: Duration, ix: DeviceIx) -> Self {
        let problems = fields.problems;
        Self { fields, problems, drivers, ix, steps: Steps { problems, driver: None, deadline } }
    }

    fn read(mut self) -> DeviceDraft {
        let name_node = self.fields.require("name", "write name = \"psu\"");
        let name = name_node.and_then(text::name).unwrap_or_default();
        let name_span = name_node.map_or(self.fields.span, |node| node.span);
        let label = self.fields.get("label").and_then(text::label);
        let driver = self.driver();
        self.steps.driver = driver;
        let line = self.line(driver);
        let timeout = self.timeout();
        let budget = self.fields.get("budget").and_then(|node| {
            let budget = node.time()?;
            if budget > self.steps.deadline {
                too_long(node, self.steps.deadline).tell();
                return None;
            }
            Some((budget, node.span))
        });

        let safe = self.items("safe", Place::Sequence);
        let emergency = self.items("emergency", Place::Emergency);
        let mut plan = DevicePlan {
            name,
            label,
            driver: driver.map(|driver| driver.name.to_owned()).unwrap_or_default(),
            keys: keys::read(&self.fields, driver),
            link: LinkIx(0),
            timeout,
            budget: Duration::ZERO,
            open: self.items("open", Place::Open),
            id: self.question("id"),
            expect_id: self.fields.get("expect_id").and_then(|node| node.text()).map(str::to_owned),
            sync: self.question("sync"),
            errors: self.question("errors"),
            arm: self.items("arm", Place::Sequence),
            emergency,
            safe,
            verify: self.verify(),
            release: self.items("release", Place::Sequence),
            instrument_watchdog: None,
            safe_after: Vec::new(),
            arm_after: None,
            optional: self.fields.get("optional").and_then(|node| node.truth()).unwrap_or(false),
            has_controls: false,
        };
        let safe_after = self.names("safe_after").unwrap_or_default();
        let arm_after = self.names("arm_after");

        // Known before the tables below are read: a key of the device that stands in one of them is
        // misplaced, not unknown.
        for key in ["instrument_watchdog", "reading", "control"] {
            self.fields.field(key);
        }
        plan.instrument_watchdog = self.instrument_watchdog();
        let (readings, armed_limits) = self.readings();
        let controls = self.controls();
        plan.has_controls = !controls.is_empty();

        self.derive_emergency(&mut plan);
        self.judge(&controls);
        let span = self.fields.span;
        self.finish(driver);
        DeviceDraft {
            plan,
            span,
            name_span,
            driver,
            line,
            safe_after,
            arm_after,
            budget,
            readings,
            controls,
            armed_limits,
        }
    }

    fn driver(&self) -> Option<&'static DriverSpec> {
        let names = || self.drivers.iter().map(|driver| driver.name);
        let all = names().collect::<Vec<_>>().join(", ");
        if self.fields.peek("driver").is_none() && self.stands_below("driver") {
            self.fields.field("driver");
            return None;
        }
        let node = self
            .fields
            .require("driver", &format!("write driver = \"…\", one of {all}: who speaks its protocol"))?;
        let name = node.text()?;
        let found = self.drivers.iter().find(|driver| driver.name == name).copied();
        if found.is_none() {
            node.error(format!("there is no driver \"{}\"", short(name)))
                .suggest(name, names())
                .help(format!("the drivers are {all}"))
                .tell();
        }
        found
    }

    fn line(&self, driver: Option<&'static DriverSpec>) -> Line {
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

    fn timeout(&self) -> Duration {
        let Some(node) = self.fields.get("timeout") else { return TIMEOUT.min(self.steps.deadline) };
        match node.time() {
            Some(timeout) if timeout >= self.steps.deadline => {
                too_long(node, self.steps.deadline).tell();
                TIMEOUT
            }
            timeout => timeout.unwrap_or(TIMEOUT),
        }
    }

    fn items(&self, key: &'static str, place: Place) -> Vec<Item> {
        self.fields.get(key).map(|node| self.steps.sequence(node, place)).unwrap_or_default()
    }

    fn question(&self, key: &'static str) -> Option<Step> {
        let node = self.fields.get(key)?;
        let asked = self.steps.question(node)?;
        if asked.field.is_some() {
            node.error(format!("`{key}` takes the answer as a whole")).help("leave `field` out").tell();
        }
        Some(asked.step)
    }

    fn verify(&self) -> Verify {
        let Some(node) = self.fields.get("verify") else { return Verify::None };
        match node.value.as_str() {
            Some("none") => Verify::None,
            Some(text) => {
                let draft =
                    node.error("`verify` takes \"none\", or a list of questions with their conditions");
                match crate::suggest::closest(text, ["none"]) {
                    Some(_) => draft.help("write verify = \"none\""),
                    None => draft.help(format!(
                        "write verify = [{{ query = \"{}\", equals = false }}]",
                        short(text.trim())
                    )),
                }
                .tell();
                Verify::None
            }
            None => {
                if node.value.as_array().is_some_and(|list| list.is_empty()) {
                    node.error("`verify` is empty")
                        .help("ask the device whether it is safe: { query = \"OUTP?\", equals = false }")
                        .help("if nothing can be read back, say so: verify = \"none\"")
                        .tell();
                }
                Verify::Checks(self.steps.checks(node))
            }
        }
    }

    fn names(&self, key: &'static str) -> Option<Names> {
        let list = self.fields.get(key)?.list("a list of device names", limits::DEVICES)?;
        let mut names = Names::new();
        for node in list {
            let Some(name) = node.text() else { continue };
            match names.iter().find(|(earlier, _)| earlier == name) {
                Some((_, earlier)) => node
                    .warning(format!("\"{}\" stands twice in `{key}`", short(name)))
                    .also(*earlier, "the first")
                    .help("leave one out")
                    .tell(),
                None => names.push((name.to_owned(), node.span)),
            }
        }
        Some(names)
    }

    /// What the file leaves out follows from `safe`: without ramps, waits and conditions.
    fn derive_emergency(&self, plan: &mut DevicePlan) {
        if self.fields.peek("emergency").is_some() || plan.safe.is_empty() {
            return;
        }
        plan.emergency = plan.safe.iter().filter(|item| item.is_immediate()).cloned().collect();
        if plan.emergency.is_empty()
            && let Some(safe) = self.fields.peek("safe")
        {
            self.problems
                .error(safe.key_span, "no `emergency` follows from this `safe`: nothing in it acts at once")
                .label("ramps, waits and conditions only")
                .help("write what removes power at once: emergency = [\"OUTP OFF\"]")
                .tell();
        }
    }

    /// The tables below the device's own keys.
    fn below(&self) -> Vec<(&'static str, Node<'a>)> {
        ["reading", "control", "instrument_watchdog"]
            .into_iter()
            .filter_map(|key| Some((key, self.fields.peek(key)?.node)))
            .collect()
    }

    /// Whether a key of the device stands in one of its tables: told there, and not missed here.
    fn stands_below(&self, key: &str) -> bool {
        self.below().iter().any(|(_, node)| match node.value {
            toml::de::DeValue::Array(list) => list
                .iter()
                .any(|entry| entry.get_ref().as_table().is_some_and(|table| table.contains_key(key))),
            toml::de::DeValue::Table(table) => table.contains_key(key),
            _ => false,
        })
    }

    /// Ends a table below the device's keys: of its unknown keys, some belong above it.
    fn finish_below(&self, fields: Fields<'a>, header: &str) {
        let first = self.first_header();
        fields.finish_with(|name, field| {
            if !self.fields.knows(name) {
                return false;
            }
            self.misplaced(name, field.key_span, header, first);
            true
        });
    }

    fn misplaced(&self, key: &str, span: Span, header: &str, first: Span) {
        let (line, _) = self.problems.source().position(first.start);
        let known = self.problems.source().slice(first).lines().next().unwrap_or(header).to_owned();
        self.problems
            .error(span, format!("`{key}` is a key of [[device]], but stands below {header}"))
            .label("belongs to the table above it")
            .also(first, "the device's own keys end here")
            .help(format!("move it up, above {known} in line {line}"))
            .tell();
    }

    /// The header of the first table below the device's keys.
    fn first_header(&self) -> Span {
        self.below()
            .iter()
            .map(|(_, node)| match node.value.as_array().and_then(|list| list.first()) {
                Some(first) => Span::from(first.span()),
                None => node.span,
            })
            .min()
            .unwrap_or(self.fields.span)
    }

    fn finish(self, driver: Option<&'static DriverSpec>) {
        let drivers = self.drivers;
        self.fields.finish_with(|name, field| {
            // With the driver unknown, its keys cannot be told from mistakes.
            if driver.is_none() {
                return true;
            }
            let Some(other) = drivers.iter().find(|spec| spec.keys.iter().any(|key| key.name == name)) else {
                return match below_key(name) {
                    Some(place) => {
                        field
                            .node
                            .problems
                            .error(field.key_span, format!("`{name}` is a key of {place}"))
                            .help(format!("write {place} above it"))
                            .tell();
                        true
                    }
                    None => false,
                };
            };
            field
                .node
                .problems
                .error(field.key_span, format!("`{name}` is a key of the driver `{}`", other.name))
                .label(format!("this device's driver is `{}`", driver.map_or("", |driver| driver.name)))
                .help("leave it out, or change `driver`")
                .tell();
            true
        });
    }
}

/// Keys that a device does not have, but a table below it.
fn below_key(name: &str) -> Option<&'static str> {
    match name {
        "every" | "limits" | "stale_after" | "query" | "unit" => Some("[[device.reading]]"),
        "kind" | "min" | "max" | "needs" | "send" | "options" => Some("[[device.control]]"),
        "feed" | "disarm" => Some("[device.instrument_watchdog]"),
        _ => None,
    }
}

/// How long, in a message.
fn time(duration: Duration) -> String {
    show(duration)
}
