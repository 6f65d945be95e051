//! What keeps a step of the host's from going out: the fence, and the record that stands before it.
//!
//! Mirrors `Fence::allows` (`crates/device/src/fence.rs`) and the host's `WriteAhead`.

use crate::{
    ledger::Ledger,
    line::{Announce, Announced, Gate},
    pipe::Pipe,
    scope::Flaw,
};

/// The fence and the record, as the link's thread sees them.
pub(crate) struct Record {
    pub(crate) fence: u64,
    pub(crate) on_record: bool,
    pub(crate) flaw: Option<Flaw>,
}

impl Gate for Record {
    fn allows(&self, epoch: u64) -> bool {
        epoch == self.fence || self.flaw == Some(Flaw::NoFence)
    }

    fn is_on_record(&self) -> bool {
        self.on_record
    }
}

/// The same, with the way to the watchdog.
pub(crate) struct Recording<'a> {
    pub(crate) record: Record,
    pub(crate) ledger: &'a mut Ledger,
    pub(crate) pipe: &'a mut Pipe,
}

impl Gate for Recording<'_> {
    fn allows(&self, epoch: u64) -> bool {
        self.record.allows(epoch)
    }

    fn is_on_record(&self) -> bool {
        self.record.is_on_record()
    }
}

impl Announce for Recording<'_> {
    fn announce(&mut self) -> Announced {
        match (self.record.flaw, self.ledger.announce(self.pipe)) {
            (Some(Flaw::NoEcho), Announced::Pending) => Announced::OnRecord,
            (_, announced) => announced,
        }
    }
}
