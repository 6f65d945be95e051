//! What happens, as lines.

use std::collections::{BTreeMap, HashMap};

use killcord::{
    Host, Outcome, Role, SessionEnd,
    core::{DeviceState, Extent, Value},
    wire::{DeviceView, ReadingUpdate, RigPatch, RigState, RigView, TeardownDevice, ToPage, WarningKind},
};

use super::{
    report,
    words::{plain_lines, standing, unclean, watchdog, word},
};
use crate::{console::Console, moment, stop::chain, table, text::plain};

/// Prints frames, and the rig's state when asked.
pub(super) struct Screen {
    host: Host,
    console: Console,
    json: bool,
    devices: Vec<String>,
    state: Option<RigState>,
    role: Option<Role>,
    /// What each device was doing when it was last printed, in the running teardown.
    doing: BTreeMap<u16, String>,
    teardown: bool,
    asked: HashMap<String, String>,
    count: u64,
    /// The last value of each reading and readback.
    values: HashMap<(u16, String, bool), ReadingUpdate>,
}

impl Screen {
    pub(super) fn new(host: &Host, console: Console, json: bool) -> Self {
        let devices = host.rig().plan.devices.iter().map(|device| device.title().to_owned()).collect();
        Self {
            host: host.clone(),
            console,
            json,
            devices,
            state: None,
            role: None,
            doing: BTreeMap::new(),
            teardown: false,
            asked: HashMap::new(),
            count: 0,
            values: HashMap::new(),
        }
    }

    /// A command was typed: the name that its answer will carry.
    pub(super) fn asked(&mut self, line: &str) -> String {
        self.count += 1;
        let id = format!("terminal-{}", self.count);
        self.asked.insert(id.clone(), plain(line));
        id
    }

    pub(super) fn show(&mut self, frame: &ToPage) {
        if self.json {
            match serde_json::to_string(frame) {
                Ok(line) => self.console.say(line),
                Err(error) => self.console.error(chain(&error)),
            }
        }
        match frame {
            ToPage::Welcome { rig, role, resumed, .. } => self.welcome(rig, *role, *resumed),
            ToPage::Rig { patch } => self.patch(patch),
            ToPage::Readings { readings } => self.readings(readings),
            ToPage::Control { role, .. } => self.control(*role),
            ToPage::Warning { kind, in_ms } => {
                let what = match kind {
                    WarningKind::Idle => "this session ends for want of input",
                    WarningKind::TakeOver => "another session gets control",
                    WarningKind::HoldOver => "the hold ends and the rig is made safe",
                    WarningKind::PageNotResponding => "the page does not respond",
                };
                self.line(&format!("In {} s {what}.", in_ms / 1000));
            }
            ToPage::Teardown { text, extent, devices, done, .. } => {
                self.teardown(text, *extent, devices, *done);
            }
            // The report says the rest.
            ToPage::Ended { reason: SessionEnd::HostStopping, .. } => {}
            ToPage::Ended { reason, .. } => self.line(&format!("This session has ended: {reason}.")),
            ToPage::Done { id } => {
                if let Some(line) = self.asked.remove(id) {
                    self.line(&format!("{line}: done"));
                }
            }
            ToPage::Error { id, message, .. } => {
                let asked = id.as_ref().and_then(|id| self.asked.remove(id));
                let text = asked.map_or_else(|| message.clone(), |line| format!("{line}: {message}"));
                self.console.error(plain(&text));
            }
            ToPage::Ack { .. } => {}
        }
    }

    /// The host has ended: what a person has to know, on stderr.
    pub(super) fn ended(&self, outcome: &Outcome) {
        if self.json {
            let end = serde_json::json!({ "t": "end", "exit": outcome.exit, "report": outcome.report });
            self.console.say(end.to_string());
        } else if outcome.exit == 0 {
            self.line(&report::whole(&outcome.report));
        }
        report::summary(&self.console, outcome);
    }

    /// Devices, readings and controls, now.
    pub(super) fn status(&self) {
        let view = self.host.view();
        if self.json {
            match serde_json::to_string(&*view) {
                Ok(line) => self.console.say(line),
                Err(error) => self.console.error(chain(&error)),
            }
            return;
        }
        let mut lines = vec![format!("{}: {}", view.name, word(view.state))];
        let mut rows = Vec::new();
        for (at, device) in view.devices.iter().enumerate() {
            let at = u16::try_from(at).unwrap_or(u16::MAX);
            rows.push(vec![device.name.clone(), device.title.clone(), standing(&device.state)]);
            for reading in &device.readings {
                rows.push(self.value_row(at, &reading.name, false, &reading.unit, None));
            }
            for control in &device.controls {
                rows.push(self.value_row(at, &control.name, true, &control.unit, control.setpoint.as_ref()));
            }
        }
        lines.push(table::columns(&["device", "", ""], &rows));
        lines.extend(
            view.trip
                .iter()
                .map(|trip| format!("Tripped: {}. Type `ack` once you have seen to it.", trip.text)),
        );
        lines.extend(unclean(&view));
        lines.extend(view.arm_refused.iter().map(|refusal| format!("Not armed: {}", refusal.message)));
        lines.extend(watchdog(&view.watchdog));
        lines.extend(view.notices.iter().cloned());
        self.console.say(lines.iter().map(|line| plain_lines(line)).collect::<Vec<_>>().join("\n"));
    }

    fn value_row(&self, at: u16, name: &str, control: bool, unit: &str, set: Option<&Value>) -> Vec<String> {
        let read = self.values.get(&(at, name.to_owned(), control));
        let shown = match read {
            Some(ReadingUpdate { value: Some(value), outside, .. }) => {
                let outside = if *outside { "  OUTSIDE ITS LIMITS" } else { "" };
                format!("{value} {unit}{outside}")
            }
            Some(ReadingUpdate { error: Some(error), .. }) => format!("none: {error}"),
            _ if control => String::from("-"),
            _ => String::from("none yet"),
        };
        let set = set.map_or(String::new(), |set| format!("  (set: {set} {unit})"));
        let name = if control { format!("  set {name}") } else { format!("  {name}") };
        vec![name, String::new(), format!("{shown}{set}").trim_end().to_owned()]
    }

    fn welcome(&mut self, rig: &RigView, role: Role, resumed: bool) {
        if self.json || resumed {
            return;
        }
        let mut lines = vec![format!("{} ({})", rig.name, rig.file)];
        let row =
            |device: &DeviceView| vec![device.name.clone(), device.title.clone(), device.connect.clone()];
        lines.push(
            table::columns(&["", "", ""], &rig.devices.iter().map(row).collect::<Vec<_>>())
                .trim_start()
                .to_owned(),
        );
        if rig.arms {
            lines.extend(watchdog(&rig.watchdog));
        }
        lines.push(String::from(
            "Type `help` for what can be done; the end of this terminal makes the rig safe.",
        ));
        self.console.say(lines.join("\n"));
        self.control(role);
        // Before anything was tried there is nothing to tell.
        if rig.devices.iter().any(|device| device.state != DeviceState::Disconnected) {
            self.state(rig.state);
        }
        self.news(rig);
    }

    fn news(&self, rig: &RigView) {
        if let Some(trip) = &rig.trip {
            self.line(&format!("TRIPPED: {}. Nothing arms until it is acknowledged: type `ack`.", trip.text));
        }
        if let Some(line) = unclean(rig) {
            self.line(&line);
        }
        for notice in &rig.notices {
            self.console.error(plain(notice));
        }
    }

    fn patch(&mut self, patch: &RigPatch) {
        if self.json {
            return;
        }
        for (at, identity) in patch.identities.iter().flatten() {
            self.line(&format!("{}: {identity}", self.title(*at)));
        }
        for (at, state) in patch.devices.iter().flatten() {
            if let DeviceState::Fault(fault) = state {
                self.line(&format!("{}: {fault}", self.title(*at)));
            }
        }
        if let Some(state) = patch.state {
            self.state(state);
        }
        if let Some(Some(trip)) = &patch.trip {
            self.line(&format!("TRIPPED: {}. Nothing arms until it is acknowledged: type `ack`.", trip.text));
        }
        if patch.unclean.as_ref().is_some_and(Option::is_some)
            && let Some(line) = unclean(&self.host.view())
        {
            self.line(&line);
        }
        for line in patch.watchdog.iter().flat_map(watchdog) {
            self.console.error(plain(&line));
        }
        for notice in patch.notices.iter().flatten() {
            self.console.error(plain(notice));
        }
    }

    fn state(&mut self, state: RigState) {
        // A teardown is told step by step.
        if self.state.replace(state) != Some(state) && state != RigState::MakingSafe {
            self.line(word(state));
        }
    }

    fn control(&mut self, role: Role) {
        if !self.json && self.role.replace(role) != Some(role) && role == Role::Observer {
            self.line(
                "Another session is in control; type `control` to ask for it. `safe` and `stop` always work.",
            );
        }
    }

    fn readings(&mut self, readings: &[ReadingUpdate]) {
        for reading in readings {
            let key = (reading.device, reading.name.clone(), reading.control);
            let before = self.values.insert(key, reading.clone());
            let was_outside = before.is_some_and(|before| before.outside);
            if reading.outside && !was_outside && !self.json {
                let value = reading.value.as_ref().map_or_else(String::new, ToString::to_string);
                self.line(&format!(
                    "{} {}: {value} is outside its limits",
                    self.title(reading.device),
                    reading.name
                ));
            }
        }
    }

    fn teardown(&mut self, cause: &str, extent: Extent, devices: &[TeardownDevice], done: bool) {
        if self.json {
            return;
        }
        if !self.teardown {
            self.doing.clear();
            let how = if extent == Extent::Stay { "" } else { " and releasing it" };
            self.line(&format!("Making the rig safe{how}: {cause}"));
        }
        self.teardown = !done;
        for device in devices {
            let doing = match (device.status, device.confirmed, device.released) {
                (None, ..) => device.doing.clone(),
                (Some(_), true, true) => String::from("safe, released"),
                (Some(_), true, false) => String::from("safe"),
                (Some(_), false, _) => format!("NOT confirmed safe. {}", device.remarks.join(" ")),
            };
            if self.doing.get(&device.device) != Some(&doing) {
                self.line(&format!("  {}: {doing}", self.title(device.device)));
                self.doing.insert(device.device, doing);
            }
        }
    }

    fn title(&self, device: u16) -> String {
        self.devices.get(usize::from(device)).cloned().unwrap_or_default()
    }

    fn line(&self, text: &str) {
        if !self.json {
            self.console.say(format!("{} {}", moment::clock(), plain(text)));
        }
    }
}
