//! The causes that a drill fires, in the order in which it does.

/// A cause of the design's table, by the way in which it is fired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Row {
    WindowClosed,
    Sigterm,
    Sigint,
    Sighup,
    Sigquit,
    TerminalClosed,
    SafeStop,
    Interlock,
    Stale,
    DeviceFault,
    HostKilled,
    GroupKilled,
    HostAborted,
    HostStopped,
    WatchdogKilled,
    WatchdogStopped,
    BothKilled,
    Suspend,
    Shutdown,
}

/// What a host is expected to do when the cause was fired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ends {
    /// It makes the rig safe and ends by itself, with status 0.
    ByItself,
    /// It makes the rig safe and stays.
    Stays,
    /// It is gone: the watchdog makes the rig safe.
    Dead,
    /// It is gone, and so is its watchdog: the next start makes the rig safe.
    AtNextStart,
}

impl Row {
    pub(crate) const ALL: [Self; 19] = [
        Self::WindowClosed,
        Self::Sigterm,
        Self::Sigint,
        Self::Sighup,
        Self::Sigquit,
        Self::TerminalClosed,
        Self::SafeStop,
        Self::Interlock,
        Self::Stale,
        Self::DeviceFault,
        Self::HostKilled,
        Self::GroupKilled,
        Self::HostAborted,
        Self::HostStopped,
        Self::WatchdogKilled,
        Self::WatchdogStopped,
        Self::BothKilled,
        Self::Suspend,
        Self::Shutdown,
    ];

    /// For `--only` and for programs: the code of the cause where there is one.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::WindowClosed => "window_closed",
            Self::Sigterm => "sigterm",
            Self::Sigint => "sigint",
            Self::Sighup => "sighup",
            Self::Sigquit => "sigquit",
            Self::TerminalClosed => "terminal_closed",
            Self::SafeStop => "safe_stop",
            Self::Interlock => "interlock",
            Self::Stale => "stale",
            Self::DeviceFault => "device_fault",
            Self::HostKilled => "host_killed",
            Self::GroupKilled => "group_killed",
            Self::HostAborted => "host_aborted",
            Self::HostStopped => "host_stopped",
            Self::WatchdogKilled => "watchdog_killed",
            Self::WatchdogStopped => "watchdog_stopped",
            Self::BothKilled => "both_killed",
            Self::Suspend => "suspend",
            Self::Shutdown => "shutdown",
        }
    }

    /// For people.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::WindowClosed => "window closed",
            Self::Sigterm => "SIGTERM",
            Self::Sigint => "SIGINT",
            Self::Sighup => "SIGHUP",
            Self::Sigquit => "SIGQUIT",
            Self::TerminalClosed => "terminal closed",
            Self::SafeStop => "safe stop",
            Self::Interlock => "interlock",
            Self::Stale => "interlock reading stale",
            Self::DeviceFault => "device unplugged",
            Self::HostKilled => "host killed (SIGKILL)",
            Self::GroupKilled => "host's process group killed",
            Self::HostAborted => "host aborts (SIGABRT)",
            Self::HostStopped => "host hung (SIGSTOP)",
            Self::WatchdogKilled => "watchdog killed, then SIGTERM",
            Self::WatchdogStopped => "watchdog hung, then SIGTERM",
            Self::BothKilled => "both killed, next start",
            Self::Suspend => "system suspend",
            Self::Shutdown => "system shutdown",
        }
    }

    pub(crate) const fn ends(self) -> Ends {
        match self {
            Self::WindowClosed
            | Self::Sigterm
            | Self::Sigint
            | Self::Sighup
            | Self::Sigquit
            | Self::TerminalClosed
            | Self::WatchdogKilled
            | Self::WatchdogStopped
            | Self::Shutdown => Ends::ByItself,
            Self::SafeStop | Self::Interlock | Self::Stale | Self::DeviceFault | Self::Suspend => Ends::Stays,
            Self::HostKilled | Self::GroupKilled | Self::HostAborted | Self::HostStopped => Ends::Dead,
            Self::BothKilled => Ends::AtNextStart,
        }
    }

    /// Whether it can be fired at a real bench: the others need a twin, or a hand at the bench.
    pub(crate) const fn fires_at_hardware(self) -> bool {
        !matches!(self, Self::WindowClosed | Self::Interlock | Self::Stale | Self::DeviceFault)
    }

    /// Whether it needs a bus of the machine that the drill serves.
    pub(crate) const fn needs_bus(self) -> bool {
        matches!(self, Self::Suspend | Self::Shutdown)
    }
}

impl std::str::FromStr for Row {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|row| row.name() == name);
        found.ok_or_else(|| String::from("no cause has that name; `killcord drill --list` shows all"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_is_found_by_its_name() {
        for row in Row::ALL {
            assert_eq!(row.name().parse(), Ok(row));
        }
        assert!("earthquake".parse::<Row>().is_err());
    }
}
