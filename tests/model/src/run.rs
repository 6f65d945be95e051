//! One machine of core's at work on a line: the executor's loop, of host and watchdog alike.
//!
//! Mirrors `Run::turn` (`crates/device/src/execute`): results in, dispatches out, until the machine waits. Its
//! machine counts time from its own beginning, as the watchdog's passes do (`Bench::pass`).

use std::collections::VecDeque;

use killcord_core::{
    Time,
    plan::{Machine, Next, StepResult},
};

use crate::line::{Job, Line, Owner};

/// A machine at work.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Run<M> {
    /// Results of another number are not this one's.
    pub number: u64,
    /// The machine.
    pub machine: M,
    zero: Time,
    /// On the machine's clock; `None` before its first turn.
    wake: Option<Time>,
    results: VecDeque<StepResult>,
}

impl<M: Machine> Run<M> {
    /// Begins at `now`, which is the machine's zero.
    pub fn new(number: u64, machine: M, now: Time) -> Self {
        Self { number, machine, zero: now, wake: None, results: VecDeque::new() }
    }

    /// The machine's time.
    pub fn clock(&self, now: Time) -> Time {
        Time(now.since(self.zero))
    }

    /// Whether its thread can go on now.
    pub fn is_ready(&self, now: Time) -> bool {
        !self.results.is_empty() || self.wakes().is_none_or(|at| now >= at)
    }

    /// When it goes on by itself; `None` before its first turn.
    pub fn wakes(&self) -> Option<Time> {
        self.wake.map(|at| self.zero + at.0)
    }

    /// A job of it is over.
    pub fn result(&mut self, result: StepResult) {
        self.results.push_back(result);
    }

    /// Results in, dispatches out. Whether it is over.
    pub fn turn(&mut self, now: Time, act: Option<u64>, line: &mut Line) -> bool {
        let at = self.clock(now);
        for result in self.results.drain(..) {
            self.machine.result(at, result);
        }
        loop {
            match self.machine.next(at) {
                Next::Do(dispatches) => {
                    for dispatch in dispatches {
                        line.submit(Job {
                            owner: Owner::Run(self.number, dispatch.ticket),
                            work: dispatch.work,
                            act,
                            deadline: self.zero + dispatch.deadline.0,
                        });
                    }
                }
                Next::Wait(until) => {
                    self.wake = Some(until);
                    return false;
                }
                Next::Done => return true,
            }
        }
    }

    /// Everything told `by` earlier.
    pub(crate) fn earlier(&mut self, by: std::time::Duration) {
        self.zero = self.zero - by;
    }
}
