//! WebSocket close codes: one per reason, so that a page can tell why.

use killcord_core::SessionEnd;

/// The close code of a session's end, from the range that RFC 6455 section 7.4.2 leaves to applications.
#[must_use]
pub const fn close_code(reason: SessionEnd) -> u16 {
    match reason {
        SessionEnd::WindowClosed => 4000,
        SessionEnd::PageClosed => 4001,
        SessionEnd::Expired => 4002,
        SessionEnd::Frozen => 4003,
        SessionEnd::Idle => 4004,
        SessionEnd::SignedOut => 4005,
        SessionEnd::EndedByOperator => 4006,
        SessionEnd::RendererCrashed => 4007,
        SessionEnd::HostStopping => 4008,
    }
}
