//! What reaches the executor's thread: commands, and results from the links' threads. Putting something in
//! never blocks.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

use killcord_core::{
    Epoch, Time,
    plan::{Order, StepResult},
};

use super::Timeline;

/// More orders than this that nobody has taken yet become one.
const MOST_ORDERS: usize = 64;

/// What the executor is told to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// As often as it was ordered, each time one more cause.
    Teardown(Order, usize),
    Arm(Epoch),
    /// Nothing is left of the app that drives devices by itself.
    AppGone,
    Stop,
}

/// Commands and results, waiting to be taken.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    waiting: Mutex<Waiting>,
    rung: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    commands: VecDeque<Command>,
    /// At most one for each link.
    results: Vec<StepResult>,
    /// Results of earlier runs are not kept.
    run: u64,
}

impl Inbox {
    /// A panic elsewhere leaves queues that are still good: each change of them is one step.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn command(&self, command: Command) {
        let mut waiting = self.lock();
        let full = waiting.commands.len() >= MOST_ORDERS;
        match (waiting.commands.back_mut(), command) {
            (Some(Command::Teardown(last, times)), Command::Teardown(order, more)) if full => {
                join(last, order);
                *times += more;
            }
            (_, Command::Arm(_)) if full => {}
            (_, command) => waiting.commands.push_back(command),
        }
        drop(waiting);
        self.rung.notify_one();
    }

    pub(super) fn result(&self, run: u64, result: StepResult) {
        let mut waiting = self.lock();
        if run == waiting.run {
            waiting.results.push(result);
            drop(waiting);
            self.rung.notify_one();
        }
    }

    /// From here on only results of `run` are kept.
    pub(super) fn begin(&self, run: u64) {
        let mut waiting = self.lock();
        waiting.run = run;
        waiting.results.clear();
    }

    pub(super) fn take_results(&self) -> Vec<StepResult> {
        std::mem::take(&mut self.lock().results)
    }

    /// The next command; the order of commands is kept.
    pub(super) fn take_command(&self) -> Option<Command> {
        self.lock().commands.pop_front()
    }

    /// The next command, where it is another arming.
    pub(super) fn take_arm(&self) -> Option<Command> {
        self.lock().commands.pop_front_if(|command| matches!(command, Command::Arm(_)))
    }

    /// Whether a command waits that ends an arming.
    pub(super) fn is_called(&self) -> bool {
        self.lock().commands.iter().any(|command| !matches!(command, Command::Arm(_) | Command::AppGone))
    }

    /// Sleeps until something comes in or `until` has come; without `until`, until something comes in.
    pub(super) fn wait(&self, timeline: &Timeline, until: Option<Time>) {
        let mut waiting = self.lock();
        while waiting.commands.is_empty() && waiting.results.is_empty() {
            match until.map(|until| timeline.until(until)) {
                Some(left) if left.is_zero() => return,
                Some(left) => {
                    waiting = self
                        .rung
                        .wait_timeout(waiting, left)
                        .map_or_else(|poisoned| poisoned.into_inner().0, |(waiting, _)| waiting);
                }
                None => waiting = self.rung.wait(waiting).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}

/// Two orders as one: what both ask for at least. The later cause is counted as the earlier one again.
fn join(order: &mut Order, other: Order) {
    order.mode = order.mode.max(other.mode);
    order.extent = order.extent.max(other.extent);
    order.deadline = order.deadline.min(other.deadline);
    order.twice |= other.twice;
    order.after_app |= other.after_app;
    for device in other.devices {
        if !order.devices.contains(&device) {
            order.devices.push(device);
        }
    }
}
