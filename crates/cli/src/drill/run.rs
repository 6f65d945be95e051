//! One cause: a fresh host on a fresh ground, armed, the cause fired, and what came of it.

use std::{
    io,
    path::Path,
    time::{Duration, Instant},
};

use killcord::{
    Rig,
    core::DeviceState,
    wire::{RigState, RigView},
};
use killcord_sim::FaultError;

use super::{
    fire::{self, Fired},
    machine::Machine,
    past::Past,
    process::{Folders, Host, Programs, Start},
    row::{Ends, Row},
    told::Told,
    twin::{self, Blueprint, Seen, Twin, TwinError},
};
use crate::{find, stop::chain};

/// Beyond the rig's deadline: processes start and end, threads are given time on a busy machine.
const MARGIN: Duration = Duration::from_secs(6);
/// Devices are opened within this (the host's own limit), before they are made safe and armed.
const OPENS: Duration = Duration::from_secs(5);
/// How long a wire stays unplugged, and the longest that a host then takes to look for it again.
const UNPLUGGED: Duration = Duration::from_secs(2);
const LOOKS_AGAIN: Duration = Duration::from_secs(30);
/// Between two looks at a host.
pub(super) const LOOK: Duration = Duration::from_millis(20);

/// A drill cannot go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    /// The twin did not start.
    #[error(transparent)]
    Twin(#[from] TwinError),
    /// The system refused something.
    #[error("the system refused a process, a folder or a thread; see what it says")]
    System(#[from] io::Error),
    /// The twin has no such instrument.
    #[error("the twin does not take a fault")]
    Fault(#[from] FaultError),
}

/// What causes are fired at.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ground<'a> {
    /// The simulated twin.
    Twin(&'a Blueprint),
    /// The real rig, by its file.
    Hardware(&'a Path),
}

/// Runs causes.
#[derive(Debug)]
pub(crate) struct Runner<'a> {
    pub(crate) rig: &'a Rig,
    pub(crate) ground: Ground<'a>,
    pub(crate) programs: Programs,
}

/// The stage of one run.
pub(super) struct Stage<'a> {
    // In the order in which they go: what a host still uses outlives it.
    pub(super) host: Host,
    pub(super) machine: Option<Machine>,
    pub(super) twin: Option<Twin<'a>>,
    pub(super) folders: Folders,
}

impl Runner<'_> {
    /// Fires one cause at a fresh host.
    pub(crate) fn run(&self, row: Row) -> Result<Told, RunError> {
        if let Some(why) = self.not_here(row) {
            return Ok(Told::not_run(row, why));
        }
        let machine = match row.needs_bus().then(Machine::start).transpose() {
            Ok(machine) => machine,
            Err(error) => return Ok(Told::not_run(row, chain(&error))),
        };
        let (folders, twin) = match self.ground {
            Ground::Twin(blueprint) => {
                let folders = Folders::make(None)?;
                let recorder = self.programs.killcord();
                let twin = blueprint.start(folders.path(), recorder, row == Row::WindowClosed)?;
                (folders, Some(twin))
            }
            Ground::Hardware(file) => (Folders::make(Some(&file.canonicalize()?))?, None),
        };
        let start = match row {
            Row::WindowClosed => Start::Window,
            Row::TerminalClosed => Start::OnTerminal,
            _ => Start::Armed,
        };
        let host = Host::start(&folders, &self.programs, start, machine.as_ref().map(Machine::address))?;
        let mut stage = Stage { host, machine, twin, folders };
        if let Some((devices, why)) = self.arm(&mut stage)? {
            return Ok(Told::not_armed(row, devices, why));
        }
        // Known from now on: it is waited for, and killed with its host where it is left.
        stage.host.watchdog(None);
        let past = Past::of(&stage.folders);
        let (since_ms, note) = match fire::fire(self, row, &mut stage)? {
            Fired::Yes { since_ms, note } => (since_ms, note),
            Fired::No(why) => {
                stage.host.signal(rustix::process::Signal::TERM)?;
                stage.host.end(self.within(row))?;
                return Ok(Told::not_run(row, why));
            }
        };
        match stage.twin.as_ref().map(|twin| twin.await_safe(since_ms, self.within(row))) {
            Some(seen) => {
                let objection = self.end(row, &mut stage)?;
                Ok(Told::of(row, &seen, objection, note))
            }
            None => self.read_the_journal(row, &mut stage, &past, note),
        }
    }

    /// Why a cause cannot be fired here.
    fn not_here(&self, row: Row) -> Option<String> {
        match (row, self.ground) {
            (row, Ground::Hardware(_)) if !row.fires_at_hardware() => {
                Some(String::from("needs the twin, or a hand at the bench"))
            }
            (Row::WindowClosed, _) if std::env::var_os("DISPLAY").is_none_or(|name| name.is_empty()) => {
                Some(String::from("no display (DISPLAY is not set)"))
            }
            (Row::WindowClosed, _) => find::no_window().map(String::from),
            (Row::Interlock | Row::Stale, Ground::Twin(blueprint)) if !blueprint.has_interlock() => {
                Some(String::from("no reading of this rig has limits that make it safe"))
            }
            (Row::DeviceFault, Ground::Twin(blueprint)) if !blueprint.has_wire() => {
                Some(String::from("no device that arms has a wire"))
            }
            _ => None,
        }
    }

    /// The longest that the rig may take by its own words until it is safe.
    pub(super) fn within(&self, row: Row) -> Duration {
        let safety = &self.rig.policy.safety;
        let before = match row {
            Row::HostStopped => safety.hang_after,
            Row::Interlock | Row::Stale => twin::slowest_interlock(self.rig),
            Row::DeviceFault => UNPLUGGED + LOOKS_AGAIN,
            Row::BothKilled => OPENS,
            _ => Duration::ZERO,
        };
        before + self.rig.plan.deadline + MARGIN
    }

    /// How long a twin's wire is unplugged.
    pub(super) const fn unplugged() -> Duration {
        UNPLUGGED
    }

    /// Waits until the rig is armed; else which devices are not, and what the host says.
    fn arm(&self, stage: &mut Stage<'_>) -> Result<Option<(Vec<String>, String)>, RunError> {
        let until = Instant::now() + OPENS + self.rig.plan.deadline * 2 + MARGIN;
        let mut began = false;
        loop {
            let ended = stage.host.end(LOOK)?;
            let view = stage.host.view();
            let state = view.as_ref().map(|view| view.state);
            let seen = stage.twin.as_ref().is_none_or(Twin::is_armed);
            if state == Some(RigState::Armed) && seen {
                return Ok(None);
            }
            began |= state == Some(RigState::Arming);
            let failed = match state {
                Some(RigState::NotSafe) => true,
                Some(RigState::Safe) => began,
                _ => false,
            };
            if ended.is_some() || failed || Instant::now() >= until {
                let why = stage.folders.last_words().unwrap_or_else(|| String::from("the host says nothing"));
                return Ok(Some((unarmed(view.as_ref(), stage.twin.as_ref()), why)));
            }
        }
    }

    /// Has the host end where it stays, and gives what is to be said against how it ended.
    fn end(&self, row: Row, stage: &mut Stage<'_>) -> Result<Option<String>, RunError> {
        let within = self.rig.plan.deadline + MARGIN;
        match row.ends() {
            Ends::Dead => {
                stage.host.watchdogs_gone(within);
                return Ok(None);
            }
            Ends::Stays | Ends::AtNextStart => stage.host.signal(rustix::process::Signal::TERM)?,
            Ends::ByItself => {}
        }
        let status = stage.host.end(within)?;
        Ok(match status.map(|status| status.code()) {
            Some(Some(0)) => None,
            Some(Some(code)) => {
                let words = stage.folders.last_words().unwrap_or_default();
                Some(format!("the host ended with status {code}: {words}"))
            }
            Some(None) => Some(String::from("the host was killed by a signal")),
            None => Some(String::from("the host did not end in time")),
        })
    }

    /// At real hardware there is no witness but the host's own record; after a death, the next start's.
    fn read_the_journal(
        &self,
        row: Row,
        stage: &mut Stage<'_>,
        past: &Past,
        note: Option<String>,
    ) -> Result<Told, RunError> {
        let within = self.within(row);
        match row.ends() {
            Ends::ByItself => {
                stage.host.end(within)?;
            }
            Ends::Stays | Ends::AtNextStart => self.await_rest(stage, within)?,
            Ends::Dead => {
                stage.host.end(within)?;
                stage.host.watchdogs_gone(within);
                stage.host = Host::start(&stage.folders, &self.programs, Start::Plain, None)?;
                self.await_rest(stage, OPENS + within)?;
            }
        }
        let objection = match row.ends() {
            Ends::ByItself => self.end(row, stage)?,
            Ends::Stays | Ends::Dead | Ends::AtNextStart => {
                stage.host.signal(rustix::process::Signal::TERM)?;
                stage.host.end(self.rig.plan.deadline + MARGIN)?;
                None
            }
        };
        Ok(match past.next(&stage.folders) {
            Some((cause, seen)) => {
                let late = row.ends() == Ends::Dead && cause == "recovery";
                let late = late.then(|| String::from("nobody made it safe before the next start did"));
                Told::of(row, &seen, late.or(objection), note)
            }
            None => {
                let seen = Seen {
                    first_safe_byte: None,
                    safe: None,
                    energised: self.rig.plan.devices.iter().map(|device| device.name.clone()).collect(),
                    not_read_back: Vec::new(),
                };
                Told::of(row, &seen, Some(String::from("the journal has no teardown of it")), note)
            }
        })
    }

    fn await_rest(&self, stage: &mut Stage<'_>, within: Duration) -> Result<(), RunError> {
        let until = Instant::now() + within;
        while stage.host.end(LOOK)?.is_none() && Instant::now() < until {
            let state = stage.host.view().map(|view| view.state);
            if matches!(state, Some(RigState::Safe | RigState::NotSafe | RigState::Released)) {
                break;
            }
        }
        Ok(())
    }
}

/// The devices that did not arm: those with a fault, else all that are not energised.
fn unarmed(view: Option<&RigView>, twin: Option<&Twin<'_>>) -> Vec<String> {
    let devices = view.map(|view| view.devices.as_slice()).unwrap_or_default();
    let faulty = devices.iter().filter(|device| matches!(device.state, DeviceState::Fault(_)));
    let faulty: Vec<String> = faulty.map(|device| device.name.clone()).collect();
    if faulty.is_empty() { twin.map(Twin::not_armed).unwrap_or_default() } else { faulty }
}
