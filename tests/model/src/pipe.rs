//! The pipe between host and watchdog: it keeps order, it is never waited for, and what is in it when its reader
//! dies is lost.

use std::collections::VecDeque;

use killcord_core::watchdog::{Said, Told};

/// How many messages it takes. Fewer than a real one, so that it is full within what is checked.
const ROOM: usize = 8;

/// One pipe; each watchdog has its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Pipe {
    /// Said by the host and not read yet.
    pub told: VecDeque<Told>,
    /// Said by the watchdog and not read yet.
    pub said: VecDeque<Said>,
    /// The host's end is closed.
    pub host_gone: bool,
    /// The watchdog's end is closed.
    pub watchdog_gone: bool,
}

impl Pipe {
    /// Whether the message went out.
    pub fn tell(&mut self, told: Told) -> bool {
        let goes = !self.watchdog_gone && self.told.len() < ROOM;
        if goes {
            self.told.push_back(told);
        }
        goes
    }

    /// A host that does not read will miss it, and judge by that.
    pub fn say(&mut self, said: Said) {
        if !self.host_gone && self.said.len() < ROOM {
            self.said.push_back(said);
        }
    }
}
