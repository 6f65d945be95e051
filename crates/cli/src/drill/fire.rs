//! How each cause is fired. The moment is taken just before.

use std::time::Instant;

use rustix::process::Signal;

use super::{
    process::{Host, Start},
    row::Row,
    run::{LOOK, RunError, Runner, Stage},
    window,
};
use crate::stop::chain;

/// Whether it was fired.
pub(super) enum Fired {
    /// At this moment of the twin's clock.
    Yes { since_ms: f64, note: Option<String> },
    /// It could not be; why.
    No(String),
}

/// Fires a cause at an armed rig.
pub(super) fn fire(runner: &Runner<'_>, row: Row, stage: &mut Stage<'_>) -> Result<Fired, RunError> {
    let since_ms = now(stage);
    let signal = |stage: &Stage<'_>, signal| -> Result<Fired, RunError> {
        stage.host.signal(signal)?;
        Ok(Fired::Yes { since_ms, note: None })
    };
    match row {
        Row::Sigterm => signal(stage, Signal::TERM),
        Row::Sigint => signal(stage, Signal::INT),
        Row::Sighup => signal(stage, Signal::HUP),
        Row::Sigquit => signal(stage, Signal::QUIT),
        Row::HostAborted => signal(stage, Signal::ABORT),
        Row::HostKilled => signal(stage, Signal::KILL),
        Row::HostStopped => signal(stage, Signal::STOP),
        Row::GroupKilled => {
            stage.host.signal_group(Signal::KILL)?;
            Ok(Fired::Yes { since_ms, note: None })
        }
        Row::WindowClosed => {
            let closed = window::close(stage.host.pid());
            Ok(match closed {
                Ok(true) => Fired::Yes { since_ms, note: None },
                Ok(false) => Fired::No(String::from("the program shows no window on this display")),
                Err(error) => Fired::No(chain(&error)),
            })
        }
        Row::TerminalClosed => {
            stage.host.close_terminal();
            Ok(Fired::Yes { since_ms, note: None })
        }
        Row::SafeStop => {
            stage.host.safe_stop();
            Ok(Fired::Yes { since_ms, note: None })
        }
        Row::Interlock | Row::Stale | Row::DeviceFault => at_the_twin(row, stage, since_ms),
        Row::WatchdogKilled => at_the_watchdog(runner, stage, Signal::KILL),
        Row::WatchdogStopped => at_the_watchdog(runner, stage, Signal::STOP),
        Row::BothKilled => both(runner, stage),
        Row::Suspend | Row::Shutdown => {
            let Some(machine) = &stage.machine else { return Ok(Fired::No(String::from("no bus"))) };
            let announced = if row == Row::Suspend { machine.sleep() } else { machine.shut_down() };
            let held = machine.is_delayed();
            let note = (!held).then(|| String::from("the host held no delay lock"));
            Ok(match announced {
                Ok(()) => Fired::Yes { since_ms, note },
                Err(error) => Fired::No(chain(&error)),
            })
        }
    }
}

/// By the twin's clock; at hardware the journal has its own.
fn now(stage: &Stage<'_>) -> f64 {
    stage.twin.as_ref().map_or(0.0, |twin| twin.now_ms())
}

fn at_the_twin(row: Row, stage: &Stage<'_>, since_ms: f64) -> Result<Fired, RunError> {
    let Some(twin) = &stage.twin else { return Ok(Fired::No(String::from("there is no twin"))) };
    let (fired, note, else_why) = match row {
        Row::Interlock => {
            (twin.leave_limits()?, "counts from the value, polls included", "no value is outside its limits")
        }
        Row::Stale => (twin.go_stale()?, "counts from the last good value", "no reading has limits"),
        _ => {
            let unplugged = Runner::unplugged();
            let note = "with the time that its wire was unplugged, 2 s";
            (twin.unplug(unplugged)?, note, "no device that arms has a wire")
        }
    };
    Ok(if fired {
        Fired::Yes { since_ms, note: Some(String::from(note)) }
    } else {
        Fired::No(String::from(else_why))
    })
}

/// A watchdog that is killed or stopped is replaced, and the rig stays armed; then it is ended as usual. Where
/// it is not replaced, the rig has to be made safe for that very reason.
fn at_the_watchdog(runner: &Runner<'_>, stage: &mut Stage<'_>, signal: Signal) -> Result<Fired, RunError> {
    let Some(before) = stage.host.watchdog(None) else {
        return Ok(Fired::No(String::from("no watchdog runs beside this host")));
    };
    let mut since_ms = now(stage);
    let began = Instant::now();
    before.signal(signal)?;
    let until = began + runner.within(Row::HostStopped);
    while Instant::now() < until && stage.host.end(LOOK)?.is_none() {
        if stage.host.watchdog(Some(before.pid)).is_some() {
            let took = crate::text::duration(began.elapsed());
            since_ms = now(stage);
            stage.host.signal(Signal::TERM)?;
            return Ok(Fired::Yes { since_ms, note: Some(format!("replaced after {took}")) });
        }
        if stage.twin.as_ref().is_some_and(|twin| !twin.is_armed()) {
            break;
        }
    }
    // The host is told to end in any case: a rig that is safe by now has only to be released.
    stage.host.signal(Signal::TERM)?;
    Ok(Fired::Yes { since_ms, note: Some(String::from("it was not replaced")) })
}

/// Nobody is left; the next start finds an unclean run.
fn both(runner: &Runner<'_>, stage: &mut Stage<'_>) -> Result<Fired, RunError> {
    let watchdog = stage.host.watchdog(None);
    if let Some(watchdog) = &watchdog {
        watchdog.signal(Signal::KILL)?;
    }
    stage.host.signal(Signal::KILL)?;
    stage.host.end(runner.within(Row::HostKilled))?;
    let since_ms = now(stage);
    stage.host = Host::start(&stage.folders, &runner.programs, Start::Plain, None)?;
    let note = if watchdog.is_some() {
        "counts from the next start"
    } else {
        "there was no watchdog; counts from the next start"
    };
    Ok(Fired::Yes { since_ms, note: Some(String::from(note)) })
}
