//! Acting: the host's links taken over, and one pass of the executor over them.

use std::sync::Arc;

use killcord_core::{Plan, Report, RunId, Time, plan::Order};
use killcord_device::{
    Fence, Handed, Links, NoRecord, Registry, Shared, StartError, SystemClock,
    execute::{Timeline, execute},
};

/// The links, once they were taken over.
pub(crate) struct Bench {
    plan: Arc<Plan>,
    links: Links,
}

impl Bench {
    /// Takes the links over from a host that is not any more. Opens nothing yet.
    pub(crate) fn take_over(
        plan: &Arc<Plan>,
        drivers: &Registry,
        handed: Vec<Handed>,
    ) -> Result<Self, StartError> {
        // Nothing here ever acts: the fence has nothing to keep back.
        let fence = Arc::new(Fence::new(RunId(0)));
        let shared = Shared {
            drivers: drivers.clone(),
            fence,
            clock: Arc::new(SystemClock),
            events: Arc::new(|_| {}),
            ahead: Arc::new(NoRecord),
        };
        let links = Links::take_over(plan, Vec::new(), shared, handed)?;
        Ok(Self { plan: Arc::clone(plan), links })
    }

    /// One pass, over by the order's deadline (counted from `now`). The report's times begin with the pass.
    pub(crate) fn pass(&self, order: Order, now: Time) -> Report {
        let timeline = Timeline::starting_now();
        let order = Order { deadline: Time(order.deadline.since(now)), ..order };
        execute(&self.plan, order, &self.links, &timeline, &mut |_| {})
    }
}
