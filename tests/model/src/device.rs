//! The device and its two sockets: one of the host's, one of the watchdog's. It executes line by line what it
//! has read, in the order in which each of them has sent it.

use std::collections::VecDeque;

use killcord_core::{Number, Step, Time, Value};

use crate::scope;

/// Who has a connection to the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Party {
    /// The host.
    Host,
    /// The watchdog.
    Watchdog,
}

/// A line on its way to the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bytes {
    /// Energises it.
    On,
    /// Makes it safe.
    Off,
    /// Asks whether it is on.
    Ask,
}

impl Bytes {
    /// What a step puts on the line.
    #[must_use]
    pub fn of(step: &Step) -> Self {
        match step {
            Step::Send { text, .. } if text == scope::ON => Self::On,
            Step::Send { .. } => Self::Off,
            _ => Self::Ask,
        }
    }
}

/// The device.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Device {
    /// Its output is on.
    pub on: bool,
    /// It reads nothing, and goes on then at the latest.
    pub dozes: Option<Time>,
    /// Sent by the host and not read yet.
    pub from_host: VecDeque<Bytes>,
    /// Sent by the watchdog and not read yet.
    pub from_watchdog: VecDeque<Bytes>,
}

impl Device {
    /// What a party has sent and the device has not read.
    pub fn socket(&mut self, party: Party) -> &mut VecDeque<Bytes> {
        match party {
            Party::Host => &mut self.from_host,
            Party::Watchdog => &mut self.from_watchdog,
        }
    }

    /// Whether it is on, or will be once it has read what was sent to it.
    #[must_use]
    pub fn is_energised(&self) -> bool {
        let last = self.from_host.iter().rev().find(|bytes| **bytes != Bytes::Ask);
        self.on || last == Some(&Bytes::On)
    }

    /// Executes the next line of a party; gives the answer where it was asked.
    pub(crate) fn read(&mut self, party: Party) -> Option<Value> {
        match self.socket(party).pop_front()? {
            Bytes::On => self.on = true,
            Bytes::Off => self.on = false,
            Bytes::Ask => return Some(Value::Number(Number(f64::from(u8::from(self.on))))),
        }
        None
    }
}
