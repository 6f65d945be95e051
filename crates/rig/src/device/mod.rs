//! `[[device]]`: one instrument, controller or relay, with its sequences, readings and controls.

mod control;
mod keys;
mod line;
mod place;
mod reading;
mod rules;
mod sequences;
mod watchdog;

pub(crate) use self::{place::below_key, sequences::names};

use std::time::Duration;

use killcord_core::{Control, DeviceIx, DevicePlan, LinkIx, Reading, driver::DriverSpec};

use crate::{
    connect::Connection,
    duration::show,
    fields::Fields,
    limits,
    link::tables,
    node::short,
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
    /// Its Modbus unit, where the file says one.
    pub(crate) modbus_unit: Option<(i64, Span)>,
    pub(crate) safe_after: Names,
    pub(crate) arm_after: Option<Names>,
    pub(crate) budget: Option<(Duration, Span)>,
    /// Where `safe` stands.
    pub(crate) safe_span: Option<Span>,
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

        let keys = keys::read(&self.fields, driver);
        let modbus_unit = keys::modbus_unit(&self.fields, driver, &keys);
        let safe = self.items("safe", Place::Sequence);
        let emergency = self.items("emergency", Place::Emergency);
        let mut plan = DevicePlan {
            name,
            label,
            driver: driver.map(|driver| driver.name.to_owned()).unwrap_or_default(),
            keys,
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
        self.something_acts(&plan);
        self.judge(&controls);
        let span = self.fields.span;
        let safe_span = self.fields.peek("safe").map(|field| field.key_span);
        self.finish(driver);
        DeviceDraft {
            plan,
            span,
            name_span,
            driver,
            line,
            modbus_unit,
            safe_after,
            arm_after,
            budget,
            safe_span,
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
}

/// How long, in a message.
fn time(duration: Duration) -> String {
    show(duration)
}
