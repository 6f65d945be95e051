//! The host's ledger: what is on record with the watchdog.
//!
//! Mirrors `Ledger` (`crates/host/src/watchdog/ledger.rs`) for one device, function by function. Links and process
//! groups are left out: they say nothing of who is responsible.

use killcord_core::{DeviceIx, Mode, Time, watchdog::Told};

use crate::{line::Announced, pipe::Pipe};

/// The one device.
pub const DEVICE: DeviceIx = DeviceIx(0);

/// Whether the device may act, and whether the watchdog of the moment has said that it knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Act {
    /// It may not.
    #[default]
    No,
    /// Announced under this number.
    Announced(u64),
    /// The watchdog has echoed it.
    OnRecord,
}

/// The ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Ledger {
    /// There is a pipe to write to.
    pub attached: bool,
    /// A message was not taken: the watchdog is to be replaced.
    pub overrun: bool,
    /// The device is connected.
    pub connected: bool,
    /// It may act.
    pub act: Act,
    teardown: Option<(Mode, Time)>,
    announced: u64,
}

impl Ledger {
    fn say(&mut self, pipe: &mut Pipe, told: Told) -> bool {
        if !self.attached {
            return false;
        }
        self.attached = pipe.tell(told);
        self.overrun |= !self.attached;
        self.attached
    }

    /// A new watchdog is told everything, and has to say anew what it knows.
    pub fn tell_all(&mut self, pipe: &mut Pipe, now: Time) {
        self.attached = true;
        if self.connected {
            self.say(pipe, Told::Connected { device: DEVICE });
        }
        if self.act != Act::No {
            self.announce_to(pipe);
        }
        if let Some((mode, until)) = self.teardown {
            self.say(pipe, Told::Teardown { mode, within: until.since(now) });
        }
    }

    /// A flaw: it is told nothing.
    pub fn tell_nothing(&mut self) {
        self.attached = true;
    }

    /// The watchdog is gone.
    pub fn detach(&mut self) {
        self.attached = false;
    }

    fn announce_to(&mut self, pipe: &mut Pipe) -> bool {
        self.announced += 1;
        self.act = Act::Announced(self.announced);
        self.say(pipe, Told::MayAct { device: DEVICE, n: self.announced })
    }

    /// A step that acts is about to go out.
    pub fn announce(&mut self, pipe: &mut Pipe) -> Announced {
        match self.act {
            _ if !self.attached => Announced::Refused,
            Act::OnRecord => Announced::OnRecord,
            Act::Announced(_) => Announced::Pending,
            Act::No => {
                if self.announce_to(pipe) {
                    Announced::Pending
                } else {
                    Announced::Refused
                }
            }
        }
    }

    /// The watchdog knows by now.
    pub fn echo(&mut self, n: u64) {
        if self.act == Act::Announced(n) {
            self.act = Act::OnRecord;
        }
    }

    /// The device is connected.
    pub fn connected(&mut self, pipe: &mut Pipe) {
        self.connected = true;
        self.say(pipe, Told::Connected { device: DEVICE });
    }

    /// It was read back to be safe.
    pub fn safe(&mut self, pipe: &mut Pipe) {
        self.act = Act::No;
        self.say(pipe, Told::Safe { device: DEVICE });
    }

    /// It was handed back.
    pub fn released(&mut self, pipe: &mut Pipe) {
        (self.connected, self.act) = (false, Act::No);
        self.say(pipe, Told::Released { device: DEVICE });
    }

    /// A teardown was ordered, or raised.
    pub fn teardown(&mut self, pipe: &mut Pipe, mode: Mode, until: Time, now: Time) {
        self.teardown = Some(match self.teardown {
            Some((before, earlier)) => (before.max(mode), earlier.min(until)),
            None => (mode, until),
        });
        self.say(pipe, Told::Teardown { mode, within: until.since(now) });
    }

    /// It is over.
    pub fn teardown_done(&mut self, pipe: &mut Pipe) {
        if self.teardown.take().is_some() {
            self.say(pipe, Told::TeardownDone);
        }
    }

    /// Whether a teardown runs that is still inside its deadline.
    #[must_use]
    pub fn in_a_teardown(&self, now: Time) -> bool {
        self.teardown.is_some_and(|(_, until)| now < until)
    }

    /// The rules have gone round. Nobody reads the number: it is left out.
    pub fn beat(&mut self, pipe: &mut Pipe) {
        self.say(pipe, Told::Beat { n: 0 });
    }

    /// The host ends.
    pub fn goodbye(&mut self, pipe: &mut Pipe, confirmed: bool) {
        if confirmed {
            self.released(pipe);
        }
        self.say(pipe, Told::Goodbye);
    }

    /// The same, to a watchdog that came behind it.
    pub fn goodbye_again(&mut self, pipe: &mut Pipe) {
        self.say(pipe, Told::Goodbye);
    }

    /// Whether a device is not released: it is left to the watchdog.
    #[must_use]
    pub fn is_owed(&self) -> bool {
        self.connected || self.act != Act::No
    }

    /// Everything told `by` earlier; numbers that nobody waits for begin anew.
    pub(crate) fn earlier(&mut self, by: std::time::Duration, pipe: &Pipe) {
        self.teardown.iter_mut().for_each(|(_, until)| *until = *until - by);
        let waits = matches!(self.act, Act::Announced(_))
            || pipe.told.iter().any(|told| matches!(told, Told::MayAct { .. }))
            || pipe.said.iter().any(|said| matches!(said, killcord_core::watchdog::Said::Echo { .. }));
        if !waits {
            self.announced = 0;
        }
    }
}
