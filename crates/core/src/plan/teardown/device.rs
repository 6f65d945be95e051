//! One device within a teardown: where it stands, and what may be said of it.

use std::time::Duration;

use crate::{
    DeviceState, Mode, Status, Time,
    plan::{DevicePlan, Failure, Sequence, Verify},
    report::{Exchange, Phase},
};

/// The most exchanges that a report keeps of a device.
const MOST_EXCHANGES: usize = 1000;

/// The wait before the second try to connect.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// How often replies that cannot be believed are asked for again within one sequence.
pub(super) const MOST_RESYNCS: u8 = 3;

/// Where a device stands in its teardown.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Stage {
    /// For those that come before it.
    Waiting,
    /// Its safe or emergency sequence, by its mode.
    Commands(Sequence),
    /// All safe commands are out.
    Sync,
    /// Its error queue, at most so many more entries.
    Errors(u8),
    /// Read back; the second time counts after a cut or takeover.
    Verify { sequence: Sequence, second: bool },
    /// Between the two.
    Pause(Time),
    /// Its first turn is over; the second one begins once the app that drives it is gone.
    Again,
    /// It is known how it ended.
    Settled,
    /// Its instrument watchdog is disarmed.
    Disarm(Sequence),
    /// Its release steps.
    HandBack(Sequence),
    /// Handed back; the connection is to be closed.
    Closing,
    /// Nothing more is done.
    Closed,
}

/// Its connection.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Line {
    /// There is one.
    Up,
    /// There is none; tried then.
    Down {
        /// Not before.
        again: Time,
    },
    /// There is one that leads nowhere, as it seems: to be closed, then opened anew.
    Silent,
    /// Nothing more is sent: another instrument, or a stuck link.
    Lost,
}

/// One device.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Device {
    pub(super) stage: Stage,
    pub(super) mode: Mode,
    pub(super) line: Line,
    /// The wait before the next try to connect.
    pub(super) pause: Duration,
    /// A try to connect it has failed.
    pub(super) tried: bool,
    /// When its turn came.
    pub(super) turn: Option<Time>,
    /// Raised when what is out does not belong to its stage any more.
    pub(super) generation: u32,
    /// In an emergency its successors wait for this: its first exchange is over.
    pub(super) touched: bool,
    /// A whole sequence went out without a failure.
    pub(super) delivered: bool,
    /// Some command went out.
    pub(super) reached: bool,
    /// It answered or acknowledged something after a command.
    pub(super) heard: bool,
    /// Connected by this teardown, and nothing was heard on that connection yet.
    pub(super) unheard: bool,
    /// It answered, in step, since its last command sequence began.
    pub(super) answering: bool,
    /// Its turn began while an app drove it: one more is owed.
    pub(super) owes_turn: bool,
    /// This is its turn behind the app.
    pub(super) again: bool,
    /// Verified twice.
    pub(super) twice: bool,
    /// It goes behind the others of its link.
    pub(super) timed_out: bool,
    /// The last ticket that it had.
    pub(super) served: u64,
    pub(super) resyncs: u8,
    pub(super) status: Option<Status>,
    pub(super) unverifiable: bool,
    pub(super) handed_back: bool,
    pub(super) released: bool,
    pub(super) first_byte: Option<Time>,
    pub(super) safe_at: Option<Time>,
    pub(super) exchanges: Vec<Exchange>,
    pub(super) left_out: u32,
    pub(super) remarks: Vec<String>,
    /// What went wrong last, in words.
    pub(super) why: Option<String>,
    pub(super) state: DeviceState,
    pub(super) phase: Option<Phase>,
}

impl Device {
    pub(super) fn new(plan: &DevicePlan, mode: Mode, open: bool, twice: bool, now: Time) -> Self {
        Self {
            stage: Stage::Waiting,
            mode,
            line: if open { Line::Up } else { Line::Down { again: now } },
            pause: if open { Duration::ZERO } else { FIRST_PAUSE },
            tried: false,
            turn: None,
            generation: 0,
            touched: false,
            delivered: false,
            reached: false,
            heard: false,
            unheard: false,
            answering: false,
            owes_turn: false,
            again: false,
            twice,
            timed_out: false,
            served: 0,
            resyncs: 0,
            status: None,
            unverifiable: plan.only_measures() || plan.verify == Verify::None,
            handed_back: true,
            released: false,
            first_byte: None,
            safe_at: None,
            exchanges: Vec::new(),
            left_out: 0,
            remarks: Vec::new(),
            why: None,
            state: DeviceState::Disconnected,
            phase: None,
        }
    }

    pub(super) const fn settled(&self) -> bool {
        self.status.is_some()
    }

    pub(super) const fn releasing(&self) -> bool {
        matches!(self.stage, Stage::Disarm(_) | Stage::HandBack(_) | Stage::Closing | Stage::Closed)
    }

    /// Verified, or declared as one that nothing can be read from.
    pub(super) const fn confirmed(&self) -> bool {
        match self.status {
            Some(Status::SafeVerified) => true,
            Some(Status::SafeUnverified) => self.unverifiable,
            _ => false,
        }
    }

    /// The connection is gone: tried at once, then after 250 ms, doubling to 1 s.
    pub(super) fn disconnected(&mut self, now: Time) {
        if self.line == Line::Lost {
            return;
        }
        self.tried = true;
        self.line = Line::Down { again: now + self.pause };
        self.pause = match self.pause {
            Duration::ZERO => FIRST_PAUSE,
            pause => (pause * 2).min(Duration::from_secs(1)),
        };
    }

    /// How it ended, where it could not be verified.
    ///
    /// Commands on a connection that broke before anything came back are no commands that reached it: the
    /// bytes may have died on the way.
    pub(super) fn verdict(&self, answered: bool) -> Status {
        let gone = self.line != Line::Up && !self.heard;
        if !self.reached || gone {
            Status::Unreachable
        } else if self.delivered && !answered {
            Status::SafeUnverified
        } else {
            Status::Failed
        }
    }

    pub(super) fn keep(&mut self, exchange: Exchange) {
        if self.exchanges.len() < MOST_EXCHANGES {
            self.exchanges.push(exchange);
        } else {
            self.left_out = self.left_out.saturating_add(1);
        }
    }

    pub(super) fn blame(&mut self, failure: &Failure) {
        self.why = Some(failure.to_string());
    }
}
