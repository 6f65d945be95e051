//! Carrying out what the rules want. Nothing here waits.

use std::sync::Arc;

use killcord_core::{
    Cause, DeviceState, Extent, Report, SessionId, Status, Time,
    plan::{Progress, Work},
    rules::{Effect, Event, Input, Liveliness, News, Phase, Refusal, System, Warning},
};
use killcord_device::{Job, Lane, LinkEvent, execute};
use killcord_wire::{ErrorCode, Hardware, ReadingUpdate, ToPage, WarningKind};

use super::{Engine, FLUSH_EVERY, Item, RECORD_WITHIN, progress::Watched};
use crate::{
    asked::Refused,
    clock::unix_ms,
    ending::Outcome,
    polls::Polled,
    view::{Shown, moment, ms, policy},
};

impl Engine {
    pub(super) fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Fence(epoch) => self.shared.fence.advance(epoch),
            Effect::Teardown(order) => {
                // First to the hardware, then to the watchers.
                self.orders.teardown(order.clone());
                if let Some(ledger) = &self.shared.ledger {
                    if matches!(order.cause, Cause::Start | Cause::Recovery) {
                        // It joins none. One that was done in this very turn has had its own deadline.
                        ledger.teardown_done();
                    }
                    ledger.teardown(order.mode, order.deadline.since(self.now().mono));
                }
                match &mut self.progress {
                    Some(watched) if !watched.is_done() => watched.raise(&order, &self.shared.rig),
                    _ => self.progress = Some(Watched::new(&order, &self.shared.rig)),
                }
            }
            Effect::Arm(epoch) => self.orders.arm(epoch),
            Effect::DelayLock(wanted) => self.system.want(wanted),
            Effect::Set { session, id, control, value, step, epoch } => {
                let Some(spec) = self.shared.rig.controls.get(control.at()) else { return };
                let device = &self.shared.rig.plan.devices[spec.device.at()];
                let timeout = step.timeout().unwrap_or(device.timeout);
                let queue = Arc::clone(&self.shared.queue);
                let job = Job {
                    device: spec.device,
                    work: Work::Step(step),
                    lane: Lane::Act(epoch),
                    deadline: self.origin.instant(self.now().mono + timeout * 2),
                    reply: Box::new(move |done| {
                        let result = done.outcome.map(drop);
                        queue.push(Item::Input(Input::SetDone { session, id, control, value, result }));
                    }),
                };
                self.shared.links.submit(device.link, job);
            }
            Effect::Feed(on) => {
                let epoch = on.then(|| self.state.epoch());
                for (at, device) in self.shared.rig.plan.devices.iter().enumerate() {
                    if device.instrument_watchdog.is_some() {
                        self.shared.links.feed(at.into(), epoch);
                    }
                }
            }
            Effect::Welcome { tag, session, resumed } => {
                let (now, before) = (self.now().mono, self.seats.came(session).0);
                let Some(resume) = self.seats.seat(tag, session, now) else { return };
                if resumed {
                    self.record_return(session, before);
                }
                let history = Some(&self.history);
                let view = self.shown.view(&self.shared.rig, &self.file, history, &self.readbacks);
                let welcome = ToPage::Welcome {
                    session,
                    resume,
                    role: self.state.role(session),
                    epoch: self.state.epoch(),
                    resumed,
                    policy: policy(&self.shared.rig),
                    messages: self.shared.messages.all(),
                    rig: Box::new(view),
                    now: moment(self.now()),
                };
                self.send(session, welcome);
                self.tell_control(session);
                if let Some(frame) = self.progress.as_ref().and_then(|watched| watched.frame(self.now().mono))
                {
                    self.send(session, frame);
                }
            }
            Effect::Ack { session, n, expires_in, idle_in } => {
                self.shared.metrics.beats.add();
                self.send(session, ToPage::Ack { n, expires_ms: ms(expires_in), idle_ms: idle_in.map(ms) });
            }
            Effect::Ask { session, asked } => self.ask(session, asked),
            Effect::Reply { session, id, result } => {
                let result = result.map_err(|refusal| Refused::new(code(&refusal), &refusal.to_string()));
                self.asked.answer(session, &id, &result);
                let frame = match result {
                    Ok(()) if id.is_empty() => return,
                    Ok(()) => ToPage::Done { id },
                    Err(Refused { code, message }) => {
                        ToPage::Error { id: (!id.is_empty()).then_some(id), code, message }
                    }
                };
                self.send(session, frame);
            }
            Effect::Warn { session, warning, within } => {
                let kind = match warning {
                    Warning::Idle => WarningKind::Idle,
                    Warning::TakeOver => WarningKind::TakeOver,
                    Warning::HoldOver => WarningKind::HoldOver,
                    Warning::PageNotResponding => WarningKind::PageNotResponding,
                };
                self.send(session, ToPage::Warning { kind, in_ms: ms(within) });
            }
            Effect::Control => {
                for session in self.seats.sessions() {
                    self.tell_control(session);
                }
            }
            Effect::Changed => self.changed = true,
            Effect::Ended { session, reason } => {
                self.show_changes();
                let hardware = self.hardware();
                let message = self.shared.messages.ended(reason, hardware, unix_ms());
                self.send(session, ToPage::Ended { reason, hardware, message });
                self.seats.clear(session, reason);
                self.asked.ended(session);
            }
            Effect::Beat(n) => self.beat(n),
            Effect::ReplaceWatchdog => {
                if let Some(keeper) = &self.keeper {
                    keeper.replace();
                }
            }
            Effect::StartApp => {
                if let Some(app) = &self.app {
                    app.start();
                }
            }
            Effect::StopApp { at_once, kill_by } => self.stop_app(at_once, kill_by),
            Effect::AppGone => {
                self.orders.app_gone();
                self.app_until = None;
            }
            Effect::Record(event) => self.record(event),
            Effect::End(report) => self.finish(*report),
        }
    }

    /// The rules have gone round. While a link's thread or a reader is overdue the watchdog does not hear of it, except
    /// in a teardown, which is over by its deadline whatever the links do.
    pub(super) fn beat(&mut self, n: u64) {
        let Some(ledger) = &self.shared.ledger else { return };
        if self.answers() || ledger.in_a_teardown() {
            ledger.beat(n);
        } else {
            // It was not asked: its silence says nothing.
            self.shared.queue.push(Item::Input(Input::Watchdog(News::Beat)));
        }
    }

    /// What came of the last word about the delay lock; what came of those before it is nobody's business.
    pub(super) fn lock_answer(&mut self, n: u64, result: Result<(), String>) {
        if self.system.is_current(n) {
            let word = match result {
                Ok(()) => System::Locked,
                Err(why) => System::Refused { why },
            };
            self.input(Input::System(word));
        }
    }

    fn send(&mut self, session: SessionId, frame: impl Into<Arc<ToPage>>) {
        let frame = frame.into();
        if let Some(slow) = self.seats.send(session, frame) {
            tracing::info!(session = %slow, "a page did not keep up and was shown out; it may come back");
            self.shared.queue.push(Item::Input(Input::SocketLost { session: slow }));
        }
    }

    /// Who is in control, and who asks for it.
    fn tell_control(&mut self, session: SessionId) {
        let (holder, asking, epoch) = (self.state.operator(), self.state.asking(), self.state.epoch());
        let role = self.state.role(session);
        self.send(session, ToPage::Control { holder, asking, role, epoch });
    }

    fn broadcast(&mut self, frame: impl Into<Arc<ToPage>>) {
        let frame = frame.into();
        for session in self.seats.sessions() {
            self.send(session, Arc::clone(&frame));
        }
    }

    fn hardware(&self) -> Hardware {
        match self.state.phase() {
            Phase::Teardown(_) => Hardware::MakingSafe,
            _ if self.state.energised() => Hardware::Armed,
            Phase::Ended if self.last.as_ref().is_some_and(|last| !last.confirmed()) => Hardware::NotSafe,
            _ => Hardware::Safe,
        }
    }

    /// What pages are shown, once a turn at most.
    pub(super) fn flush(&mut self) {
        self.show_changes();
        let now = self.now().mono;
        if now.since(self.flushed) < FLUSH_EVERY {
            return;
        }
        self.tell_progress(now);
        if !self.updates.is_empty() {
            self.flushed = now;
            let readings = std::mem::take(&mut self.updates);
            let frame = Arc::new(ToPage::Readings { readings });
            for session in self.seats.sessions() {
                // A frozen page takes none: they would pile up in front of it until its connection is cut.
                if !self.state.sessions().get(&session).is_some_and(|it| it.liveliness == Liveliness::Frozen)
                {
                    self.send(session, Arc::clone(&frame));
                }
            }
        }
    }

    fn tell_progress(&mut self, now: Time) {
        if let Some(frame) =
            self.progress.as_mut().filter(|watched| watched.is_news()).and_then(|watched| watched.tell(now))
        {
            self.flushed = now;
            self.broadcast(frame);
        }
    }

    fn show_changes(&mut self) {
        let notices: Vec<_> = self.journal.trouble().into_iter().collect();
        if !std::mem::take(&mut self.changed) && self.shown.notices() == notices {
            return;
        }
        let shown = Shown::of(&self.state, self.unclean.as_ref(), &self.unprotected, notices);
        if let Some(patch) = shown.since(&self.shown, &self.shared.rig) {
            self.broadcast(ToPage::Rig { patch: Box::new(patch) });
        }
        self.shown = shown;
        let view = self.shown.view(&self.shared.rig, &self.file, None, &self.readbacks);
        *self.shared.view.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Arc::new(view);
    }

    pub(super) fn link(&mut self, event: LinkEvent) {
        match event {
            LinkEvent::Opened { device, identity } => {
                if let Some(ledger) = &self.shared.ledger {
                    ledger.connected(device);
                }
                self.input(Input::Opened { device, identity });
            }
            LinkEvent::OpenFailed { device, failure } => self.input(Input::OpenFailed { device, failure }),
            LinkEvent::OpenStepFailed { device, step, failure } => {
                let name = &self.shared.rig.plan.devices[device.at()].name;
                tracing::warn!(device = name, step, %failure, "a step of `open` failed; the device is used all the same");
            }
            LinkEvent::Lost { device, why } => self.input(Input::Lost { device, why }),
            LinkEvent::Holdings { link } => {
                if let Some(ledger) = &self.shared.ledger {
                    ledger.holdings(link);
                }
            }
            LinkEvent::Polled { id, at, value } => {
                let at = ms(self.origin.at(at).0);
                let Some(polled) = self.polled.get(id.0 as usize).copied() else { return };
                self.polled(polled, at, value);
            }
        }
    }

    fn polled(
        &mut self,
        polled: Polled,
        at_ms: u64,
        value: Result<killcord_core::Value, killcord_core::plan::Failure>,
    ) {
        let rig = Arc::clone(&self.shared.rig);
        let (device, name, control, outside) = match polled {
            Polled::Feed => return,
            Polled::Reading(ix) => {
                let reading = &rig.readings[ix.at()];
                let number = value.as_ref().ok().and_then(killcord_core::check::number);
                if let Ok(value) = &value {
                    self.history.push(ix.at(), at_ms, value);
                }
                if reading.limits.is_some() {
                    self.input(Input::Reading { reading: ix, value: number.map(Into::into) });
                }
                let outside = match (&reading.limits, number) {
                    (Some(limits), Some(number)) => !limits.allow(number),
                    _ => false,
                };
                (reading.device, reading.name.clone(), false, outside)
            }
            Polled::Readback(ix) => {
                let control = &rig.controls[ix.at()];
                let read = value.as_ref().ok().map(|value| super::progress::readback(control, value));
                if let Some(slot) = self.readbacks.get_mut(ix.at()) {
                    *slot = read;
                }
                (control.device, control.name.clone(), true, false)
            }
        };
        let (value, error) = match value {
            Ok(value) => match polled {
                Polled::Readback(ix) => (self.readbacks[ix.at()].clone().or(Some(value)), None),
                _ => (Some(super::progress::shown_value(value)), None),
            },
            Err(failure) => (None, Some(failure.to_string())),
        };
        self.updates.push(ReadingUpdate { device: device.0, name, control, at_ms, value, error, outside });
    }

    pub(super) fn executor_event(&mut self, event: execute::Event) {
        match event {
            execute::Event::Progress(progress) => {
                self.tell_watchdog(&progress);
                if let Progress::State { device, state } = &progress {
                    self.input(Input::Progress { device: *device, state: state.clone() });
                }
                if let Some(watched) = &mut self.progress {
                    watched.take(&progress);
                }
            }
            execute::Event::Finished(report) => {
                if let Some(watched) = &mut self.progress {
                    watched.done(&report);
                }
                // Before what it brings about: the end of a session must not overtake the last of it.
                self.tell_progress(self.now().mono);
                self.last = Some((*report).clone());
                self.input(Input::Done(report));
                if let Some(ledger) = &self.shared.ledger
                    && !matches!(self.state.phase(), Phase::Teardown(_))
                {
                    ledger.teardown_done();
                }
                self.answer_waiting();
            }
            // What an arming of an earlier epoch came to is nobody's business any more.
            execute::Event::Armed { epoch } if epoch == self.state.epoch() => self.input(Input::Armed),
            execute::Event::ArmFailed { epoch, device, why } if epoch == self.state.epoch() => {
                self.input(Input::ArmFailed { device, why });
            }
            execute::Event::Started
            | execute::Event::Armed { .. }
            | execute::Event::ArmFailed { .. }
            | execute::Event::Superseded { .. } => {}
        }
    }

    /// Where a device stands with the watchdog changes with what a teardown has done to it.
    fn tell_watchdog(&self, progress: &Progress) {
        let Some(ledger) = &self.shared.ledger else { return };
        match progress {
            Progress::Settled { device, status: Status::SafeVerified } => ledger.safe(*device),
            Progress::State { device, state: DeviceState::Released } => ledger.released(*device),
            _ => {}
        }
    }

    /// Whoever waits for hardware to be safe is told as soon as no teardown runs.
    pub(super) fn answer_waiting(&mut self) {
        if self.waiting.is_empty() || matches!(self.state.phase(), Phase::Teardown(_)) {
            return;
        }
        let Some(last) = &self.last else { return };
        let outcome = Arc::new(Outcome::new(last.clone()));
        self.waiting.drain(..).for_each(|ending| ending.resolve(&outcome));
    }

    /// Safe, released; what remains is the record.
    fn finish(&mut self, report: Report) {
        debug_assert_eq!(report.extent, Extent::End, "the rules end with a whole teardown");
        self.show_changes();
        let exit = Outcome::new(report.clone()).exit;
        if let Some(ledger) = &self.shared.ledger {
            for device in ledger.leaves(&report) {
                self.record(Event::LeftToWatchdog { device });
            }
        }
        self.last = Some(report);
        self.recording = Some(self.now().mono + RECORD_WITHIN);
        let queue = Arc::clone(&self.shared.queue);
        self.journal.finish(exit, move |result| queue.push(Item::Recorded(result)));
    }

    pub(super) fn recorded(&mut self, result: Result<(), String>) {
        if self.recording.take().is_none() {
            return;
        }
        if let Err(why) = result {
            self.note(format!("The journal has no record of this run's end. {why}"));
        }
        self.recorded = true;
        self.end_once_all_is_over();
    }

    /// The disk did not answer in time.
    pub(super) fn give_up_recording(&mut self) {
        if self.recording.is_some_and(|until| until <= self.now().mono) {
            self.recorded(Err("The disk did not answer in time.".into()));
        }
    }

    pub(super) fn note(&mut self, note: String) {
        if let Some(last) = &mut self.last {
            last.notes.push(note);
        }
    }

    /// Ends with a note and without a record.
    pub(super) fn end_with(&mut self, note: String) {
        let mut last = self.last.take().unwrap_or_else(crate::ending::never_reported);
        last.notes.push(note);
        self.last = Some(last);
        self.over = true;
    }
}

/// The stable code of a refusal.
const fn code(refusal: &Refusal) -> ErrorCode {
    match refusal {
        Refusal::NoSession => ErrorCode::HelloFirst,
        Refusal::InGrace => ErrorCode::InGrace,
        Refusal::NotOperator => ErrorCode::NotOperator,
        Refusal::NotGiven { .. } => ErrorCode::NotGiven,
        Refusal::StaleEpoch => ErrorCode::StaleEpoch,
        Refusal::Arm { .. } => ErrorCode::ArmRefused,
        Refusal::ArmFailed { .. } => ErrorCode::ArmFailed,
        Refusal::NotArmed => ErrorCode::NotArmed,
        Refusal::NotConnected => ErrorCode::NotConnected,
        Refusal::Unknown => ErrorCode::Unknown,
        Refusal::BadValue { .. } => ErrorCode::BadValue,
        Refusal::DeviceFailed { .. } => ErrorCode::DeviceFailed,
        Refusal::SystemStops | Refusal::MakingSafe => ErrorCode::Stopping,
    }
}
