//! Closing a window as a window manager does: the program is asked to (ICCCM 4.2.8.1, `WM_DELETE_WINDOW`).

use x11rb::{
    connection::Connection as _,
    errors::{ConnectError, ConnectionError, ReplyError},
    protocol::xproto::{AtomEnum, ClientMessageEvent, ConnectionExt as _, EventMask, MapState},
    rust_connection::RustConnection,
};

/// The display does not do what it is asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum WindowError {
    /// It takes no client.
    #[error("the display takes no client; check DISPLAY and XAUTHORITY")]
    Connect(#[from] ConnectError),
    /// It has gone.
    #[error("the display is gone")]
    Gone(#[from] ConnectionError),
    /// It refused.
    #[error("the display refused")]
    Refused(#[from] ReplyError),
}

/// Closes the shown windows of a process; false where there is none yet.
pub(super) fn close(pid: u32) -> Result<bool, WindowError> {
    let (x, screen) = x11rb::connect(None)?;
    let windows = windows(&x, screen, pid)?;
    let atom = |name: &[u8]| -> Result<u32, WindowError> { Ok(x.intern_atom(false, name)?.reply()?.atom) };
    let (protocols, delete) = (atom(b"WM_PROTOCOLS")?, atom(b"WM_DELETE_WINDOW")?);
    for window in &windows {
        let message = ClientMessageEvent::new(32, *window, protocols, [delete, 0, 0, 0, 0]);
        x.send_event(false, *window, EventMask::NO_EVENT, message)?;
    }
    // Answered only when the messages have been passed on.
    x.get_input_focus()?.reply()?;
    Ok(!windows.is_empty())
}

fn windows(x: &RustConnection, screen: usize, pid: u32) -> Result<Vec<u32>, WindowError> {
    let Some(root) = x.setup().roots.get(screen).map(|screen| screen.root) else { return Ok(Vec::new()) };
    let pid_of = x.intern_atom(false, b"_NET_WM_PID")?.reply()?.atom;
    let mut found = Vec::new();
    // A manager puts each window into a frame of its own: two levels.
    for top in x.query_tree(root)?.reply()?.children {
        // One that was destroyed meanwhile is nobody's.
        let Ok(below) = x.query_tree(top)?.reply() else { continue };
        for window in std::iter::once(top).chain(below.children) {
            let Ok(property) = x.get_property(false, window, pid_of, AtomEnum::CARDINAL, 0, 1)?.reply()
            else {
                continue;
            };
            let ours = property.value32().and_then(|mut values| values.next()) == Some(pid);
            if ours && is_shown(x, window)? {
                found.push(window);
            }
        }
    }
    Ok(found)
}

/// Toolkits keep tiny windows of their own, and some that are never shown.
fn is_shown(x: &RustConnection, window: u32) -> Result<bool, WindowError> {
    let mapped = x.get_window_attributes(window)?.reply()?.map_state != MapState::UNMAPPED;
    let size = x.get_geometry(window)?.reply()?;
    Ok(mapped && size.width > 50 && size.height > 50)
}
