//! What a page is shown: the rules' state in words, and what has changed of it.

use killcord_core::{
    ControlIx, ControlKind, DeviceIx, DeviceState, Fault, Now, Rig, Value,
    plan::{Connect, Protocol},
    rig::OnLimit,
    rules::{AppState as CoreAppState, ArmBlock, Guard, Phase, State, Trip as CoreTrip},
    watchdog::Account,
};
use killcord_wire::{
    AppState, AppView, ArmRefusal, ControlKindView, ControlView, DeviceView, LimitsView, PolicyView,
    ReadingView, RigPatch, RigState, RigView, Trip, UncleanRun, WatchdogAct, WatchdogState, WatchdogView,
};

use crate::{history::History, journal::Unclean};

/// The part of a view that changes by itself.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Shown {
    state: RigState,
    arm_refused: Vec<ArmRefusal>,
    trip: Option<Trip>,
    unclean: Option<UncleanRun>,
    watchdog: WatchdogView,
    app: Option<AppView>,
    notices: Vec<String>,
    devices: Vec<DeviceState>,
    identities: Vec<Option<String>>,
    setpoints: Vec<Option<Value>>,
}

impl Shown {
    pub(crate) fn of(
        state: &State,
        unclean: Option<&Unclean>,
        unprotected: &[String],
        notices: Vec<String>,
    ) -> Self {
        let rig = state.rig();
        Self {
            state: rig_state(state),
            arm_refused: state.arm_blocks().iter().map(|block| refusal(block, rig)).collect(),
            trip: state.trip().map(|trip| trip_view(trip, rig)),
            unclean: unclean.filter(|_| state.unclean()).map(|unclean| UncleanRun {
                run: unclean.run.0,
                last_unix_ms: unclean.last_ms,
                was_armed: unclean.armed,
                by_watchdog: unclean.watchdog.as_deref().map(watchdog_act),
            }),
            watchdog: watchdog_view(state.guard(), unprotected),
            app: state.app().map(app_view),
            notices,
            devices: devices(state),
            identities: state.identities().to_vec(),
            setpoints: (0..rig.controls.len())
                .map(|at| state.setpoints().get(&ControlIx::from(at)).cloned())
                .collect(),
        }
    }

    /// What a person should know.
    pub(crate) fn notices(&self) -> &[String] {
        &self.notices
    }

    /// What is other than `before`; `None` if nothing is.
    pub(crate) fn since(&self, before: &Self, rig: &Rig) -> Option<RigPatch> {
        if self == before {
            return None;
        }
        fn changed<T: Clone + PartialEq>(now: &T, before: &T) -> Option<T> {
            (now != before).then(|| now.clone())
        }
        fn each<T: Clone + PartialEq>(now: &[T], before: &[T]) -> Vec<(u16, T)> {
            let both = now.iter().zip(before).enumerate();
            both.filter(|(_, (now, before))| now != before)
                .map(|(at, (now, _))| (DeviceIx::from(at).0, now.clone()))
                .collect()
        }
        let devices = each(&self.devices, &before.devices);
        let identities: Vec<_> = each(&self.identities, &before.identities)
            .into_iter()
            .filter_map(|(at, identity)| Some((at, identity?)))
            .collect();
        let setpoints: Vec<_> = each(&self.setpoints, &before.setpoints)
            .into_iter()
            .filter_map(|(at, value)| {
                let control = rig.controls.get(usize::from(at))?;
                Some((control.device.0, control.name.clone(), value))
            })
            .collect();
        Some(RigPatch {
            state: changed(&self.state, &before.state),
            arm_refused: changed(&self.arm_refused, &before.arm_refused),
            trip: changed(&self.trip, &before.trip),
            unclean: changed(&self.unclean, &before.unclean),
            watchdog: changed(&self.watchdog, &before.watchdog),
            app: changed(&self.app, &before.app).flatten(),
            notices: changed(&self.notices, &before.notices),
            devices: (!devices.is_empty()).then_some(devices),
            identities: (!identities.is_empty()).then_some(identities),
            setpoints: (!setpoints.is_empty()).then_some(setpoints),
        })
    }

    /// The whole view; with the recent past of its readings for a page that has none yet.
    pub(crate) fn view(
        &self,
        rig: &Rig,
        file: &str,
        history: Option<&History>,
        readbacks: &[Option<Value>],
    ) -> RigView {
        let device = |at: usize, state: &DeviceState| {
            let (plan, ix) = (&rig.plan.devices[at], DeviceIx::from(at));
            DeviceView {
                name: plan.name.clone(),
                title: plan.title().to_owned(),
                driver: plan.driver.clone(),
                connect: rig
                    .plan
                    .links
                    .get(plan.link.at())
                    .map_or_else(String::new, |link| place(&link.connect)),
                identity: self.identities[at].clone(),
                state: state.clone(),
                acts: !plan.only_measures(),
                readings: readings_of(rig, ix, history),
                controls: self.controls_of(rig, ix, readbacks),
            }
        };
        RigView {
            name: rig.plan.rig.clone(),
            file: file.to_owned(),
            state: self.state,
            arm_refused: self.arm_refused.clone(),
            arms: rig.plan.devices.iter().any(|device| !device.arm.is_empty()),
            trip: self.trip.clone(),
            unclean: self.unclean.clone(),
            watchdog: self.watchdog.clone(),
            app: self.app.clone(),
            notices: self.notices.clone(),
            devices: self.devices.iter().enumerate().map(|(at, state)| device(at, state)).collect(),
        }
    }

    fn controls_of(&self, rig: &Rig, device: DeviceIx, readbacks: &[Option<Value>]) -> Vec<ControlView> {
        let own = rig.controls.iter().enumerate().filter(|(_, control)| control.device == device);
        own.map(|(at, control)| ControlView {
            name: control.name.clone(),
            title: control.label.clone().unwrap_or_else(|| control.name.clone()),
            unit: control.unit.clone(),
            needs: control.needs,
            kind: match &control.kind {
                ControlKind::Number { min, max, .. } => ControlKindView::Number { min: min.0, max: max.0 },
                ControlKind::Toggle { .. } => ControlKindView::Toggle,
                ControlKind::Choice { options, .. } => ControlKindView::Choice { options: options.clone() },
                ControlKind::Button { .. } => ControlKindView::Button,
            },
            setpoint: self.setpoints[at].clone(),
            readback: readbacks.get(at).cloned().flatten(),
        })
        .collect()
    }
}

fn readings_of(rig: &Rig, device: DeviceIx, history: Option<&History>) -> Vec<ReadingView> {
    let own = rig.readings.iter().enumerate().filter(|(_, reading)| reading.device == device);
    own.map(|(at, reading)| ReadingView {
        name: reading.name.clone(),
        title: reading.label.clone().unwrap_or_else(|| reading.name.clone()),
        unit: reading.unit.clone(),
        every_ms: ms(reading.every),
        stale_after_ms: ms(reading.stale_after),
        limits: reading.limits.as_ref().map(|limits| LimitsView {
            min: limits.min.map(|min| min.0),
            max: limits.max.map(|max| max.0),
            makes_safe: limits.on == OnLimit::Safe,
        }),
        history: history.map_or_else(Vec::new, |history| history.of(at)),
    })
    .collect()
}

fn watchdog_view(guard: &Guard, unprotected: &[String]) -> WatchdogView {
    let (state, why) = match guard {
        Guard::Off => (WatchdogState::Off, None),
        Guard::Watching { .. } => (WatchdogState::Watching, None),
        Guard::Missing { why: None, .. } => (WatchdogState::Starting, None),
        Guard::Missing { why, .. } => (WatchdogState::Missing, why.clone()),
    };
    let protections = if guard.is_watching() { unprotected.to_vec() } else { Vec::new() };
    WatchdogView { state, why, protections }
}

fn app_view(app: &CoreAppState) -> AppView {
    let (state, why) = match app {
        CoreAppState::Waiting => (AppState::Waiting, None),
        CoreAppState::Starting => (AppState::Starting, None),
        CoreAppState::Ready { .. } => (AppState::Ready, None),
        CoreAppState::Stopping { exited } => (AppState::Stopping, exited.clone()),
        CoreAppState::Stopped => (AppState::Stopped, None),
        CoreAppState::Exited { why } => (AppState::Exited, Some(why.clone())),
        CoreAppState::Again { why, .. } => (AppState::Restarting, why.clone()),
    };
    AppView { state, why }
}

/// What a watchdog did in a host's place. Its report's times count from when it began.
fn watchdog_act(account: &Account) -> WatchdogAct {
    let report = &account.report;
    let safe = report.devices.iter().map(|device| device.safe_at.filter(|_| device.confirmed()));
    let first = report.devices.iter().filter_map(|device| device.first_byte).min();
    WatchdogAct {
        why: account.why.to_string(),
        at_unix_ms: account.began_ms,
        first_byte_ms: first.map(|at| ms(at.0)),
        safe_ms: safe.collect::<Option<Vec<_>>>().and_then(|all| all.into_iter().max()).map(|at| ms(at.0)),
        devices: report.devices.iter().map(crate::engine::ended_device).collect(),
    }
}

/// What the app drives by itself is not called safe while the app may be there.
fn devices(state: &State) -> Vec<DeviceState> {
    let mut devices = state.devices().to_vec();
    if state.app_may_drive() && matches!(state.phase(), Phase::Idle) {
        for ix in state.rig().plan.driven() {
            if let Some(device) = devices.get_mut(ix.at()).filter(|device| **device == DeviceState::Safe) {
                *device = DeviceState::Armed;
            }
        }
    }
    devices
}

fn rig_state(state: &State) -> RigState {
    let acting_not_safe = state
        .devices()
        .iter()
        .any(|device| matches!(device, DeviceState::Fault(Fault::NotSafe { .. } | Fault::Failed { .. })));
    match state.phase() {
        Phase::Arming { .. } => RigState::Arming,
        Phase::Armed { .. } => RigState::Armed,
        Phase::Released => RigState::Released,
        Phase::Teardown(running) => match running.causes.first() {
            Some(killcord_core::Cause::Start | killcord_core::Cause::Recovery) => RigState::Opening,
            _ => RigState::MakingSafe,
        },
        // Before the first turn: nothing was tried yet.
        Phase::Idle if state.devices().iter().all(|device| *device == DeviceState::Disconnected) => {
            RigState::Opening
        }
        Phase::Idle | Phase::Ended if acting_not_safe || any_missing(state) => RigState::NotSafe,
        // Where there is something of its own to arm, the rig's word is of that.
        Phase::Idle if state.app_may_drive() && state.arm_blocks().contains(&ArmBlock::Nothing) => {
            RigState::Armed
        }
        Phase::Idle | Phase::Ended => RigState::Safe,
    }
}

/// A device that can act and cannot be reached is not confirmed safe.
fn any_missing(state: &State) -> bool {
    state.devices().iter().zip(&state.rig().plan.devices).any(|(device, plan)| {
        !plan.only_measures() && matches!(device, DeviceState::Fault(_) | DeviceState::Disconnected)
    })
}

fn refusal(block: &ArmBlock, rig: &Rig) -> ArmRefusal {
    let title = |device: &DeviceIx| rig.plan.devices.get(device.at()).map_or("", |device| device.title());
    let message = match block {
        ArmBlock::NotSafe { device, .. } => format!("{} is not confirmed safe.", title(device)),
        ArmBlock::Missing { device, .. } => {
            format!("{} is not connected. Switch it on and check its cable.", title(device))
        }
        other => {
            let mut text = other.to_string();
            if let Some(first) = text.get_mut(..1) {
                first.make_ascii_uppercase();
            }
            text + "."
        }
    };
    ArmRefusal { code: block.code().into(), message }
}

fn trip_view(trip: &CoreTrip, rig: &Rig) -> Trip {
    let text = rig.readings.get(trip.reading.at()).map_or_else(String::new, |reading| {
        let device = rig.plan.devices.get(reading.device.at()).map_or("", |device| device.title());
        let name = reading.label.as_deref().unwrap_or(&reading.name);
        let value = trip.value.map_or_else(String::new, |value| format!("{value} {}", reading.unit));
        let value = value.trim_end();
        match (&trip.cause, &reading.limits) {
            (killcord_core::Cause::Stale { .. }, _) => {
                format!("{device} {name}: no good value for {} s", reading.stale_after.as_secs_f64())
            }
            (_, Some(limits)) => match (trip.value, limits.min, limits.max) {
                (Some(is), _, Some(max)) if is.0 > max.0 => {
                    format!("{device} {name} {value} above {max} {}", reading.unit)
                }
                (Some(is), Some(min), _) if is.0 < min.0 => {
                    format!("{device} {name} {value} below {min} {}", reading.unit)
                }
                _ => format!("{device} {name} {value} outside its limits"),
            },
            _ => format!("{device} {name} {value}"),
        }
        .trim_end()
        .to_owned()
    });
    Trip { text, at_ms: ms(trip.at.0) }
}

/// Where a link leads, as a person writes it.
pub(crate) fn place(connect: &Connect) -> String {
    let scheme = |protocol: &Protocol, plain: &str| match protocol {
        Protocol::Line { .. } => plain.to_owned(),
        Protocol::ModbusTcp => "modbus+tcp".into(),
        Protocol::ModbusRtu => "modbus+rtu".into(),
    };
    match connect {
        Connect::None => "no connection".into(),
        Connect::Tcp { host, port, protocol } => format!("{}://{host}:{port}", scheme(protocol, "tcp")),
        Connect::Serial { path, protocol, .. } => {
            format!("{}://{}", scheme(protocol, "serial"), path.display())
        }
    }
}

/// What a page has to know of the policy.
pub(crate) fn policy(rig: &Rig) -> PolicyView {
    let session = &rig.policy.session;
    PolicyView {
        beat_ms: ms(session.beat),
        expire_after_ms: ms(session.expire_after),
        reload_grace_ms: ms(session.reload_grace),
        deadline_ms: ms(rig.plan.deadline),
        on_control_lost: rig.policy.safety.on_control_lost,
        on_last_session: rig.policy.safety.on_last_session,
        hold_for_ms: ms(rig.policy.safety.hold_for),
    }
}

/// The host's clocks at one moment.
pub(crate) fn moment(now: Now) -> killcord_wire::Moment {
    killcord_wire::Moment { host_ms: ms(now.mono.0), unix_ms: crate::clock::unix_ms() }
}

pub(crate) fn ms(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
