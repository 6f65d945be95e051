//! The bench of a run: simulated instruments that outlive whatever is done to Killcord, and the rig file for them.

use std::fmt::Write as _;
use std::time::Duration;

use killcord_sim::{Address, Config, Fault, FaultKind, Running, Sim, Snapshot};

use super::plan::Plan;
use crate::station::Station;

/// The longest that a teardown of the rig may take: its `deadline`.
pub(super) const DEADLINE: Duration = Duration::from_secs(10);
/// The rig's `hang_after`.
pub(super) const HANG_AFTER: Duration = Duration::from_secs(1);
/// What the supply is ramped up to, in volts; a second's way.
const VOLTS: f64 = 12.0;

/// A device of a bench.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A supply over TCP, with ramps both ways.
    Supply,
    /// An electronic load over TCP, made safe once the supply is.
    Load,
    /// A supply on a serial line, which is a pty.
    Line,
    /// A furnace over Modbus TCP.
    Furnace,
}

impl Unit {
    /// Its name in bench and rig.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Supply => "psu",
            Self::Load => "load",
            Self::Line => "line",
            Self::Furnace => "furnace",
        }
    }

    /// The command that energises it.
    #[must_use]
    pub const fn on(self) -> &'static str {
        match self {
            Self::Supply | Self::Line => "OUTP ON",
            Self::Load => "INP ON",
            Self::Furnace => "write_coil 0 true",
        }
    }

    /// The command that de-energises it.
    #[must_use]
    pub const fn off(self) -> &'static str {
        match self {
            Self::Supply | Self::Line => "OUTP OFF",
            Self::Load => "INP OFF",
            Self::Furnace => "write_coil 0 false",
        }
    }

    /// Its output, as the simulator calls it.
    #[must_use]
    pub const fn output(self) -> &'static str {
        match self {
            Self::Supply | Self::Line => "output",
            Self::Load => "input",
            Self::Furnace => "heater",
        }
    }

    fn instrument(self, station: &Station) -> String {
        let (kind, listen) = match self {
            Self::Supply => ("supply", "tcp://127.0.0.1:0".to_owned()),
            Self::Load => ("load", "tcp://127.0.0.1:0".to_owned()),
            Self::Line => ("supply", format!("pty://{}", station.path("tty").display())),
            Self::Furnace => ("furnace", "tcp://127.0.0.1:0".to_owned()),
        };
        let more = if self == Self::Load { "source = \"psu\"\n" } else { "" };
        format!("[[instrument]]\nname = {:?}\nkind = {kind:?}\nlisten = {listen:?}\n{more}\n", self.name())
    }

    /// As the rig file has it. The waits give a cause room to fall between two steps.
    const fn device(self) -> &'static str {
        match self {
            Self::Supply => {
                r#"driver = "scpi"
id = "*IDN?"
budget = "4s"
arm = ["CURR 3", "OUTP ON", { ramp = "VOLT {}", from = "VOLT?", to = 12, per_second = 12 }]
safe = [{ ramp = "VOLT {}", from = "VOLT?", to = 0, per_second = 12 }, "OUTP OFF"]
emergency = ["OUTP OFF"]
verify = [{ query = "OUTP?", equals = false }]
release = [{ wait = "150ms" }, "SYST:LOC"]

[[device.reading]]
name = "voltage"
query = "MEAS:VOLT?"
every = "200ms"
limits = { max = 20.0, on = "safe", while = "armed" }
"#
            }
            Self::Load => {
                r#"driver = "scpi"
id = "*IDN?"
budget = "2500ms"
safe_after = ["psu"]
arm = ["CURR 1", { wait = "150ms" }, "INP ON"]
safe = ["INP OFF"]
verify = [{ query = "INP?", equals = false }]
release = ["SYST:LOC"]
"#
            }
            Self::Line => {
                r#"driver = "scpi"
id = "*IDN?"
budget = "2500ms"
arm = ["VOLT 5", { wait = "100ms" }, "OUTP ON"]
safe = ["OUTP OFF"]
verify = [{ query = "OUTP?", equals = false }]

[[device.reading]]
name = "current"
query = "MEAS:CURR?"
every = "200ms"
"#
            }
            Self::Furnace => {
                r#"driver = "modbus"
unit = 1
budget = "3s"
arm = [{ write_register = 100, value = 1200 }, { write_coil = 0, value = true }]
safe = [{ write_register = 100, value = 0 }, { write_coil = 0, value = false }]
verify = [{ read_coil = 0, equals = false }]
"#
            }
        }
    }
}

/// The instruments at work.
pub(super) struct Bench {
    sim: Running,
    units: Vec<Unit>,
}

impl Bench {
    /// Starts them.
    ///
    /// # Panics
    /// When one cannot listen.
    #[must_use]
    pub(super) fn start(units: &[Unit], station: &Station) -> Self {
        let text: String = units.iter().map(|unit| unit.instrument(station)).collect();
        let config = Config::parse(&text, "bench.toml").unwrap_or_else(|error| panic!("{error}\n{text}"));
        Self { sim: Sim::start(config).unwrap(), units: units.to_vec() }
    }

    /// The rig file for them.
    #[must_use]
    pub(super) fn rig(&self, plan: &Plan) -> String {
        let addresses = self.sim.addresses();
        let arm = if plan.window { "on-first-session" } else { "manual" };
        let mut text = format!(
            "[rig]\nname = \"Campaign\"\ndeadline = \"{}s\"\n\n[safety]\narm = \"{arm}\"\non_safe_stop = \"safe\"\n\
             hang_after = \"{}s\"\n",
            DEADLINE.as_secs(),
            HANG_AFTER.as_secs()
        );
        for unit in &self.units {
            let connect = addresses.get(unit.name()).map(Address::connect).unwrap_or_default();
            let waits = if *unit == Unit::Line && plan.line_waits { "safe_after = [\"psu\"]\n" } else { "" };
            let (name, keys) = (unit.name(), unit.device());
            let head = format!("\n[[device]]\nname = {name:?}\nconnect = {connect:?}\ntimeout = \"500ms\"\n");
            let _infallible = write!(text, "{head}{waits}{keys}");
        }
        text
    }

    /// Everything as it is now.
    #[must_use]
    pub(super) fn look(&self) -> Snapshot {
        self.sim.inspect()
    }

    /// Now, by the simulators' clock, in milliseconds.
    #[must_use]
    pub(super) fn now_ms(&self) -> f64 {
        self.look().t_ms
    }

    /// Whether no output is live.
    #[must_use]
    pub(super) fn is_off(&self) -> bool {
        is_off(&self.look())
    }

    /// Gives a device its fault.
    pub(super) fn trouble(&self, unit: Unit, fault: &Fault) {
        self.sim.fault(unit.name(), fault.clone()).unwrap();
    }

    /// Mends a device.
    pub(super) fn mend(&self, unit: Unit) {
        self.sim.clear_faults(unit.name()).unwrap();
    }

    /// Makes the supply's readings ones that no rig bears. For good: an answer may be lost to another fault.
    pub(super) fn trip(&self) {
        let reading = Fault::new(FaultKind::Garbage).on("MEAS:VOLT").text("99");
        self.sim.fault(Unit::Supply.name(), reading).unwrap();
    }
}

/// Whether no output is live.
#[must_use]
pub(super) fn is_off(snapshot: &Snapshot) -> bool {
    !snapshot.instruments.values().any(|instrument| instrument.energised)
}

/// Whether everything that arms has been told to go on, and the supply's ramp is at its end.
#[must_use]
pub(super) fn is_on(snapshot: &Snapshot) -> bool {
    snapshot.instruments.values().all(|instrument| instrument.energised) && volts(snapshot) >= VOLTS
}

/// The supply's setpoint.
#[must_use]
pub(super) fn volts(snapshot: &Snapshot) -> f64 {
    snapshot.number(Unit::Supply.name(), "setpoint").unwrap_or(0.0)
}
