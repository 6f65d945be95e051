//! The end of the rules' thread: without its rules where they have failed, and what is given back to whom when all
//! is over.

use std::{sync::Arc, time::Duration};

use killcord_core::{Cause, Extent, Mode, plan::Order};
use killcord_device::execute;

use super::{Engine, Item, RECORD_WITHIN};
use crate::{
    ending::{Outcome, never_reported},
    watchdog::Left,
};

/// How often the watchdog hears of a host whose rules have failed.
const BEAT_WITHOUT_RULES: Duration = Duration::from_millis(200);
/// How long the end waits for link threads that do not come back.
const LINKS_WITHIN: Duration = Duration::from_millis(250);

impl Engine {
    /// The rules' thread itself failed: hardware first. The executor has its own thread and needs no rules.
    pub(super) fn without_rules(&mut self) {
        tracing::error!("the rules have failed; the rig is made safe without them");
        let now = self.now().mono;
        if let Some(app) = &self.app {
            app.kill();
        }
        self.shared.fence.raise();
        self.shared.links.wake();
        let order = Order::whole(&self.shared.rig.plan, Mode::Safe, Extent::End, Cause::HostLost, now);
        let until = order.deadline + RECORD_WITHIN;
        let (mode, within) = (order.mode, order.deadline.since(now));
        self.orders.teardown(order);
        if let Some(ledger) = &self.shared.ledger {
            ledger.teardown(mode, within);
        }
        // No rules that beat: the watchdog hears of every turn here instead, and takes over if this hangs too.
        for n in 0.. {
            let now = self.now().mono;
            if now >= until {
                break;
            }
            let turn = self.origin.instant(until.min(now + BEAT_WITHOUT_RULES));
            if let Some(Item::Executor(execute::Event::Finished(report))) = self.shared.queue.pop_until(turn)
                && report.extent == Extent::End
            {
                self.last = Some(*report);
                break;
            }
            self.beat(n);
        }
        let note = "Killcord itself failed (its rules panicked); this report could not be recorded.";
        self.end_with(note.into());
    }

    /// Everything is over: threads are given back, whoever waited for hardware is told, door and lock are given
    /// back, then the program is told.
    pub(super) fn leave(self, close: Box<dyn FnOnce() + Send>) {
        let Self { shared, executor, keeper, app, last, waiting, leaving, seats, system, .. } = self;
        if let Some(app) = app {
            app.leave();
        }
        if !executor.stop(LINKS_WITHIN) {
            tracing::warn!("the executor is stuck and is left behind");
        }
        if !shared.links.stop(LINKS_WITHIN) {
            tracing::warn!("a link thread is stuck and is left behind");
        }
        let mut last = last.unwrap_or_else(never_reported);
        if let (Some(ledger), Some(keeper)) = (&shared.ledger, keeper) {
            ledger.goodbye(&last);
            if keeper.leave() == Left::Staying {
                last.notes.push("The watchdog goes on trying to make it safe.".into());
            }
        }
        let outcome = Arc::new(Outcome::new(last));
        let late = shared.queue.close().into_iter().filter_map(|item| match item {
            Item::Demand { ending, .. } => ending,
            _ => None,
        });
        waiting.into_iter().chain(leaving).chain(late).for_each(|ending| ending.resolve(&outcome));
        // All is safe and on record: sleep and shutdown need not wait any longer.
        drop(system);
        // The door's callers are among those. Closing it lets their answers out; only then is the program
        // told, for it ends at once.
        close();
        shared.end.resolve(&outcome);
        drop(seats);
    }
}
