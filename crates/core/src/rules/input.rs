//! What the rules are told.

use std::time::Duration;

use super::{AppNews, News, System};
use crate::{
    Cause, ControlIx, DeviceIx, DeviceState, Epoch, Extent, Mode, Number, ReadingIx, Report, Role,
    SessionEnd, SessionId, SessionKind, Time, Value, plan::Failure,
};

/// One thing that has happened.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// Open the rig: connect, identify, make safe. The first input of a host.
    Open,
    /// Hardware is to be made safe.
    Demand(Demand),
    /// A GUI said hello.
    Arrive(Arrival),
    /// A sign of life that asks for an answer.
    Beat {
        /// Whose.
        session: SessionId,
        /// Comes back in the ack.
        n: u64,
        /// Since the page's main thread last answered its worker, by the page's word; `None` where it beats itself.
        main_ago: Option<Duration>,
        /// Since the person last gave input, by the page's word.
        input_ago: Option<Duration>,
    },
    /// A sign of life that asks for none: the window and its web process exist.
    Renew {
        /// Whose.
        session: SessionId,
    },
    /// The browser answered a ping: it lives, and may have frozen the page.
    Pong {
        /// Whose.
        session: SessionId,
    },
    /// The answer to [`super::Effect::Ask`]: everything that had come of the session was handed over before this.
    Quiet {
        /// Of which session.
        session: SessionId,
        /// When that was asked.
        asked: Time,
        /// Whoever takes connections stood still shortly before: a page may not have come back for that.
        late: bool,
    },
    /// The connection is gone without a goodbye; the lease runs on.
    SocketLost {
        /// Whose.
        session: SessionId,
    },
    /// A goodbye.
    Goodbye {
        /// Whose.
        session: SessionId,
        /// What the session ends with unless it comes back.
        reason: SessionEnd,
        /// It may be a reload: `reload_grace` applies.
        grace: bool,
    },
    /// The browser closed the page's connection as one does that goes away, and a goodbye that says more may still be on
    /// its way: that the page was only kept, and may come back.
    Closed {
        /// Whose.
        session: SessionId,
        /// How long that is waited for; at most `reload_grace`.
        wait: Duration,
    },
    /// The browser asked for a document after it closed the page's connection: it may be a reload.
    Sought {
        /// Whose page.
        session: SessionId,
    },
    /// Control is asked for.
    TakeControl {
        /// By whom.
        session: SessionId,
        /// Without waiting for the holder.
        force: bool,
    },
    /// Control is given up, or given to somebody.
    YieldControl {
        /// By whom.
        session: SessionId,
        /// To whom; else to whoever asks for it, and if nobody does to nobody.
        to: Option<SessionId>,
    },
    /// The person is still there.
    Stay {
        /// In which session.
        session: SessionId,
    },
    /// Something that could energise, or that only an operator may do.
    Command(Command),
    /// A control's step came back from its link.
    SetDone {
        /// Who asked for it.
        session: SessionId,
        /// Its command.
        id: String,
        /// Which control.
        control: ControlIx,
        /// The value that was sent.
        value: Value,
        /// How it went.
        result: Result<(), Failure>,
    },
    /// A device was connected and identified.
    Opened {
        /// Which.
        device: DeviceIx,
        /// What it said it is.
        identity: Option<String>,
    },
    /// A device could not be connected.
    OpenFailed {
        /// Which.
        device: DeviceIx,
        /// Why.
        failure: Failure,
    },
    /// A connection broke, or a driver panicked.
    Lost {
        /// Which device's.
        device: DeviceIx,
        /// What was seen, in words.
        why: String,
    },
    /// The executor is at this device.
    Progress {
        /// Which.
        device: DeviceIx,
        /// Where it stands now.
        state: DeviceState,
    },
    /// Every arm sequence went through.
    Armed,
    /// An arm sequence did not.
    ArmFailed {
        /// At which device.
        device: DeviceIx,
        /// What was seen, in words.
        why: String,
    },
    /// The running teardown is over.
    Done(Box<Report>),
    /// A reading was polled.
    Reading {
        /// Which.
        reading: ReadingIx,
        /// Its value; `None` if none could be had.
        value: Option<Number>,
    },
    /// Something was heard of the watchdog.
    Watchdog(News),
    /// Something was heard of the wrapped app.
    App(AppNews),
    /// Of the system that can put the machine to sleep.
    System(System),
    /// Nothing but the time.
    Tick,
}

/// A cause, with what it demands at least.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Demand {
    /// Why.
    pub cause: Cause,
    /// By which sequence.
    pub mode: Mode,
    /// How far.
    pub extent: Extent,
    /// Earlier than the rig's own deadline: an operating system's budget.
    pub deadline: Option<Time>,
    /// The epoch that the funnel raised before it queued this.
    pub epoch: u64,
}

/// Names one attachment of the host until it has a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(pub u64);

/// A GUI that said hello.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Arrival {
    /// Comes back in [`super::Effect::Welcome`].
    pub tag: Tag,
    /// What it is.
    pub kind: SessionKind,
    /// The role that it would like.
    pub want: Role,
    /// Whether it may ever be operator.
    pub may_operate: bool,
    /// Whether it is on this machine: only then may it make `arm = "on-first-session"` act.
    pub local: bool,
    /// The session that it goes on with, its token already checked.
    pub resume: Option<SessionId>,
}

/// Something only an operator may do, with the epoch that it believes in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Command {
    /// By whom.
    pub session: SessionId,
    /// Names it; seen again, it is answered and not repeated. Empty where no answer is due.
    pub id: String,
    /// The epoch that the session believes in.
    pub epoch: Epoch,
    /// What.
    pub kind: CommandKind,
}

/// What a command does.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CommandKind {
    /// Arm the rig.
    Arm,
    /// Set a control.
    Set {
        /// Which.
        control: ControlIx,
        /// To what.
        value: Value,
    },
    /// A trip, or an unclean run, was seen.
    Acknowledge,
}
