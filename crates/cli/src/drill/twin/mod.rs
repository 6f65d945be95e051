//! A rig's simulated twin, made from the rig file: instruments that understand its words, on sockets and ptys
//! of this machine, and the file once more with its ways leading there.
//!
//! It lives in this process and outlives every host that a drill kills. It never opens a device of the real
//! rig, resolves no name and runs no program.

mod answer;
mod compose;
mod register;
mod rewrite;
mod sample;
#[cfg(test)]
mod tests;
mod words;

use std::{collections::BTreeMap, fs, io, net::Ipv4Addr, path::Path, time::Duration};

use killcord::core::{
    Control, DeviceIx, LinkIx, Reading, Rig,
    plan::{Connect, DevicePlan, Protocol, Terminator, Verify},
    rig::OnLimit,
};
use killcord_sim::{
    Answer, Config, FaultError, InstrumentConfig, Kind, Language, Listen, Running, Sim, Snapshot, StartError,
};

use self::{rewrite::Ways, words::Words};

/// Why there is no twin.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TwinError {
    /// Its instruments could not be started.
    #[error("the twin's instruments could not be started")]
    Start(#[from] StartError),
    /// The rig file could not be read again, or its twin's not be written.
    #[error("the twin's rig file could not be written; check the disk and the folder for temporary files")]
    Files(#[from] io::Error),
    /// The rig file's text was checked, and is no TOML now: it was changed meanwhile.
    #[error("the rig file was changed while it was read; start the drill again")]
    Changed(#[from] toml::de::Error),
    /// The rewritten file has no text.
    #[error("the twin's rig file could not be put into words")]
    Write(#[from] toml::ser::Error),
}

/// A device's part in a drill.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    /// Its name.
    pub(crate) name: String,
    /// Its arm sequence sends something: a drill waits for it to be energised, and then safe.
    pub(crate) arms: bool,
    /// Something can be read back.
    pub(crate) verifies: bool,
    /// It has a wire that can be unplugged.
    pub(crate) has_wire: bool,
    words: Words,
}

/// What a twin is made of, before its first start: each run starts it anew.
#[derive(Debug)]
pub(crate) struct Blueprint {
    parts: Vec<Part>,
    config: Config,
    /// By link, the part that listens for all on it.
    links: BTreeMap<String, String>,
    /// Readings that an interlock watches, each with its device's name.
    watched: Vec<(String, Reading)>,
    text: String,
    /// What a person should know of it: devices without a twin, demands that no answer meets.
    pub(crate) notes: Vec<String>,
}

impl Blueprint {
    /// Reads a checked rig; `text` is its file's.
    pub(crate) fn of(rig: &Rig, text: String) -> Self {
        let (mut parts, mut instruments, mut notes) = (Vec::new(), Vec::new(), Vec::new());
        let (mut links, mut watched) = (BTreeMap::<String, String>::new(), Vec::new());
        for (at, device) in (0_u16..).zip(&rig.plan.devices) {
            let at = DeviceIx(at);
            let readings: Vec<&Reading> = rig.readings.iter().filter(|it| it.device == at).collect();
            let controls: Vec<&Control> = rig.controls.iter().filter(|it| it.device == at).collect();
            let Some((link, speaks)) = link_of(rig, device) else { continue };
            let words = match Words::of(device, &readings, &controls, speaks) {
                Ok(words) => words,
                Err(why) => {
                    notes.push(format!("{}: left out of the drill, it has no twin: {why}", device.name));
                    continue;
                }
            };
            notes.extend(words.open.iter().map(|open| format!("{}: cannot come true: {open}", device.name)));
            let listen = match links.get(&link.name) {
                Some(first) => Listen::With(first.clone()),
                None => place_of(&link.connect, &device.name),
            };
            links.entry(link.name.clone()).or_insert_with(|| device.name.clone());
            let kind = Kind::Scripted(words.config.clone());
            instruments.push(InstrumentConfig {
                name: device.name.clone(),
                kind,
                listen,
                faults: Vec::new(),
            });
            let is_watched = |it: &&&Reading| it.limits.as_ref().is_some_and(|it| it.on == OnLimit::Safe);
            watched.extend(readings.iter().filter(is_watched).map(|it| (device.name.clone(), (*it).clone())));
            parts.push(Part {
                name: device.name.clone(),
                arms: !device.arm.is_empty(),
                verifies: matches!(&device.verify, Verify::Checks(checks) if !checks.is_empty()),
                has_wire: link.connect != Connect::None,
                words,
            });
        }
        let config = Config { witness: (Ipv4Addr::LOCALHOST, 0).into(), instruments };
        Self { parts, config, links, watched, text, notes }
    }

    /// The devices that have a twin.
    pub(crate) fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Whether a reading with an interlock is there to be put out of its limits.
    pub(crate) fn has_interlock(&self) -> bool {
        !self.watched.is_empty()
    }

    /// Whether a device that arms has a wire that can be unplugged.
    pub(crate) fn has_wire(&self) -> bool {
        self.parts.iter().any(|part| part.arms && part.has_wire)
    }

    /// Starts the instruments and writes the rig file into `folder`; `recorder` stands in for programs.
    /// `on_first_session`: a window arms at once.
    pub(crate) fn start(
        &self,
        folder: &Path,
        recorder: &Path,
        on_first_session: bool,
    ) -> Result<Twin<'_>, TwinError> {
        let mut config = self.config.clone();
        for instrument in &mut config.instruments {
            if let Listen::Pty(Some(path)) = &mut instrument.listen {
                *path = folder.join(&*path);
            }
        }
        let bench = Sim::start(config)?;
        let addresses = bench.addresses();
        let mut ways = Ways::default();
        for part in &self.parts {
            if let Some(address) = addresses.get(&part.name) {
                ways.devices.insert(&part.name, (address, &part.words.programs));
            }
        }
        for (link, first) in &self.links {
            if let Some(address) = addresses.get(first) {
                ways.links.insert(link, address);
            }
        }
        let mut file = rewrite::rewrite(&self.text, &ways, recorder)?;
        if on_first_session {
            let safety = file.entry("safety").or_insert_with(|| toml::Table::new().into());
            if let Some(safety) = safety.as_table_mut() {
                safety.insert(String::from("arm"), "on-first-session".into());
            }
        }
        fs::write(folder.join("rig.toml"), toml::to_string(&file)?)?;
        Ok(Twin { blueprint: self, bench })
    }
}

/// The link of a device and what is spoken there.
fn link_of<'a>(rig: &'a Rig, device: &DevicePlan) -> Option<(&'a killcord::core::plan::LinkPlan, Language)> {
    let LinkIx(at) = device.link;
    let link = rig.plan.links.get(usize::from(at))?;
    let speaks = match &link.connect {
        Connect::None => Language::Lines { end: "\n" },
        Connect::Tcp { protocol, .. } | Connect::Serial { protocol, .. } => match protocol {
            Protocol::Line { terminator: Terminator::Lf } => Language::Lines { end: "\n" },
            Protocol::Line { terminator: Terminator::Cr } => Language::Lines { end: "\r" },
            Protocol::Line { terminator: Terminator::Crlf } => Language::Lines { end: "\r\n" },
            Protocol::ModbusTcp | Protocol::ModbusRtu => {
                let unit = match device.keys.get("unit") {
                    Some(killcord::core::plan::KeyValue::Integer(unit)) => u8::try_from(*unit).ok(),
                    // The driver's own.
                    _ => Some(1),
                };
                Language::Modbus { unit }
            }
        },
    };
    Some((link, speaks))
}

/// Where the twin of a link listens; a pty's link is named after the first device on it.
fn place_of(connect: &Connect, device: &str) -> Listen {
    match connect {
        Connect::Serial { .. } => Listen::Pty(Some(format!("{device}.tty").into())),
        Connect::None | Connect::Tcp { .. } => Listen::Tcp((Ipv4Addr::LOCALHOST, 0).into()),
    }
}

/// A running twin. Dropped, its instruments are gone.
#[derive(Debug)]
pub(crate) struct Twin<'a> {
    blueprint: &'a Blueprint,
    bench: Running,
}

/// What the twin has seen since a cause.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen {
    /// From the cause to the first byte of a safe or emergency step.
    pub(crate) first_safe_byte: Option<Duration>,
    /// From the cause until everything that was energised was off and, where that can be, read back.
    pub(crate) safe: Option<Duration>,
    /// Devices that are energised.
    pub(crate) energised: Vec<String>,
    /// Devices that are off, and that nobody has read back since.
    pub(crate) not_read_back: Vec<String>,
}

impl Twin<'_> {
    /// The clock of what was seen, in milliseconds.
    pub(crate) fn now_ms(&self) -> f64 {
        self.bench.now_ms()
    }

    fn armed_parts(&self) -> impl Iterator<Item = &Part> {
        self.blueprint.parts.iter().filter(|part| part.arms)
    }

    /// Whether everything that arms is energised.
    pub(crate) fn is_armed(&self) -> bool {
        let now = self.bench.inspect();
        self.armed_parts().all(|part| now.energised(&part.name) == Some(true))
    }

    /// The devices that arm and are not energised.
    pub(crate) fn not_armed(&self) -> Vec<String> {
        let now = self.bench.inspect();
        let cold = self.armed_parts().filter(|part| now.energised(&part.name) != Some(true));
        cold.map(|part| part.name.clone()).collect()
    }

    /// Waits until everything is off and read back, at most so long, and says what was seen since `since_ms`.
    pub(crate) fn await_safe(&self, since_ms: f64, within: Duration) -> Seen {
        let is_safe =
            |now: &Snapshot| self.armed_parts().all(|part| is_off(now, part) && is_read_back(now, part));
        let now = match self.bench.wait_until(is_safe, within) {
            Ok(now) => now,
            Err(late) => *late.last,
        };
        let since = |ms: f64| Duration::from_secs_f64((ms - since_ms).max(0.0) / 1000.0);
        let (mut first, mut last) = (None::<f64>, None::<f64>);
        for change in now.changes.iter().filter(|change| change.t_ms >= since_ms) {
            let on = change.to == killcord_sim::OutputValue::Switch(true);
            let begins = matches!((change.output.as_str(), on), ("stopping", true) | ("output", false));
            let ends = matches!((change.output.as_str(), on), ("output", false) | ("confirmed", true));
            if begins && first.is_none() {
                first = Some(change.t_ms);
            }
            if ends {
                last = Some(change.t_ms);
            }
        }
        let names = |is: &dyn Fn(&Part) -> bool| -> Vec<String> {
            self.armed_parts().filter(|part| is(part)).map(|part| part.name.clone()).collect()
        };
        let energised = names(&|part| !is_off(&now, part));
        let not_read_back = names(&|part| is_off(&now, part) && !is_read_back(&now, part));
        let safe = last.filter(|_| energised.is_empty() && not_read_back.is_empty()).map(since);
        Seen { first_safe_byte: first.map(since), safe, energised, not_read_back }
    }

    /// Puts the first reading that has an interlock outside its limits; false where there is none.
    pub(crate) fn leave_limits(&self) -> Result<bool, FaultError> {
        for (device, reading) in &self.blueprint.watched {
            let Some(part) = self.part(device) else { continue };
            let Some(limits) = &reading.limits else { continue };
            if let Some(answers) = part.words.outside(reading, limits) {
                self.answer(device, answers)?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Has the first reading that has an interlock give no good value any more; false where there is none.
    pub(crate) fn go_stale(&self) -> Result<bool, FaultError> {
        let Some((device, reading)) = self.blueprint.watched.first() else { return Ok(false) };
        let Some(part) = self.part(device) else { return Ok(false) };
        self.answer(device, part.words.spoilt(reading))?;
        Ok(true)
    }

    /// Unplugs the first wire that leads to something that arms, for so long; false where there is none.
    pub(crate) fn unplug(&self, lasting: Duration) -> Result<bool, FaultError> {
        let Some(part) = self.armed_parts().find(|part| part.has_wire) else { return Ok(false) };
        let fault = killcord_sim::Fault::new(killcord_sim::FaultKind::Unplugged).lasting(lasting);
        self.bench.fault(&part.name, fault)?;
        Ok(true)
    }

    fn part(&self, name: &str) -> Option<&Part> {
        self.blueprint.parts.iter().find(|part| part.name == name)
    }

    fn answer(&self, device: &str, answers: Vec<Answer>) -> Result<(), FaultError> {
        answers.into_iter().try_for_each(|answer| self.bench.set_answer(device, answer))
    }
}

fn is_off(now: &Snapshot, part: &Part) -> bool {
    now.energised(&part.name) == Some(false)
}

/// A check that cannot come true is never passed, whoever asks.
fn is_read_back(now: &Snapshot, part: &Part) -> bool {
    !part.verifies || (part.words.open.is_empty() && now.switch(&part.name, "confirmed") == Some(true))
}

/// The longest that an interlock may take by its own words, polls included.
pub(crate) fn slowest_interlock(rig: &Rig) -> Duration {
    let slowness = |reading: &Reading| {
        let lasting = reading.limits.as_ref().map_or(Duration::ZERO, |limits| limits.r#for);
        reading.stale_after.max(lasting) + reading.every
    };
    rig.readings.iter().map(slowness).max().unwrap_or_default()
}
