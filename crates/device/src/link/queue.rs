//! The way into a link's thread: two lanes, the bell, and what the thread says of itself.

use std::{
    collections::VecDeque,
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use killcord_core::plan::Failure;

use super::{Job, Lane};
use crate::cancel::Wake;

/// Jobs besides the safe ones that may wait.
const ROOM: usize = 64;
/// Safe jobs that may wait; an executor has one out for each link, so this is never met by a sane caller.
const SAFE_ROOM: usize = 4096;
/// How much later than its deadline a thread may look up before it counts as stuck.
const SLACK: Duration = Duration::from_millis(500);

/// A job that was not taken.
pub(super) struct Refusal {
    pub(super) job: Job,
    pub(super) why: Failure,
}

/// What is on the wire now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flight {
    /// Nothing, or a safe job.
    Stays,
    /// Something that a safe job cuts in on.
    Cuttable,
}

struct Lanes {
    safe: VecDeque<Job>,
    other: VecDeque<Job>,
    flight: Flight,
    stopping: bool,
}

/// What the thread does next.
pub(super) enum Turn {
    Do(Job),
    Idle,
    Stop,
}

pub(super) struct Queue {
    lanes: Mutex<Lanes>,
    wake: Arc<Wake>,
    origin: Instant,
    /// Nanoseconds after `origin`; 0 while the thread waits for work.
    busy_until: AtomicU64,
}

impl Queue {
    pub(super) fn new(now: Instant) -> io::Result<Self> {
        Ok(Self {
            lanes: Mutex::new(Lanes {
                safe: VecDeque::new(),
                other: VecDeque::new(),
                flight: Flight::Stays,
                stopping: false,
            }),
            wake: Arc::new(Wake::new()?),
            origin: now,
            busy_until: AtomicU64::new(0),
        })
    }

    fn lanes(&self) -> MutexGuard<'_, Lanes> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) const fn wake(&self) -> &Arc<Wake> {
        &self.wake
    }

    pub(super) fn ring(&self) {
        self.wake.ring();
    }

    // A job is handed back whole when it is refused; it is small enough.
    #[allow(clippy::result_large_err)]
    pub(super) fn submit(&self, job: Job) -> Result<(), Refusal> {
        let mut lanes = self.lanes();
        if lanes.stopping {
            return Err(Refusal { job, why: stopping() });
        }
        let safe = job.lane == Lane::Safe;
        let (lane, room) = if safe { (&mut lanes.safe, SAFE_ROOM) } else { (&mut lanes.other, ROOM) };
        if lane.len() >= room {
            let why = Failure::Refused(String::from("too much waits for this link already; try again later"));
            return Err(Refusal { job, why });
        }
        lane.push_back(job);
        if safe && lanes.flight == Flight::Cuttable {
            self.wake.cut();
        } else {
            self.wake.ring();
        }
        Ok(())
    }

    /// Cuts what is in flight, if it may be cut.
    pub(super) fn cut(&self) {
        if self.lanes().flight == Flight::Cuttable {
            self.wake.cut();
        } else {
            self.wake.ring();
        }
    }

    /// Refuses everything from now on, and ends what is in flight.
    pub(super) fn stop(&self) {
        let mut lanes = self.lanes();
        lanes.stopping = true;
        self.wake.cut();
    }

    /// The next job. From here on a safe job cuts in on it if `flight` says so: under the same lock under
    /// which it was taken, so that no cut is lost in between.
    pub(super) fn next(&self, flight: impl Fn(&Job) -> Flight) -> Turn {
        let mut lanes = self.lanes();
        if lanes.stopping {
            return Turn::Stop;
        }
        self.wake.uncut();
        match lanes.safe.pop_front().or_else(|| lanes.other.pop_front()) {
            Some(job) => {
                lanes.flight = flight(&job);
                Turn::Do(job)
            }
            None => {
                lanes.flight = Flight::Stays;
                Turn::Idle
            }
        }
    }

    /// Before an exchange of the thread's own: whether nobody's job waits.
    pub(super) fn begin_own(&self) -> bool {
        let mut lanes = self.lanes();
        let free = !lanes.stopping && lanes.safe.is_empty() && lanes.other.is_empty();
        if free {
            self.wake.uncut();
            lanes.flight = Flight::Cuttable;
        }
        free
    }

    /// What is left when the thread ends.
    pub(super) fn drain(&self) -> Vec<Refusal> {
        let mut lanes = self.lanes();
        let Lanes { safe, other, .. } = &mut *lanes;
        safe.drain(..).chain(other.drain(..)).map(|job| Refusal { job, why: stopping() }).collect()
    }

    /// The thread says until when it may be silent.
    pub(super) fn busy(&self, until: Instant) {
        let nanos = until.saturating_duration_since(self.origin).as_nanos();
        self.busy_until.store(u64::try_from(nanos).unwrap_or(u64::MAX).max(1), Ordering::SeqCst);
    }

    pub(super) fn idle(&self) {
        self.busy_until.store(0, Ordering::SeqCst);
    }

    pub(super) fn is_overdue(&self, now: Instant) -> bool {
        match self.busy_until.load(Ordering::SeqCst) {
            0 => false,
            nanos => now.saturating_duration_since(self.origin) > Duration::from_nanos(nanos) + SLACK,
        }
    }
}

fn stopping() -> Failure {
    Failure::Disconnected(String::from("the links are being stopped"))
}
