//! A link's thread, of host and watchdog alike.
//!
//! Mirrors `LinkWorker::serve`, `step`, `put_on_record` and `exchange` (`crates/device/src/link`) and
//! `Cx::may_write`, in the order of their steps: the fence, the record, its echo, the fence again, the byte. Each
//! of them is an action of its own, so that a process can die between any two.

use std::collections::VecDeque;

use killcord_core::{
    Time, Value,
    plan::{Failure, StepResult, Ticket, Work},
};

use crate::device::{Bytes, Device, Party};

/// What waits at most for its record (`RECORD_WITHIN` in `crates/device/src/ahead.rs`).
const RECORD_WITHIN: std::time::Duration = std::time::Duration::from_millis(800);

/// One exchange of a poll.
const POLLS_WITHIN: std::time::Duration = std::time::Duration::from_millis(250);
/// A moment at which whatever was begun is overdue now; states are told at 1000 s.
const LONG_AGO: Time = Time(std::time::Duration::from_secs(990));

/// Whose job it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Owner {
    /// The executor's: its result goes to the run of this number.
    Run(u64, Ticket),
    /// A control's: the rules are told.
    Control,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Job {
    /// Whose.
    pub owner: Owner,
    /// What.
    pub work: Work,
    /// The epoch that a step which acts carries; `None` is the safe lane.
    pub act: Option<u64>,
    /// It is given up then.
    pub deadline: Time,
}

/// How far the job in hand is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Stage {
    /// It was announced and waits for its echo.
    Recording { until: Time },
    /// It may be written.
    Cleared,
    /// It was written and an answer is owed.
    Asked,
}

/// What `announce` said (`crates/device/src/ahead.rs`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Announced {
    /// It stands.
    OnRecord,
    /// The echo is waited for.
    Pending,
    /// Nobody takes it.
    Refused,
}

/// What keeps a step that acts from going out.
pub trait Gate {
    /// Whether the fence lets this epoch through.
    fn allows(&self, epoch: u64) -> bool;
    /// Whether it is on record by now that the device may act.
    fn is_on_record(&self) -> bool;
}

/// The same, with the means to put it on record.
pub trait Announce: Gate {
    /// Puts on record that the device may act.
    fn announce(&mut self) -> Announced;
}

/// The thread.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Line {
    safe: VecDeque<Job>,
    other: VecDeque<Job>,
    hand: Option<(Job, Stage)>,
    answer: Option<Value>,
    /// There is a connection.
    pub open: bool,
    /// The thread does not come back from a poll that was to be over by then.
    stuck: Option<Time>,
}

/// What a step of the thread came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Came {
    /// Nothing to tell yet.
    On,
    /// A job is over.
    Done(Owner, Result<Option<Value>, Failure>, bool),
    /// The job was to connect, and it is.
    Opened(Owner),
}

impl Line {
    /// Takes a job (`Queue::submit`).
    pub fn submit(&mut self, job: Job) {
        if job.act.is_none() { self.safe.push_back(job) } else { self.other.push_back(job) }
    }

    /// Whether the thread can go on now.
    #[must_use]
    pub fn is_ready(&self, now: Time, gate: &impl Gate) -> bool {
        if self.is_stuck() {
            return false;
        }
        match &self.hand {
            None => !self.safe.is_empty() || !self.other.is_empty(),
            Some((job, Stage::Recording { until })) => {
                self.is_cut(job, gate) || gate.is_on_record() || now >= *until
            }
            Some((_, Stage::Cleared)) => true,
            Some((job, Stage::Asked)) => self.answer.is_some() || now >= job.deadline,
        }
    }

    /// Whether the thread has stopped for good.
    #[must_use]
    pub const fn is_stuck(&self) -> bool {
        self.stuck.is_some()
    }

    /// It begins a poll from which it does not come back.
    pub(crate) fn stick(&mut self, now: Time) {
        self.stuck = Some(now + POLLS_WITHIN);
    }

    /// When it goes on by itself.
    #[must_use]
    pub fn wakes(&self) -> Option<Time> {
        match &self.hand {
            _ if self.is_stuck() => None,
            Some((_, Stage::Recording { until })) => Some(*until),
            Some((job, Stage::Asked)) => Some(job.deadline),
            _ => None,
        }
    }

    /// Whether it is past the deadline of what it does (`Queue::is_overdue`).
    #[must_use]
    pub fn is_overdue(&self, now: Time) -> bool {
        const SLACK: std::time::Duration = std::time::Duration::from_millis(500);
        let busy_until = self.stuck.or(self.hand.as_ref().map(|(job, _)| job.deadline));
        busy_until.is_some_and(|until| now > until + SLACK)
    }

    /// A job of the safe lane, or the funnel's wake, cuts in on what acts.
    fn is_cut(&self, job: &Job, gate: &impl Gate) -> bool {
        job.act.is_some_and(|epoch| !self.safe.is_empty() || !gate.allows(epoch))
    }

    /// One step of the thread.
    pub fn step(&mut self, now: Time, gate: &mut impl Announce, device: &mut Device, party: Party) -> Came {
        let Some((job, stage)) = self.hand.take() else { return self.begin(now, gate, device, party) };
        match stage {
            Stage::Recording { .. } if self.is_cut(&job, gate) => over(&job, Err(Failure::Fenced)),
            Stage::Recording { .. } if gate.is_on_record() => {
                self.hand = Some((job, Stage::Cleared));
                Came::On
            }
            Stage::Recording { .. } => over(&job, refused("the watchdog does not answer")),
            Stage::Cleared => self.write(job, gate, device, party),
            Stage::Asked => match self.answer.take() {
                Some(answer) => over(&job, Ok(Some(answer))),
                None => over(&job, Err(Failure::Timeout)),
            },
        }
    }

    fn begin(&mut self, now: Time, gate: &mut impl Announce, device: &mut Device, party: Party) -> Came {
        let Some(job) = self.safe.pop_front().or_else(|| self.other.pop_front()) else { return Came::On };
        match (&job.work, job.act) {
            (Work::Open, _) => {
                self.open = true;
                Came::Opened(job.owner)
            }
            (Work::Close, _) => {
                self.open = false;
                device.socket(party).clear();
                over(&job, Ok(None))
            }
            _ if !self.open => over(&job, Err(Failure::Disconnected("closed".into()))),
            (_, Some(epoch)) if !gate.allows(epoch) => over(&job, Err(Failure::Fenced)),
            (_, Some(_)) => match gate.announce() {
                Announced::Refused => over(&job, refused("there is no watchdog")),
                Announced::OnRecord => {
                    self.hand = Some((job, Stage::Cleared));
                    Came::On
                }
                Announced::Pending => {
                    self.hand = Some((job, Stage::Recording { until: now + RECORD_WITHIN }));
                    Came::On
                }
            },
            (_, None) => self.write(job, gate, device, party),
        }
    }

    fn write(&mut self, job: Job, gate: &impl Gate, device: &mut Device, party: Party) -> Came {
        if self.is_cut(&job, gate) {
            return over(&job, Err(Failure::Fenced));
        }
        match &job.work {
            Work::Step(step) => {
                let bytes = Bytes::of(step);
                device.socket(party).push_back(bytes);
                if bytes != Bytes::Ask {
                    return Came::Done(job.owner, Ok(None), true);
                }
            }
            _ => device.socket(party).push_back(Bytes::Ask),
        }
        self.answer = None;
        self.hand = Some((job, Stage::Asked));
        Came::On
    }

    /// The device has answered. A reply that nobody waits for, or that a later question overtakes, is nobody's:
    /// that lines are brought in step again is for the tests of plan and device.
    pub(crate) fn hear(&mut self, answer: Value, device: &mut Device, party: Party) {
        if matches!(self.hand, Some((_, Stage::Asked))) && !device.socket(party).contains(&Bytes::Ask) {
            self.answer = Some(answer);
        }
    }

    /// Everything told `by` earlier.
    pub(crate) fn earlier(&mut self, by: std::time::Duration) {
        // Long overdue is overdue.
        self.stuck.iter_mut().for_each(|until| *until = (*until - by).max(LONG_AGO));
        self.safe.iter_mut().chain(&mut self.other).for_each(|job| job.deadline = job.deadline - by);
        if let Some((job, stage)) = &mut self.hand {
            job.deadline = job.deadline - by;
            if let Stage::Recording { until } = stage {
                *until = *until - by;
            }
        }
    }
}

fn over(job: &Job, outcome: Result<Option<Value>, Failure>) -> Came {
    Came::Done(job.owner, outcome, false)
}

fn refused(why: &str) -> Result<Option<Value>, Failure> {
    Err(Failure::Refused(why.into()))
}

/// What a run is told of a job.
pub(crate) fn result(
    ticket: Ticket,
    outcome: Result<Option<Value>, Failure>,
    written: Option<Time>,
) -> StepResult {
    StepResult { ticket, outcome, out_of_step: false, written }
}
