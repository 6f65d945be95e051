//! What a page may ask for over Tauri's IPC. Two commands carry frames, so that Tauri's own access control
//! tells operators from everybody else.
//!
//! They run on GTK's main thread, where the IPC arrives anyway: so frames keep their order and a safe stop
//! takes no other thread's turn. That is only allowed because none of them ever blocks.

use std::sync::Arc;

use killcord_core::Role;
use killcord_wire::{ToHost, ToPage};
use serde::Serialize;
use tauri::{Runtime, State, Webview, ipc::Channel};

use crate::shell::Shell;

/// Why a frame or call was refused, as the page sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Refused {
    /// The frame needs `killcord:operate`: it goes by the command `operate`.
    NeedsOperate,
    /// No session: the page has not attached, or did not read what it was sent. Attach and resume.
    Attach,
}

/// Attaches this webview: the host's frames come over `channel` from now on.
#[tauri::command]
pub(crate) fn attach<R: Runtime>(
    webview: Webview<R>,
    shell: State<'_, Arc<Shell>>,
    channel: Channel<ToPage>,
) {
    shell.windows.attach(&shell.host, webview.label(), channel);
}

/// Takes a frame that any attached page may send.
#[tauri::command]
pub(crate) fn send<R: Runtime>(
    webview: Webview<R>,
    shell: State<'_, Arc<Shell>>,
    frame: ToHost,
) -> Result<(), Refused> {
    shell.windows.frame(webview.label(), unprivileged(frame)?)
}

/// Takes any frame.
#[tauri::command]
pub(crate) fn operate<R: Runtime>(
    webview: Webview<R>,
    shell: State<'_, Arc<Shell>>,
    frame: ToHost,
) -> Result<(), Refused> {
    shell.windows.frame(webview.label(), frame)
}

/// A person has read the report that names devices to check: the window may go.
#[tauri::command]
pub(crate) fn acknowledge_report(shell: State<'_, Arc<Shell>>) {
    shell.leave.acknowledge();
}

/// The frame as a page without `killcord:operate` may send it. Its hello asks to be an observer, whatever
/// it wanted: it must not keep control from somebody who can use it.
fn unprivileged(frame: ToHost) -> Result<ToHost, Refused> {
    match frame {
        ToHost::Hello { v, resume, nonce, want: _ } => {
            Ok(ToHost::Hello { v, resume, nonce, want: Role::Observer })
        }
        ToHost::Beat { .. }
        | ToHost::Bye { .. }
        | ToHost::YieldControl { .. }
        | ToHost::Stay
        | ToHost::Safe
        | ToHost::Stop => Ok(frame),
        ToHost::Arm { .. } | ToHost::Set { .. } | ToHost::Acknowledge { .. } | ToHost::TakeControl { .. } => {
            Err(Refused::NeedsOperate)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(text: &str) -> ToHost {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_page_that_may_not_operate_cannot_arm_set_acknowledge_or_take_control() {
        for text in [
            r#"{"t":"arm","epoch":"1.1","id":"a"}"#,
            r#"{"t":"set","epoch":"1.1","id":"a","device":"psu","control":"setpoint","value":1}"#,
            r#"{"t":"acknowledge","epoch":"1.1"}"#,
            r#"{"t":"take_control"}"#,
            r#"{"t":"take_control","force":true}"#,
        ] {
            assert_eq!(unprivileged(frame(text)), Err(Refused::NeedsOperate), "{text}");
        }
    }

    #[test]
    fn a_safe_stop_is_nobodys_privilege() {
        for text in [r#"{"t":"safe"}"#, r#"{"t":"stop"}"#, r#"{"t":"stay"}"#] {
            assert_eq!(unprivileged(frame(text)), Ok(frame(text)));
        }
    }

    #[test]
    fn a_page_that_may_not_operate_is_an_observer_whatever_it_wants() {
        let hello = frame(r#"{"t":"hello","v":1,"nonce":"a","want":"operator"}"#);
        assert!(matches!(unprivileged(hello), Ok(ToHost::Hello { want: Role::Observer, .. })));
    }
}
