//! Sessions: what is attached, in which role, and how it ended.

use serde::{Deserialize, Serialize};

/// What kind of GUI is attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum SessionKind {
    /// A native window of this process.
    Window,
    /// A page in a browser.
    Page,
    /// The terminal that `killcord serve` runs in.
    Terminal,
}

impl SessionKind {
    /// The stable words of all kinds.
    pub const CODES: [&'static str; 3] = ["window", "page", "terminal"];

    /// A stable word for it, as in journal and API.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Window => "window",
            Self::Page => "page",
            Self::Terminal => "terminal",
        }
    }
}

/// What a session may do. `Operator` is held by at most one session at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// In control.
    Operator,
    /// Sees everything, may send safe stop.
    Observer,
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum SessionEnd {
    /// Its window was closed.
    WindowClosed,
    /// Its page said goodbye, or its tab was closed.
    PageClosed,
    /// Its lease was not renewed in time.
    Expired,
    /// The browser froze the page for too long.
    Frozen,
    /// No input from the person for too long.
    Idle,
    /// The person signed out.
    SignedOut,
    /// An operator ended it.
    EndedByOperator,
    /// The process that drew its page died and did not come back in time.
    RendererCrashed,
    /// The host is stopping.
    HostStopping,
}

impl SessionEnd {
    /// The stable words of all reasons.
    pub const CODES: [&'static str; 9] = [
        "window_closed",
        "page_closed",
        "expired",
        "frozen",
        "idle",
        "signed_out",
        "ended_by_operator",
        "renderer_crashed",
        "host_stopping",
    ];

    /// A stable word for it, as in journal and API.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::WindowClosed => "window_closed",
            Self::PageClosed => "page_closed",
            Self::Expired => "expired",
            Self::Frozen => "frozen",
            Self::Idle => "idle",
            Self::SignedOut => "signed_out",
            Self::EndedByOperator => "ended_by_operator",
            Self::RendererCrashed => "renderer_crashed",
            Self::HostStopping => "host_stopping",
        }
    }
}

impl std::fmt::Display for SessionEnd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::WindowClosed => "window closed",
            Self::PageClosed => "page closed",
            Self::Expired => "no sign of life",
            Self::Frozen => "page frozen by the browser",
            Self::Idle => "nobody at the screen",
            Self::SignedOut => "signed out",
            Self::EndedByOperator => "ended by the operator",
            Self::RendererCrashed => "the page's process died",
            Self::HostStopping => "the host is stopping",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words;

    #[test]
    fn every_kind_and_every_reason_is_in_the_list_of_their_words() {
        assert_eq!(words::of::<SessionKind>(r#""none""#), SessionKind::CODES);
        assert_eq!(words::of::<SessionEnd>(r#""none""#), SessionEnd::CODES);
    }
}
