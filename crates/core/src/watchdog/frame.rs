//! What host and watchdog say to each other over their pipe, one JSON object a message.
//!
//! Descriptors travel beside a message, in the order in which its fields name them. Nothing here is decided:
//! what a frame does is [`super::State`]'s word.

use std::{path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{DeviceIx, LinkIx, Mode, Report, RunId};

/// What the host says.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum Told {
    /// The rig. With it come three descriptors: the plan as JSON in a memory file, the host's pidfd, and the
    /// rig's lock.
    Rig(Brief),
    /// A link is connected. With it come, as far as they are said to: its lock, then its port.
    Link {
        /// Which.
        link: LinkIx,
        /// Where it leads, resolved: a TCP address with its port.
        address: Option<String>,
        /// The device lock comes along.
        lock: bool,
        /// The open port of a serial line comes along.
        port: bool,
    },
    /// A link was handed back: what came with it is given back too.
    LinkClosed {
        /// Which.
        link: LinkIx,
    },
    /// A device is connected.
    Connected {
        /// Which.
        device: DeviceIx,
    },
    /// Bytes that can make the device act are about to go out; they wait for the echo.
    MayAct {
        /// Which.
        device: DeviceIx,
        /// Comes back in [`Said::Echo`].
        n: u64,
    },
    /// It was read back to be in its safe state.
    Safe {
        /// Which.
        device: DeviceIx,
    },
    /// It was made safe, handed back and disconnected.
    Released {
        /// Which.
        device: DeviceIx,
    },
    /// A teardown has begun, or was raised.
    Teardown {
        /// The sequence that is due.
        mode: Mode,
        /// It is over so far from now.
        within: Duration,
    },
    /// It is over.
    TeardownDone,
    /// A `run` step has started a process group.
    GroupStarted {
        /// Its number: the leader's pid.
        group: u32,
        /// When its leader was started, in clock ticks since boot (proc_pid_stat(5), field 22): another
        /// process that got the number later is not meant.
        started: u64,
    },
    /// It is over.
    GroupEnded {
        /// Its number.
        group: u32,
    },
    /// The wrapped app is about to be started: its reaper is there.
    AppStarted {
        /// The reaper's pid: every process of the app is below it.
        reaper: u32,
        /// When the reaper was started, in clock ticks since boot.
        started: u64,
        /// What every process of the app has in its environment.
        mark: String,
    },
    /// Nothing of the app is left.
    AppGone,
    /// The rules have gone round, and every link's thread has answered in time.
    Beat {
        /// Comes back in [`Said::Beat`].
        n: u64,
    },
    /// The host is about to die.
    Dying {
        /// Of what, in words.
        why: String,
    },
    /// The host ends by itself: what it could not make safe is left to the watchdog.
    Goodbye,
}

/// What a watchdog has to know besides the plan.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Brief {
    /// Silence of the host after which it counts as hung.
    pub hang_after: Duration,
    /// The host's run, for the report.
    pub run: RunId,
    /// Folders that the report may be written to: the first that takes it.
    pub reports: Vec<PathBuf>,
    /// The socket at which it can be asked to take over or to give way.
    pub door: PathBuf,
}

/// What the watchdog says.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum Said {
    /// It has the rig and watches from here on.
    Ready {
        /// Drivers of the rig that it lacks: such a rig must not arm.
        lacks: Vec<String>,
        /// Protections that the system did not give it, in words.
        unprotected: Vec<String>,
    },
    /// [`Told::MayAct`] is on record.
    Echo {
        /// Its number.
        n: u64,
    },
    /// [`Told::Beat`] was heard.
    Beat {
        /// Its number.
        n: u64,
    },
    /// After a goodbye: devices are not safe, and it goes on trying.
    Staying,
}

/// What can be asked of a watchdog at its door.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Asked {
    /// The host does not answer: end it and make the rig safe.
    TakeOver,
    /// Another host wants the rig: give way once the pass that runs is done.
    GiveWay,
}

/// What a watchdog did, as its report file and its door say it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Account {
    /// In which run.
    pub run: RunId,
    /// Why it had to act.
    pub why: Why,
    /// When it began, in milliseconds since 1970.
    pub began_ms: u64,
    /// When its last pass was over, in milliseconds since 1970.
    pub ended_ms: u64,
    /// Passes over the devices so far.
    pub passes: u32,
    /// How each device stands, with every exchange of its last pass. Times count from the moment it began.
    pub report: Report,
}

/// Why a watchdog acts.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Why {
    /// The host said that it was dying.
    Dying {
        /// Of what, in words.
        said: String,
    },
    /// The host's end of the pipe was closed.
    PipeEnded,
    /// The host's process has ended.
    Exited,
    /// No beat for `hang_after`.
    Hung,
    /// A teardown of the host's was not over by its deadline.
    Overdue,
    /// Somebody asked for it, because the host did not answer.
    Asked,
    /// The host has ended and left devices that are not safe.
    Left,
}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Dying { said } => write!(f, "the host died: {said}"),
            Self::PipeEnded | Self::Exited => f.write_str("the host was gone"),
            Self::Hung => f.write_str("the host gave no sign of life"),
            Self::Overdue => f.write_str("the host did not finish making the rig safe in time"),
            Self::Asked => f.write_str("the host did not answer, and a person asked for it"),
            Self::Left => f.write_str("the host had ended with devices that were not safe"),
        }
    }
}

/// What is answered at a watchdog's door.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Answered {
    /// It has done what there was to do, or goes; with its account, if it had to act.
    Done {
        /// What it did.
        account: Option<Box<Account>>,
    },
    /// The host lives: ask at its own door.
    HostLives,
}
