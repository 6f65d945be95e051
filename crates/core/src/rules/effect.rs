//! What the rules want done.

use std::time::Duration;

use super::{Refusal, Tag};
use crate::{
    Cause, ControlIx, DeviceIx, Epoch, ReadingIx, Report, Role, SessionEnd, SessionId, SessionKind, Step,
    Time, Value, plan::Order,
};

/// One thing to do. None of them may block whoever carries it out.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// From now on no link writes anything for an older epoch.
    Fence(Epoch),
    /// Run a teardown, or raise the one that runs.
    Teardown(Order),
    /// Run the arm sequences under this epoch.
    Arm(Epoch),
    /// Send a control's step under this epoch and answer with [`super::Input::SetDone`].
    Set {
        /// Who asked for it.
        session: SessionId,
        /// Its command.
        id: String,
        /// Which control.
        control: ControlIx,
        /// The value, for the answer.
        value: Value,
        /// What is sent.
        step: Step,
        /// Compared with the fence immediately before the write.
        epoch: Epoch,
    },
    /// Whether instrument watchdogs are fed.
    Feed(bool),
    /// Whether the lock that delays sleep and shutdown is wanted; answered with [`super::Input::System`].
    DelayLock(bool),
    /// A hello was accepted.
    Welcome {
        /// Of which attachment.
        tag: Tag,
        /// Its session.
        session: SessionId,
        /// It goes on with a session that was there.
        resumed: bool,
    },
    /// A beat was heard.
    Ack {
        /// Whose beat.
        session: SessionId,
        /// Which beat.
        n: u64,
        /// Its lease ends so far from now if nothing more is heard.
        expires_in: Duration,
        /// It ends so far from now for want of input.
        idle_in: Option<Duration>,
    },
    /// Its time is past: whoever reads its socket, or takes connections where it has none, hands over what has come
    /// and answers with [`super::Input::Quiet`].
    Ask {
        /// Of which session.
        session: SessionId,
        /// Now; comes back with the answer.
        asked: Time,
    },
    /// A command was done or refused.
    Reply {
        /// To whom.
        session: SessionId,
        /// Which command; empty where it had no name.
        id: String,
        /// How it went.
        result: Result<(), Refusal>,
    },
    /// Something will happen unless the person acts.
    Warn {
        /// Who is warned.
        session: SessionId,
        /// Of what.
        warning: Warning,
        /// How far from now.
        within: Duration,
    },
    /// Who is in control, who asks for it, or the epoch has changed: everybody is told.
    Control,
    /// The rig's or a device's state, the trip or the reasons not to arm have changed: everybody is told.
    Changed,
    /// A session has ended.
    Ended {
        /// Which.
        session: SessionId,
        /// Why.
        reason: SessionEnd,
    },
    /// Tell the watchdog that the rules have gone round. Its answer is [`super::News::Beat`].
    Beat(u64),
    /// End the watchdog that does not answer, and start another once it is dead.
    ReplaceWatchdog,
    /// Start the wrapped app. What becomes of it comes back as [`super::Input::App`].
    StartApp,
    /// Stop the wrapped app, or stop it sooner: `before_stop`, its signal, and by `kill_by` its whole process tree
    /// killed.
    StopApp {
        /// Killed now: before anything behind this goes out.
        at_once: bool,
        /// Killed then at the latest.
        kill_by: Time,
    },
    /// Nothing of the app is left: a teardown that waits for that is told.
    AppGone,
    /// For the journal.
    Record(Event),
    /// The last teardown is done and everything else may go: record, then end.
    End(Box<Report>),
}

/// What a session is warned of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Warning {
    /// It ends for want of input.
    Idle,
    /// Another session gets control.
    TakeOver,
    /// A hold ends.
    HoldOver,
    /// Its page's main thread did not answer for a while.
    PageNotResponding,
}

/// What the journal keeps.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// A session began.
    SessionBegan {
        /// Which.
        session: SessionId,
        /// What it is.
        kind: SessionKind,
        /// The role that it got.
        role: Role,
    },
    /// A session ended.
    SessionEnded {
        /// Which.
        session: SessionId,
        /// Why.
        reason: SessionEnd,
    },
    /// Control changed hands.
    Control {
        /// The operator now.
        holder: Option<SessionId>,
    },
    /// An arm was begun.
    Arming {
        /// By whom.
        session: SessionId,
    },
    /// The rig is armed.
    Armed,
    /// An arm did not go through.
    ArmFailed {
        /// At which device.
        device: DeviceIx,
        /// What was seen.
        why: String,
    },
    /// A control was set and confirmed.
    Set {
        /// By whom.
        session: SessionId,
        /// Which.
        control: ControlIx,
        /// To what.
        value: Value,
    },
    /// A cause came: it began a teardown, or joined one.
    Cause {
        /// Which.
        cause: Cause,
        /// It joined a teardown that ran.
        joined: bool,
    },
    /// A teardown is over.
    Teardown(Box<Report>),
    /// An interlock left its limits but only warns.
    LimitWarning {
        /// Which reading.
        reading: ReadingIx,
    },
    /// A person acknowledged a trip or an unclean run.
    Acknowledged {
        /// Who.
        session: SessionId,
    },
    /// A watchdog has the rig.
    WatchdogReady,
    /// There is no watchdog any more.
    WatchdogLost {
        /// What was seen.
        why: String,
    },
    /// The host ends with a device that is not safe, and leaves it to the watchdog.
    LeftToWatchdog {
        /// Which.
        device: DeviceIx,
    },
    /// The wrapped app was started.
    AppStarted,
    /// It answers.
    AppReady,
    /// It ended by itself, could not be started, or did not answer in time.
    AppExited {
        /// What was seen.
        why: String,
    },
    /// Nothing of it is left, after it was told to stop.
    AppStopped {
        /// What did not go well on the way.
        why: Option<String>,
    },
    /// A device was connected.
    Opened {
        /// Which.
        device: DeviceIx,
        /// What it said it is.
        identity: Option<String>,
    },
    /// A device was lost.
    Lost {
        /// Which.
        device: DeviceIx,
        /// What was seen.
        why: String,
    },
}
