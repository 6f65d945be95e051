//! The fault campaign: random causes at random moments, with devices that have faults of their own, on a busy or a
//! quiet machine. Each run is drawn from a seed that repeats it.
//!
//! The simulators' own record decides: they outlive whatever is done to Killcord. A run is right when every output
//! is off in time and stays off, each safe command was seen, in the declared order, nothing that energises was carried
//! out behind one, nobody claimed what was not so, and nobody of Killcord's is left.
//!
//! Unlike the rest of this harness it judges; the runs of one campaign share a verdict.

mod bench;
mod cause;
mod course;
mod draw;
mod ending;
mod plan;
mod stage;
mod trace;
mod verdict;

use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

pub use cause::Cause;
pub use ending::{Ending, Outcome, Tally};
pub use plan::{Moment, Plan};

/// What a campaign is to be.
#[derive(Clone, Copy, Debug)]
pub struct Campaign {
    /// The first seed; the others follow it.
    pub seed: u64,
    /// Runs.
    pub count: u64,
    /// So many of them side by side.
    pub jobs: NonZero<usize>,
    /// One in ten in a window of the desktop app. Without, these are runs of `killcord serve` too.
    pub windows: bool,
}

impl Campaign {
    /// Runs it; `each` is told of every end as it comes.
    pub fn run(self, each: impl Fn(&Ending) + Sync) -> Tally {
        let next = AtomicU64::new(0);
        let endings = Mutex::new(Vec::new());
        let work = || {
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                if at >= self.count {
                    return;
                }
                let ending = live(Plan::draw(self.seed.wrapping_add(at), self.windows));
                each(&ending);
                endings.lock().unwrap().push(ending);
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..self.jobs.get() {
                scope.spawn(work);
            }
        });
        let mut endings = endings.into_inner().unwrap();
        endings.sort_by_key(|ending: &Ending| ending.plan.seed);
        Tally(endings)
    }
}

/// One run. What the harness cannot go on from ends that run, not the campaign.
fn live(plan: Plan) -> Ending {
    match catch_unwind(AssertUnwindSafe(|| course::live(&plan))) {
        Ok(ending) => ending,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            Ending::broken(plan, text.unwrap_or_else(|| "the run panicked".to_owned()))
        }
    }
}
