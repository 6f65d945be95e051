//! `killcord safe RIG`: safe, verify and release, now.
//!
//! By a host of its own, started and ended at once: there is one way to a safe state, and it is recorded.

use std::time::Duration;

use killcord::{Cause, Host, Options, Outcome, StartError, door, journal};

use super::{Scene, json};
use crate::{args, load, stop::Stop, terminal::report};

/// What a host may take for its end beyond the rig's deadline: threads, lock, journal.
const END: Duration = Duration::from_secs(5);
/// A host that lives answers a question within it.
const ANSWERS_WITHIN: Duration = Duration::from_secs(1);
/// A host whose rig file cannot be read now has a deadline all the same.
const LONGEST: Duration = Duration::from_mins(5);

pub(super) fn run(scene: &Scene<'_>, safe: &args::Safe) -> Result<u8, Stop> {
    if safe.through_host { through_host(scene, safe) } else { here(scene, safe) }
}

fn here(scene: &Scene<'_>, safe: &args::Safe) -> Result<u8, Stop> {
    let rig = load::rig(&safe.rig, scene.console)?;
    let within = rig.plan.deadline + END;
    let mut options = scene.options(&safe.rig).wait_for_watchdog(within).without_app();
    if safe.if_unclean {
        // Whoever cleans up behind the run that ended may still hold the rig.
        options = options.wait_for_lock(within);
    }
    let lock = options.lock().map_err(|error| held(error, safe))?;
    // Asked under the lock: a run that goes on has no end yet either.
    if safe.if_unclean && ended_cleanly(&options) {
        scene.console.say("The last run ended cleanly: nothing to do.");
        return Ok(0);
    }
    scene.signals.hold();
    let host = match Host::start_locked(rig, options, lock, None) {
        Ok(host) => host,
        Err(error) => {
            scene.signals.let_go();
            return Err(error.into());
        }
    };
    scene.signals.deliver_to(&host);
    match host.shutdown(Cause::Requested).wait(within) {
        Some(outcome) => Ok(tell(scene, &outcome)),
        None => Ok(never_ended(scene)),
    }
}

fn held(error: StartError, safe: &args::Safe) -> Stop {
    match error {
        StartError::Held { .. } => Stop::Held(format!(
            "{error}. To have it make the rig safe: killcord safe {} --through-host",
            safe.rig.display()
        )),
        error => error.into(),
    }
}

/// Whether the last run is known to have ended cleanly, or there was none. A journal that cannot be read is no
/// reason to believe so.
fn ended_cleanly(options: &Options) -> bool {
    let folder = options.rig_dir();
    !journal::path(&folder).exists()
        || journal::Reader::open(&folder)
            .and_then(|reader| reader.runs(1))
            .is_ok_and(|runs| runs.first().is_none_or(|last| last.ended_ms.is_some()))
}

fn through_host(scene: &Scene<'_>, safe: &args::Safe) -> Result<u8, Stop> {
    // The file may have been broken since the host read it: no reason not to ask.
    let within = load::check(&safe.rig).map_or(LONGEST, |(rig, _)| rig.plan.deadline + END);
    let options = scene.options(&safe.rig);
    let door = options.door();
    // A host that is stopped takes the call and says nothing.
    if let Err(error @ door::DoorError::NoAnswer { .. }) =
        door::call(&door, door::Request::Status, ANSWERS_WITHIN)
    {
        return by_the_watchdog(scene, &options, within, error);
    }
    match door::call(&door, door::Request::Safe, within) {
        Ok(door::Reply::Done { exit, report }) => Ok(tell(scene, &Outcome { report: *report, exit })),
        Ok(door::Reply::Error { message }) => Err(Stop::Refused(message)),
        Ok(_) => Err(Stop::Refused(String::from("its answer fits no question; is it of this version?"))),
        Err(error @ door::DoorError::Nobody { .. }) => Err(Stop::Held(format!(
            "{error}: no host holds this rig. Leave out --through-host: killcord safe {}",
            safe.rig.display()
        ))),
        Err(error) => Err(error.into()),
    }
}

/// The host does not answer: its watchdog ends it and makes the rig safe.
fn by_the_watchdog(
    scene: &Scene<'_>,
    options: &Options,
    within: Duration,
    no_answer: door::DoorError,
) -> Result<u8, Stop> {
    scene.console.error("The host does not answer; its watchdog is told to take over.");
    match options.have_watchdog_take_over(within) {
        Ok(Some(account)) => {
            let exit = if account.report.confirmed() { 0 } else { 4 };
            Ok(tell(scene, &Outcome { report: account.report, exit }))
        }
        Ok(None) => Ok(0),
        Err(error) => {
            tracing::error!(%error, "the watchdog was not reached either");
            Err(no_answer.into())
        }
    }
}

fn tell(scene: &Scene<'_>, outcome: &Outcome) -> u8 {
    if scene.common.json {
        scene.console.say(json(&outcome.report));
    } else {
        scene.console.say(report::devices(&outcome.report));
    }
    report::summary(scene.console, outcome);
    outcome.exit
}

fn never_ended(scene: &Scene<'_>) -> u8 {
    scene
        .console
        .error("Killcord itself did not end in time: look at the bench, no device is confirmed safe.");
    4
}
