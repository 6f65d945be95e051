//! `killcord check --connect`: each device opened, identified and asked. Never told anything: no `open`
//! sequence, no step that is not a query.

use std::{
    path::Path,
    sync::{Arc, mpsc::sync_channel},
    thread,
    time::{Duration, Instant},
};

use super::{
    Scene,
    answers::{Asked, Device},
};
use crate::stop::{Stop, chain};
use killcord::{
    Rig,
    core::{
        Check, DeviceIx, Item, Plan, RunId, Step, Value,
        check::{field_of, number},
        plan::{CLOSE_WITHIN, Failure, OPEN_WITHIN, Verify, Work},
    },
    device::Registry,
};
use killcord_device::{Fence, Job, Lane, Links, NoRecord, Shared, SystemClock};

/// A link that says nothing so long after its deadline is stuck.
const SLACK: Duration = Duration::from_secs(1);

/// A query to be asked.
struct Question {
    place: String,
    step: Step,
    field: Option<u16>,
    unit: String,
    check: Option<Check>,
}

/// Opens and asks every device. Holds the rig's lock meanwhile.
pub(super) fn ask(scene: &Scene<'_>, file: &Path, rig: &Rig) -> Result<Vec<Device>, Stop> {
    let options = scene.options(file);
    let _lock = options
        .wait_for_watchdog(rig.plan.deadline)
        .lock()
        .map_err(|error| Stop::Held(format!("nothing was asked: {}", chain(&error))))?;
    let plan = asking_only(&rig.plan);
    let fence = Arc::new(Fence::new(RunId(0)));
    let events = Arc::new(|event| tracing::debug!(?event, "link"));
    // Nothing that is asked here can act.
    let (drivers, clock, ahead) = (Registry::default(), Arc::new(SystemClock), Arc::new(NoRecord));
    let shared = Shared { drivers, fence, clock, events, ahead };
    let links = Links::start(&plan, Vec::new(), shared).map_err(killcord::StartError::from)?;
    // Nothing is opened again in the background.
    links.quiet(true);
    let devices = side_by_side(&links, &plan, rig);
    links.stop(SLACK);
    Ok(devices)
}

/// Each device on a thread of its own: one that is not there holds no other up. Those that share a link take
/// turns there.
fn side_by_side(links: &Links, plan: &Plan, rig: &Rig) -> Vec<Device> {
    thread::scope(|scope| {
        let devices = (0..plan.devices.len()).map(DeviceIx::from);
        let asking: Vec<_> = devices.map(|ix| scope.spawn(move || device(links, plan, rig, ix))).collect();
        let names = plan.devices.iter().map(|device| &device.name);
        let told = asking.into_iter().zip(names);
        told.map(|(asking, name)| asking.join().unwrap_or_else(|_| Device::unknown(name))).collect()
    })
}

/// The plan without anything that is sent: what is not there goes out by no mistake.
fn asking_only(plan: &Plan) -> Plan {
    let mut plan = plan.clone();
    for device in &mut plan.devices {
        device.open.clear();
        device.arm.clear();
        device.safe.clear();
        device.emergency.clear();
        device.release.clear();
        device.instrument_watchdog = None;
        for question in [&mut device.id, &mut device.sync] {
            question.take_if(|step| !step.is_query());
        }
    }
    plan
}

fn device(links: &Links, plan: &Plan, rig: &Rig, ix: DeviceIx) -> Device {
    let own = &plan.devices[ix.at()];
    let mut shown = Device {
        name: own.name.clone(),
        title: own.title().to_owned(),
        identity: None,
        error: None,
        queries: Vec::new(),
    };
    match perform(links, plan, ix, Work::Open, OPEN_WITHIN) {
        Ok(identity) => shown.identity = identity.map(|identity| identity.to_string()),
        Err(failure) => shown.error = Some(remedied(&failure)),
    }
    // One that is connected and does not say who it is may answer all the same.
    if shown.error.is_none() || links.is_open(ix) {
        let ask = |question| asked(links, plan, ix, question);
        shown.queries = questions(rig, ix).into_iter().map(ask).collect();
    }
    if let Err(failure) = perform(links, plan, ix, Work::Close, CLOSE_WITHIN) {
        tracing::debug!(device = own.name, %failure, "close");
    }
    shown
}

/// Readings, readbacks, verify and each ramp's `from`, in the order of the file.
fn questions(rig: &Rig, ix: DeviceIx) -> Vec<Question> {
    let device = &rig.plan.devices[ix.at()];
    let mut questions = Vec::new();
    for reading in rig.readings.iter().filter(|reading| reading.device == ix) {
        questions.push(Question {
            place: format!("reading {}", reading.name),
            step: reading.query.clone(),
            field: reading.field,
            unit: reading.unit.clone(),
            check: None,
        });
    }
    for control in rig.controls.iter().filter(|control| control.device == ix) {
        questions.extend(control.query.clone().map(|step| Question {
            place: format!("control {}", control.name),
            step,
            field: control.field,
            unit: control.unit.clone(),
            check: None,
        }));
    }
    if let Verify::Checks(checks) = &device.verify {
        questions.extend(checks.iter().map(|check| Question {
            place: String::from("verify"),
            step: check.query.clone(),
            field: check.field,
            unit: String::new(),
            check: Some(check.clone()),
        }));
    }
    for (name, items) in [("arm", &device.arm), ("safe", &device.safe), ("release", &device.release)] {
        let ramps = items.iter().filter_map(|item| match item {
            Item::Ramp(ramp) => Some(ramp),
            _ => None,
        });
        questions.extend(ramps.map(|ramp| Question {
            place: format!("{name}, ramp from"),
            step: ramp.from.clone(),
            field: None,
            unit: String::new(),
            check: None,
        }));
    }
    questions
}

fn asked(links: &Links, plan: &Plan, ix: DeviceIx, question: Question) -> Asked {
    let Question { place, step, field, unit, check } = question;
    let mut asked = Asked {
        place,
        query: step.to_string(),
        answer: None,
        value: None,
        unit,
        condition: check.as_ref().map(|check| check.condition.to_string()),
        holds: None,
        error: None,
    };
    if !step.is_query() {
        asked.error = Some(String::from("not asked: this step does more than ask"));
        return asked;
    }
    let within = step.timeout().unwrap_or(plan.devices[ix.at()].timeout) + OPEN_WITHIN;
    match perform(links, plan, ix, Work::Step(step), within) {
        Ok(Some(answer)) => {
            asked.value = match (&answer, field) {
                (Value::Text(text), Some(field)) => {
                    field_of(text, field).and_then(|part| number(&Value::Text(part.to_owned())))
                }
                (answer, _) => number(answer),
            };
            asked.holds = check.map(|check| check.holds(&answer));
            asked.answer = Some(answer.to_string());
        }
        Ok(None) => asked.error = Some(String::from("answered with nothing")),
        Err(failure) => asked.error = Some(remedied(&failure)),
    }
    asked
}

/// Hands one piece of work to a link and waits for it.
fn perform(
    links: &Links,
    plan: &Plan,
    ix: DeviceIx,
    work: Work,
    within: Duration,
) -> Result<Option<Value>, Failure> {
    let (done, wait) = sync_channel(1);
    let reply = Box::new(move |result: killcord_device::Done| {
        // Whoever asked may have given up.
        done.send(result.outcome).ok();
    });
    let deadline = Instant::now() + within;
    links.submit(plan.devices[ix.at()].link, Job { device: ix, work, lane: Lane::Query, deadline, reply });
    wait.recv_timeout(within + SLACK)
        .unwrap_or_else(|_| Err(Failure::Driver(String::from("its link is stuck"))))
}

fn remedied(failure: &Failure) -> String {
    match failure {
        Failure::Timeout => {
            String::from("no answer in time; check address, terminator and baud rate, or raise `timeout`")
        }
        failure => failure.to_string(),
    }
}
