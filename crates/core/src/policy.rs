//! What the rig file's `[safety]` and `[session]` say.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Both sections, with their defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Policy {
    /// `[safety]`.
    pub safety: Safety,
    /// `[session]`.
    pub session: Session,
}

/// `[safety]`: when hardware is made safe.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Safety {
    /// Who arms.
    pub arm: ArmPolicy,
    /// What happens to a bench found live.
    pub on_connect: OnConnect,
    /// The operator ends and others remain.
    pub on_control_lost: OnLost,
    /// No session remains.
    pub on_last_session: OnLast,
    /// The longest that a hold may leave hardware unattended.
    pub hold_for: Duration,
    /// Which sequence the safe stop runs.
    pub on_safe_stop: crate::Mode,
    /// What closing a window does when others are attached.
    pub on_window_close: OnWindowClose,
    /// What a suspend does.
    pub on_suspend: OnSuspend,
    /// Whether arming needs a watchdog.
    pub watchdog: Watchdog,
    /// Silence of a part of the host after which it counts as hung.
    pub hang_after: Duration,
}

impl Default for Safety {
    fn default() -> Self {
        Self {
            arm: ArmPolicy::Manual,
            on_connect: OnConnect::Safe,
            on_control_lost: OnLost::Safe,
            on_last_session: OnLast::Release,
            hold_for: Duration::from_hours(8),
            on_safe_stop: crate::Mode::Emergency,
            on_window_close: OnWindowClose::Quit,
            on_suspend: OnSuspend::Safe,
            watchdog: Watchdog::Required,
            hang_after: Duration::from_secs(5),
        }
    }
}

/// `arm`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ArmPolicy {
    /// A person presses Arm.
    Manual,
    /// At most once in a host's life, for a window, terminal or loopback page newly opened.
    OnFirstSession,
}

/// `on_connect`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnConnect {
    /// Whatever runs on the rig is ended.
    Safe,
    /// A bench found live is shown, nothing is sent until the operator chooses.
    Ask,
}

/// `on_control_lost`. Ordered: the strictest wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum OnLost {
    /// Made safe.
    Safe,
    /// Left running while others remain, at most `hold_for`.
    Hold,
}

/// `on_last_session`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum OnLast {
    /// Made safe, handed back.
    Release,
    /// Made safe, still connected.
    Safe,
    /// Left running, at most `hold_for`.
    Hold,
}

/// `on_window_close`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnWindowClose {
    /// Closing ends the host.
    Quit,
    /// Asked when others are attached; 15 s without an answer, or a second close, is quit.
    Ask,
}

/// `on_suspend`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnSuspend {
    /// Made safe before the machine sleeps.
    Safe,
    /// Left running.
    Hold,
}

/// `watchdog`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Watchdog {
    /// Arming is refused without one.
    Required,
    /// A killed host is not covered.
    Off,
}

/// `[session]`: when a GUI counts as gone.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Session {
    /// How often a page beats.
    pub beat: Duration,
    /// Silence after which a lease is over.
    pub expire_after: Duration,
    /// A page that is being reloaded comes back within it.
    pub reload_grace: Duration,
    /// How long a page frozen by its browser keeps its session.
    pub frozen_for: Duration,
    /// No input from the person for so long ends the session; `None` is never.
    pub idle_after: Option<Duration>,
    /// Warned so long before.
    pub idle_warning: Duration,
    /// Which layer of liveness renews the lease.
    pub liveness: Liveness,
}

impl Default for Session {
    fn default() -> Self {
        Self {
            beat: Duration::from_secs(1),
            expire_after: Duration::from_secs(5),
            reload_grace: Duration::from_secs(2),
            frozen_for: Duration::from_mins(10),
            idle_after: None,
            idle_warning: Duration::from_mins(1),
            liveness: Liveness::Page,
        }
    }
}

/// `liveness`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Liveness {
    /// The browser answers pings.
    Connection,
    /// The page's worker beats.
    Page,
    /// The page can be operated: its worker beats, and its main thread has answered. Its lease runs from that answer.
    /// Whether anybody is in front of it is `idle_after`'s to say.
    Operator,
}
