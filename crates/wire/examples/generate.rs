//! Prints the TypeScript of the protocol: `cargo run -p killcord-wire --features generate --example generate`.

use std::io::Write;

use killcord_core::{
    Cause, DeviceIx, DeviceState, Extent, Mode, ReadingIx, Role, SessionEnd, SessionKind, Status,
    device::Fault,
    policy::{OnLast, OnLost},
    rig::Needs,
};
use killcord_wire as wire;
use ts_rs::{Config, TS};

fn main() -> std::io::Result<()> {
    let config = Config::default();
    let mut out = std::io::stdout().lock();
    writeln!(out, "// Generated from crates/wire by `cargo xtask generate`. Do not edit.\n")?;
    writeln!(out, "export const VERSION = {};\n", wire::VERSION)?;
    macro_rules! declare {
        ($($t:ty),+ $(,)?) => {$(
            writeln!(out, "export {}\n", <$t>::decl(&config).trim_end())?;
        )+};
    }
    declare!(
        wire::ToHost,
        wire::ToPage,
        wire::ReadingUpdate,
        wire::WarningKind,
        wire::TeardownDevice,
        wire::Hardware,
        wire::ErrorCode,
        wire::Moment,
        wire::PolicyView,
        wire::RigState,
        wire::RigView,
        wire::RigPatch,
        wire::ArmRefusal,
        wire::Trip,
        wire::UncleanRun,
        wire::WatchdogView,
        wire::WatchdogState,
        wire::WatchdogAct,
        wire::AppView,
        wire::AppState,
        wire::DeviceView,
        wire::ReadingView,
        wire::LimitsView,
        wire::ControlView,
        wire::ControlKindView,
        wire::SessionsView,
        wire::SessionView,
        wire::Standing,
        wire::EndedView,
        wire::TokensView,
        wire::TokenView,
        wire::LinkBody,
        wire::LinkView,
        wire::QrView,
        DeviceIx,
        ReadingIx,
        Cause,
        DeviceState,
        Extent,
        Fault,
        Mode,
        Needs,
        OnLast,
        OnLost,
        Role,
        SessionEnd,
        SessionKind,
        Status,
    );
    let ends = [
        SessionEnd::WindowClosed,
        SessionEnd::PageClosed,
        SessionEnd::Expired,
        SessionEnd::Frozen,
        SessionEnd::Idle,
        SessionEnd::SignedOut,
        SessionEnd::EndedByOperator,
        SessionEnd::RendererCrashed,
        SessionEnd::HostStopping,
    ];
    writeln!(out, "/** WebSocket close codes by reason. */")?;
    writeln!(out, "export const CLOSE_CODES: Record<number, SessionEnd> = {{")?;
    for end in ends {
        writeln!(out, "  {}: \"{}\",", wire::close_code(end), end.code())?;
    }
    writeln!(out, "}};")
}
