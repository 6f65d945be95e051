//! One rig of three instruments that nobody here wrote: gepace (SCPI, TCP), cryocon (SCPI, serial) and the
//! furnace (Modbus TCP), made safe in this order: pace, furnace, cryocon.

use super::{Furnace, Received, Scpi};
use crate::station::quoted;

/// The three.
pub struct Trio {
    /// Pressure and temperature controller.
    pub scpi: Scpi,
    /// The furnace.
    pub furnace: Furnace,
}

/// The safe commands, as [`Trio::commands`] shows them, in the order that the rig declares.
pub const SAFE: [&str; 4] =
    ["pace :OUTP1:STAT 0", "furnace write_register 11 0", "furnace write_coil 32 false", "cryocon STOP"];

impl Trio {
    /// Starts them.
    #[must_use]
    pub fn start() -> Self {
        Self { scpi: Scpi::start(), furnace: Furnace::start() }
    }

    /// Their rig file.
    #[must_use]
    pub fn rig(&self) -> String {
        self.rig_with("")
    }

    /// Their rig file, with these lines in its `[safety]`.
    #[must_use]
    pub fn rig_with(&self, safety: &str) -> String {
        format!(
            r#"[rig]
name = "Three peers"
deadline = "20s"

[safety]
{safety}

[[device]]
name = "pace"
driver = "scpi"
connect = "tcp://127.0.0.1:{pace}"
id = "*IDN?"
expect_id = "PACE5000"
arm = [":OUTP1:STAT 1"]
safe = [":OUTP1:STAT 0"]
verify = [{{ query = ":OUTP1:STAT?", matches = " 0$" }}]

[[device]]
name = "cryocon"
driver = "scpi"
connect = {cryocon}
id = "*IDN?"
expect_id = "Cryo-con"
safe_after = ["furnace"]
arm = ["CONTROL"]
safe = ["STOP"]
verify = [{{ query = "CONTROL?", equals = false }}]

[[device]]
name = "furnace"
driver = "modbus"
# This server drops the second of two requests that come together.
connect = "modbus+tcp://127.0.0.1:{furnace}?cut_in=false"
unit = 1
safe_after = ["pace"]
arm = [{{ write_register = 11, value = 850 }}, {{ write_coil = 32, value = true }}]
safe = [{{ write_register = 11, value = 0 }}, {{ write_coil = 32, value = false }}]
verify = [{{ read_coil = 32, equals = false }}]

[[device.reading]]
name = "temperature"
query = {{ read_register = 10 }}
every = "500ms"
unit = "°C"
"#,
            pace = self.scpi.pace(),
            cryocon = quoted(&std::path::PathBuf::from(format!(
                "serial://{}?baud=9600&term=lf",
                self.scpi.cryocon_pty().display()
            ))),
            furnace = self.furnace.port(),
        )
    }

    /// What the three have received that is no query, by the times of their own logs.
    #[must_use]
    pub fn commands(&self) -> Vec<Received> {
        let mut all = self.scpi.commands();
        all.extend(self.furnace.commands());
        all.sort_by(|a, b| a.logged.cmp(&b.logged));
        all
    }

    /// As [`Self::commands`], as texts.
    #[must_use]
    pub fn command_texts(&self) -> Vec<String> {
        self.commands().iter().map(ToString::to_string).collect()
    }

    /// Whether all three are on, asked from outside.
    #[must_use]
    pub fn all_on(&self) -> bool {
        self.scpi.pace_is_on() && self.scpi.cryocon_is_on() && self.furnace.is_on()
    }

    /// Whether all three are off, asked from outside.
    #[must_use]
    pub fn all_off(&self) -> bool {
        !self.scpi.pace_is_on() && !self.scpi.cryocon_is_on() && !self.furnace.is_on()
    }
}
