//! What ends a host, or its watchdog, or both: the causes that a campaign draws from.

use std::fmt;
use std::time::Duration;

use rustix::process::Signal;

use super::draw::Draw;

/// One cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A signal that asks for an end: SIGTERM, INT, HUP, QUIT.
    Asked(Signal),
    /// Standard input ends.
    InputEnds,
    /// A safe stop at the local door; the host stays.
    SafeStop,
    /// A reading outside its limits; the host stays.
    Interlock,
    /// SIGKILL of the host.
    HostKilled,
    /// SIGKILL of the host's whole process group.
    GroupKilled,
    /// A signal of a process's own fault: SIGABRT, SIGSEGV.
    HostFaulted(Signal),
    /// SIGSTOP of the host, for good.
    HostStopped,
    /// SIGSTOP of the host, and SIGCONT so long after it.
    HostPaused(Duration),
    /// SIGKILL of the watchdog.
    WatchdogKilled,
    /// SIGSTOP of the watchdog.
    WatchdogStopped,
    /// SIGKILL of the watchdog, and of the host so long after it: mostly before the next one stands by.
    WatchdogThenHost(Duration),
    /// SIGKILL of the watchdog, and of the host so long after the next one stands by.
    ReplacedThenHost(Duration),
    /// SIGKILL of both at once, and the next start so long after it.
    BothKilled(Duration),
    /// SIGKILL of the host, and a second start so long after it, while the watchdog works.
    SecondStart(Duration),
    /// The window is asked to close.
    WindowClosed,
    /// SIGKILL of the display server.
    DisplayKilled,
}

const ASKED: [Signal; 4] = [Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT];

impl Cause {
    /// Draws the one that the run is about.
    pub(super) fn draw(draw: &mut Draw, window: bool, armed: bool) -> Self {
        let mut of = vec![
            Self::Asked(draw.one_of(&ASKED)),
            Self::SafeStop,
            Self::HostKilled,
            Self::HostKilled,
            Self::GroupKilled,
            Self::HostFaulted(draw.one_of(&[Signal::ABORT, Signal::SEGV])),
            Self::HostStopped,
            Self::HostPaused(draw.millis(100, 2500)),
            Self::WatchdogKilled,
            Self::WatchdogStopped,
            Self::WatchdogThenHost(draw.millis(0, 60)),
            Self::ReplacedThenHost(draw.millis(0, 200)),
            Self::BothKilled(draw.millis(0, 500)),
            Self::SecondStart(draw.millis(0, 300)),
        ];
        if window {
            of.extend([Self::WindowClosed, Self::WindowClosed, Self::DisplayKilled, Self::DisplayKilled]);
        } else {
            of.push(Self::InputEnds);
        }
        if armed {
            of.push(Self::Interlock);
        }
        draw.one_of(&of)
    }

    /// Draws one that comes shortly after another.
    pub(super) fn draw_second(draw: &mut Draw) -> Self {
        let asked = Self::Asked(draw.one_of(&ASKED));
        let fault = Self::HostFaulted(Signal::ABORT);
        let of = [asked, fault, Self::SafeStop, Self::HostKilled, Self::HostStopped, Self::WatchdogKilled];
        draw.one_of(&of)
    }

    /// Whether the hardware has to be made safe because of it. After the others the campaign asks for an end.
    #[must_use]
    pub const fn demands(self) -> bool {
        !matches!(self, Self::HostPaused(_) | Self::WatchdogKilled | Self::WatchdogStopped)
    }

    /// Whether the host is there still when it has made the rig safe.
    #[must_use]
    pub const fn host_stays(self) -> bool {
        matches!(self, Self::SafeStop | Self::Interlock)
    }

    /// Whether the host may come to another end by it than its own.
    #[must_use]
    pub const fn ends_the_host(self) -> bool {
        !matches!(
            self,
            Self::Asked(_)
                | Self::InputEnds
                | Self::SafeStop
                | Self::Interlock
                | Self::WatchdogKilled
                | Self::WatchdogStopped
                | Self::WindowClosed
        )
    }

    /// Whether it may leave nobody behind who could act: then the next start has to.
    #[must_use]
    pub const fn takes_the_watchdog(self) -> bool {
        matches!(
            self,
            Self::WatchdogKilled | Self::WatchdogStopped | Self::WatchdogThenHost(_) | Self::BothKilled(_)
        )
    }

    /// What the table calls it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Asked(Signal::INT) => "SIGINT",
            Self::Asked(Signal::HUP) => "SIGHUP",
            Self::Asked(Signal::QUIT) => "SIGQUIT",
            Self::Asked(_) => "SIGTERM",
            Self::InputEnds => "standard input ends",
            Self::SafeStop => "safe stop at the door",
            Self::Interlock => "interlock",
            Self::HostKilled => "SIGKILL of the host",
            Self::GroupKilled => "SIGKILL of its process group",
            Self::HostFaulted(Signal::SEGV) => "SIGSEGV",
            Self::HostFaulted(_) => "SIGABRT",
            Self::HostStopped => "SIGSTOP",
            Self::HostPaused(_) => "SIGSTOP, then SIGCONT",
            Self::WatchdogKilled => "watchdog killed",
            Self::WatchdogStopped => "watchdog stopped",
            Self::WatchdogThenHost(_) => "watchdog killed, then the host",
            Self::ReplacedThenHost(_) => "watchdog replaced, then host killed",
            Self::BothKilled(_) => "both killed, next start",
            Self::SecondStart(_) => "second start beside the watchdog",
            Self::WindowClosed => "window closed",
            Self::DisplayKilled => "display server killed",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            Self::HostPaused(after)
            | Self::WatchdogThenHost(after)
            | Self::ReplacedThenHost(after)
            | Self::BothKilled(after)
            | Self::SecondStart(after) => write!(f, " (after {after:?})"),
            _ => Ok(()),
        }
    }
}
