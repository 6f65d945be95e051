//! The sessions of this app's windows: one a window, whatever its page does.
//!
//! A window keeps its session over a reload and over a crash of its web process: the resume token is kept
//! here, not only in the page. The lease is renewed from here while the window and its web process exist.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use killcord::{Attachment, Host};
use killcord_core::{SessionEnd, SessionKind};
use killcord_wire::{ToHost, ToPage};
use tauri::{async_runtime::JoinHandle, ipc::Channel};
use tokio::sync::watch;

use crate::{
    command::Refused,
    pump::{self, Resume},
};

/// The windows that have attached, by label.
pub(crate) struct Windows {
    rows: Mutex<HashMap<String, Row>>,
    patience: Duration,
    expire_after: Duration,
}

/// One window.
#[derive(Default)]
struct Row {
    /// The page that has said hello, or whose session waits for the next one.
    page: Option<Page>,
    /// The page that has attached and not yet said hello.
    coming: Option<Page>,
    resume: Resume,
    /// Since when its web process is gone, until a page of a new one has attached.
    crashed: Option<Instant>,
    /// When it was reloaded after a crash.
    reloads: Vec<Instant>,
}

/// The page that a window shows.
struct Page {
    attachment: Attachment,
    beats: watch::Sender<Instant>,
    pump: JoinHandle<()>,
}

impl Drop for Page {
    fn drop(&mut self) {
        self.pump.abort();
    }
}

/// A web process that dies more often than this within [`CRASH_WINDOW`] is not started again.
const MOST_RELOADS: usize = 3;
const CRASH_WINDOW: Duration = Duration::from_secs(30);

impl Windows {
    /// No window yet. A page that has not beaten for `patience` is sent nothing; one whose process died has
    /// `expire_after` to come back.
    pub(crate) fn new(patience: Duration, expire_after: Duration) -> Self {
        Self { rows: Mutex::default(), patience, expire_after }
    }

    fn rows(&self) -> MutexGuard<'_, HashMap<String, Row>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A page of window `label` is there. The one before it is let go when this one says hello: until then
    /// the session is still that one's.
    pub(crate) fn attach(&self, host: &Host, label: &str, channel: Channel<ToPage>) {
        let mut rows = self.rows();
        let row = rows.entry(label.to_owned()).or_default();
        let (attachment, frames) = host.attach(SessionKind::Window);
        let (beats, heard) = watch::channel(Instant::now());
        let pump = tauri::async_runtime::spawn(pump::carry(
            frames,
            channel,
            heard,
            self.patience,
            Arc::clone(&row.resume),
        ));
        row.coming = Some(Page { attachment, beats, pump });
    }

    /// Hands a frame of window `label` to the host.
    pub(crate) fn frame(&self, label: &str, frame: ToHost) -> Result<(), Refused> {
        let mut rows = self.rows();
        let row = rows.get_mut(label).ok_or(Refused::Attach)?;
        if matches!(frame, ToHost::Hello { .. }) && row.coming.is_some() {
            // The host has to have let the old one go before it can be resumed.
            row.page = None;
            row.page = row.coming.take();
            if row.crashed.take().is_some() {
                tracing::info!(window = label, "the page is back after its process had died");
            }
        }
        let page = row.coming.as_ref().or(row.page.as_ref()).ok_or(Refused::Attach)?;
        if page.pump.inner().is_finished() {
            return Err(Refused::Attach);
        }
        page.beats.send_replace(Instant::now());
        page.attachment.frame(with_resume(frame, &row.resume));
        Ok(())
    }

    /// Renews the leases of all windows whose web process exists, and ends those whose process has been
    /// gone for `expire_after`.
    ///
    /// A crashed page's lease is held from here until that moment, so that the session ends for the reason
    /// that it ended for, and not as merely silent.
    pub(crate) fn renew(&self) {
        for row in self.rows().values_mut() {
            let Some(page) = &row.page else { continue };
            if row.crashed.is_some_and(|since| since.elapsed() >= self.expire_after) {
                page.attachment.end(SessionEnd::RendererCrashed);
                row.page = None;
            } else {
                page.attachment.renew();
            }
        }
    }

    /// The earliest time at which a crashed page's lease is over.
    pub(crate) fn next_expiry(&self) -> Option<Instant> {
        let rows = self.rows();
        let crashed = rows.values().filter(|row| row.page.is_some()).filter_map(|row| row.crashed);
        crashed.min().map(|since| since + self.expire_after)
    }

    /// The web process of window `label` has died. Whether it should be started again.
    pub(crate) fn crashed(&self, label: &str) -> bool {
        let now = Instant::now();
        let mut rows = self.rows();
        let row = rows.entry(label.to_owned()).or_default();
        row.crashed.get_or_insert(now);
        row.coming = None;
        row.reloads.retain(|at| now.duration_since(*at) < CRASH_WINDOW);
        row.reloads.push(now);
        row.reloads.len() <= MOST_RELOADS
    }

    /// Window `label` is gone.
    pub(crate) fn closed(&self, label: &str) {
        if let Some(row) = self.rows().remove(label)
            && let Some(page) = &row.page
        {
            page.attachment.end(SessionEnd::WindowClosed);
        }
    }
}

/// A page goes on with its window's session, whatever it remembers: after a crash that is nothing, or the token
/// before the last, for a web process that dies takes along what its page had just stored.
fn with_resume(frame: ToHost, known: &Resume) -> ToHost {
    match frame {
        ToHost::Hello { v, resume, nonce, want } => {
            let known = known.lock().unwrap_or_else(PoisonError::into_inner).clone();
            ToHost::Hello { v, resume: known.or(resume), nonce, want }
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_web_process_that_dies_again_and_again_is_not_started_for_ever() {
        let windows = Windows::new(Duration::from_secs(3), Duration::from_secs(5));
        let reloaded = (0..10).filter(|_| windows.crashed("main")).count();
        assert_eq!(reloaded, MOST_RELOADS);
        assert!(windows.crashed("other"), "another window's web process is another one");
    }

    #[test]
    fn a_crash_without_a_session_has_no_lease_to_run_out() {
        let windows = Windows::new(Duration::from_secs(3), Duration::from_secs(5));
        windows.crashed("main");
        assert_eq!(windows.next_expiry(), None);
    }

    #[test]
    fn a_page_goes_on_with_its_windows_session_also_where_it_remembers_none_or_an_older_token() {
        let known: Resume = Arc::new(Mutex::new(Some("token".into())));
        let hello = |resume: Option<&str>| ToHost::Hello {
            v: 1,
            resume: resume.map(Into::into),
            nonce: "n".into(),
            want: killcord_core::Role::Operator,
        };
        assert_eq!(with_resume(hello(None), &known), hello(Some("token")));
        assert_eq!(with_resume(hello(Some("older")), &known), hello(Some("token")));
        assert_eq!(with_resume(hello(Some("own")), &Resume::default()), hello(Some("own")));
        assert_eq!(with_resume(hello(None), &Resume::default()), hello(None));
        assert_eq!(with_resume(ToHost::Stop, &known), ToHost::Stop);
    }
}
