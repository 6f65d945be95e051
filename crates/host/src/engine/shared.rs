//! What handles, attachments and the rules' thread share, and the funnel that every cause comes through.
//!
//! **It must never** wait, for anybody: the fence is raised, the links are woken, the cause is queued.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use killcord_core::{
    Cause, Extent, Mode, Rig, Time,
    rules::{Demand, Tag},
};
use killcord_device::{Fence, Links};
use killcord_wire::RigView;

use super::Item;
use crate::{
    access::Refusals, app::Address, clock::Origin, ending::Ending, messages::Messages, metrics::Metrics,
    queue::Queue, readers::Desk, watchdog::Ledger,
};

/// Nothing in it is locked for longer than a copy.
pub(crate) struct Shared {
    pub(crate) rig: Arc<Rig>,
    pub(crate) queue: Arc<Queue<Item>>,
    pub(crate) fence: Arc<Fence>,
    pub(crate) links: Arc<Links>,
    /// What the watchdog knows; `None` where the rig does without one.
    pub(crate) ledger: Option<Arc<Ledger>>,
    /// Where the wrapped app answers.
    pub(crate) app: Option<Address>,
    pub(crate) end: Ending,
    pub(crate) view: Mutex<Arc<RigView>>,
    /// Questions to whoever takes connections.
    pub(crate) desk: Desk,
    /// The rig's own words.
    pub(crate) messages: Messages,
    /// What is counted.
    pub(crate) metrics: Metrics,
    /// Which refusals are written down; of whoever keeps the door alone.
    pub(crate) refusals: Mutex<Refusals>,
    origin: Origin,
    tags: AtomicU64,
}

impl Shared {
    pub(crate) fn new(
        rig: Arc<Rig>,
        queue: Arc<Queue<Item>>,
        fence: Arc<Fence>,
        links: Arc<Links>,
        ledger: Option<Arc<Ledger>>,
        view: RigView,
        origin: Origin,
    ) -> Self {
        let (end, view, tags) = (Ending::default(), Mutex::new(Arc::new(view)), AtomicU64::new(1));
        let (desk, messages) = (Desk::default(), Messages::new(&rig));
        let (metrics, refusals) = (Metrics::new(rig.plan.devices.len()), Mutex::default());
        Self {
            rig,
            queue,
            fence,
            links,
            ledger,
            app: None,
            end,
            view,
            desk,
            messages,
            metrics,
            refusals,
            origin,
            tags,
        }
    }

    pub(crate) fn with_app(self, app: Option<Address>) -> Self {
        Self { app, ..self }
    }

    pub(crate) fn next_tag(&self) -> Tag {
        Tag(self.tags.fetch_add(1, Ordering::Relaxed))
    }

    /// The funnel: every cause comes through here. Raises the fence, wakes every link, queues the cause
    /// ahead of everything else. Never blocks.
    pub(crate) fn demand(&self, cause: Cause, mode: Mode, extent: Extent) -> Ending {
        self.demand_by(cause, mode, extent, None)
    }

    /// The same where less time is left than the rig's deadline.
    pub(crate) fn demand_within(&self, cause: Cause, mode: Mode, extent: Extent, within: Duration) -> Ending {
        self.demand_by(cause, mode, extent, Some(self.origin.now().mono + within))
    }

    fn demand_by(&self, cause: Cause, mode: Mode, extent: Extent, deadline: Option<Time>) -> Ending {
        // Who asks for the end gets the host's end; everybody gets the same.
        let own = (extent < Extent::End).then(Ending::default);
        let ending = own.clone().unwrap_or_else(|| self.end.clone());
        if self.queue_cause(cause, mode, extent, deadline, own) { ending } else { self.end.clone() }
    }

    /// The same for a caller at the local door, whose answer has to be out before the program is told that
    /// it may end.
    pub(crate) fn demand_at_door(&self, cause: Cause, mode: Mode, extent: Extent) -> Ending {
        let ending = Ending::default();
        if self.queue_cause(cause, mode, extent, None, Some(ending.clone())) {
            ending
        } else {
            self.end.clone()
        }
    }

    fn queue_cause(
        &self,
        cause: Cause,
        mode: Mode,
        extent: Extent,
        deadline: Option<Time>,
        ending: Option<Ending>,
    ) -> bool {
        let epoch = self.fence.raise().n;
        self.links.wake();
        let demand = Demand { cause, mode, extent, deadline, epoch };
        self.queue.push_cause(Item::Demand { demand, ending }).is_ok()
    }

    /// The host's clock.
    pub(crate) fn now(&self) -> Time {
        self.origin.now().mono
    }

    pub(crate) fn view(&self) -> Arc<RigView> {
        Arc::clone(&self.view.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
