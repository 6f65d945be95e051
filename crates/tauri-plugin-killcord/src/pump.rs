//! Carries the host's frames to one page, and stops doing so while the page does not read.
//!
//! What is handed to a webview that hangs piles up in its process' queue. So a page that has not beaten for
//! a while is sent nothing: the host's own bounded queue fills up, the host drops the reader, and the page,
//! should it come back, attaches again with its resume token.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use killcord::FrameReceiver;
use killcord_wire::ToPage;
use tauri::ipc::Channel;
use tokio::sync::watch;

/// The last resume token that a window's session was given.
pub(crate) type Resume = Arc<Mutex<Option<String>>>;

/// Carries frames until the host has no more, the page is replaced, or the webview is gone.
pub(crate) async fn carry(
    mut frames: FrameReceiver,
    page: Channel<ToPage>,
    mut beats: watch::Receiver<Instant>,
    patience: Duration,
    resume: Resume,
) {
    while heard(&mut beats, patience).await {
        let Some(frame) = frames.recv().await else { return };
        remember(&frame, &resume);
        if page.send(Arc::unwrap_or_clone(frame)).is_err() {
            return;
        }
    }
}

/// Waits until the page has beaten within `patience`; `false` once it never will.
async fn heard(beats: &mut watch::Receiver<Instant>, patience: Duration) -> bool {
    while beats.borrow_and_update().elapsed() > patience {
        if beats.changed().await.is_err() {
            return false;
        }
    }
    true
}

/// Keeps the token that resumes the session, drops it when there is nothing left to resume.
fn remember(frame: &ToPage, resume: &Resume) {
    let token = match frame {
        ToPage::Welcome { resume, .. } => Some(resume.clone()),
        ToPage::Ended { .. } => None,
        _ => return,
    };
    *resume.lock().unwrap_or_else(PoisonError::into_inner) = token;
}
