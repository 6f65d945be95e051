//! Who may come in: the one-time code of a link, and the browsers that were let in by one.
//!
//! Paired browsers outlive the host, so that a page finds its way back to the next one. Only hashes are written.

use std::{
    collections::{HashMap, VecDeque},
    fs, io,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use killcord::core::BrowserId;

use crate::{answer::Refused, rate::Rate, secret};

/// How long a link can be used.
const CODE_LIVES: Duration = Duration::from_mins(10);
/// Wrong codes that may be tried in a row, and how long until another may be.
const TRIES: (u32, Duration) = (10, Duration::from_secs(6));
/// The most browsers that are remembered; the oldest is forgotten for one more.
const MOST_BROWSERS: usize = 256;
/// Used codes that are remembered, to say so of a link that is opened again.
const USED: usize = 16;
/// The file of their hashes, one a line, oldest first.
const FILE: &str = "browsers";

struct Code {
    kept: String,
    until: Instant,
}

struct Inner {
    code: Option<Code>,
    /// The newest last.
    used: VecDeque<String>,
    tries: Rate,
    browsers: HashMap<String, BrowserId>,
    /// Oldest first.
    order: Vec<String>,
    next: u64,
}

/// All of it, behind one lock that is held for a look or a change.
pub(crate) struct Access {
    inner: Mutex<Inner>,
    file: PathBuf,
}

impl Access {
    /// With the browsers that were let in before. A file that cannot be read is as if there were none.
    pub(crate) fn open(folder: &Path, now: Instant) -> Self {
        let file = folder.join(FILE);
        let text = fs::read_to_string(&file).unwrap_or_else(|error| {
            if error.kind() != io::ErrorKind::NotFound {
                tracing::warn!(%error, "the paired browsers cannot be read; pair them again");
            }
            String::new()
        });
        let mut inner = Inner {
            code: None,
            used: VecDeque::new(),
            tries: Rate::new(TRIES.0, TRIES.1, now),
            browsers: HashMap::new(),
            order: Vec::new(),
            next: 1,
        };
        for line in text.lines().filter(|line| line.len() == 64).take(MOST_BROWSERS) {
            inner.remember(line.to_owned());
        }
        Self { inner: Mutex::new(inner), file }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new code; the one before it is worth nothing from here on.
    pub(crate) fn invite(&self, now: Instant) -> Option<String> {
        let code = secret::word()?;
        self.inner().code = Some(Code { kept: secret::kept(&code), until: now + CODE_LIVES });
        Some(code)
    }

    /// Takes a code for the value of a cookie, once.
    pub(crate) fn pair(&self, code: &str, now: Instant) -> Result<String, Refused> {
        let mut inner = self.inner();
        let kept = secret::kept(code);
        let Some(until) = inner.code.take_if(|known| known.kept == kept).map(|known| known.until) else {
            return Err(if !inner.tries.take(now) {
                Refused::TooMany
            } else if inner.used.contains(&kept) {
                Refused::CodeUsed
            } else {
                Refused::CodeWrong
            });
        };
        if until <= now {
            return Err(Refused::CodeExpired);
        }
        let cookie = secret::word().ok_or(Refused::Failed)?;
        inner.used.push_back(kept);
        if inner.used.len() > USED {
            inner.used.pop_front();
        }
        inner.remember(secret::kept(&cookie));
        self.write(&inner, "this browser will have to be paired again after a restart");
        Ok(cookie)
    }

    /// Whether it is let in still.
    pub(crate) fn has(&self, browser: BrowserId) -> bool {
        self.inner().browsers.values().any(|id| *id == browser)
    }

    /// Lets a browser in no more.
    pub(crate) fn forget(&self, browser: BrowserId) {
        let mut inner = self.inner();
        let Some(kept) = inner.browsers.iter().find(|(_, id)| **id == browser).map(|(kept, _)| kept.clone())
        else {
            return;
        };
        inner.browsers.remove(&kept);
        inner.order.retain(|known| *known != kept);
        self.write(&inner, "a browser that has signed out is let in again after a restart");
    }

    fn write(&self, inner: &Inner, otherwise: &str) {
        if let Err(error) = write(&self.file, &inner.order) {
            tracing::warn!(%error, "{otherwise}");
        }
    }

    /// The browser that a cookie belongs to.
    pub(crate) fn browser(&self, cookie: &str) -> Option<BrowserId> {
        self.inner().browsers.get(&secret::kept(cookie)).copied()
    }
}

impl Inner {
    fn remember(&mut self, kept: String) {
        if self.order.len() >= MOST_BROWSERS {
            self.browsers.remove(&self.order.remove(0));
        }
        self.browsers.insert(kept.clone(), BrowserId(self.next));
        self.order.push(kept);
        self.next += 1;
    }
}

/// Whole or not at all, and for nobody else's eyes.
fn write(file: &Path, lines: &[String]) -> io::Result<()> {
    let next = file.with_extension("new");
    let mut options = fs::OpenOptions::new();
    let mut out = options.write(true).create(true).truncate(true).mode(0o600).open(&next)?;
    io::Write::write_all(&mut out, (lines.join("\n") + "\n").as_bytes())?;
    out.sync_all()?;
    fs::rename(next, file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_lets_one_browser_in_once() {
        let folder = tempfile::tempdir().unwrap();
        let now = Instant::now();
        let access = Access::open(folder.path(), now);
        let code = access.invite(now).unwrap();
        let cookie = access.pair(&code, now).unwrap();
        assert_eq!(access.browser(&cookie), Some(BrowserId(1)));
        assert_eq!(access.pair(&code, now), Err(Refused::CodeUsed));
        assert_eq!(access.browser(&code), None);
    }

    #[test]
    fn a_code_is_too_old_at_its_moment_and_not_before() {
        let folder = tempfile::tempdir().unwrap();
        let now = Instant::now();
        let access = Access::open(folder.path(), now);
        let last = now + CODE_LIVES - Duration::from_nanos(1);
        access.pair(&access.invite(now).unwrap(), last).unwrap();
        let code = access.invite(now).unwrap();
        assert_eq!(access.pair(&code, now + CODE_LIVES), Err(Refused::CodeExpired));
        assert_eq!(access.pair(&code, now), Err(Refused::CodeWrong), "and is worth nothing then");
    }

    #[test]
    fn guessing_is_slowed_down_and_shuts_nobody_out() {
        let folder = tempfile::tempdir().unwrap();
        let now = Instant::now();
        let access = Access::open(folder.path(), now);
        let code = access.invite(now).unwrap();
        for _ in 0..TRIES.0 {
            assert_eq!(access.pair("guess", now), Err(Refused::CodeWrong));
        }
        assert_eq!(access.pair("guess", now), Err(Refused::TooMany));
        access.pair(&code, now).unwrap();
    }

    #[test]
    fn a_browser_is_known_after_a_restart_and_its_cookie_is_not_on_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let now = Instant::now();
        let access = Access::open(folder.path(), now);
        let cookie = access.pair(&access.invite(now).unwrap(), now).unwrap();
        let text = fs::read_to_string(folder.path().join(FILE)).unwrap();
        assert!(!text.contains(&cookie));
        assert!(Access::open(folder.path(), now).browser(&cookie).is_some());
    }

    #[test]
    fn a_browser_that_is_forgotten_is_not_let_in_again_not_even_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let now = Instant::now();
        let access = Access::open(folder.path(), now);
        let pair = || access.pair(&access.invite(now).unwrap(), now).unwrap();
        let (one, two) = (pair(), pair());
        access.forget(access.browser(&one).unwrap());
        for access in [&access, &Access::open(folder.path(), now)] {
            assert!(access.browser(&one).is_none() && access.browser(&two).is_some());
        }
    }

    #[test]
    fn the_oldest_browser_is_forgotten_for_one_more() {
        let folder = tempfile::tempdir().unwrap();
        let now = Instant::now();
        let access = Access::open(folder.path(), now);
        let first = access.pair(&access.invite(now).unwrap(), now).unwrap();
        let mut last = String::new();
        for n in 0..MOST_BROWSERS {
            access.inner().remember(format!("{n}"));
            last = format!("{n}");
        }
        assert_eq!(access.browser(&first), None);
        let inner = access.inner();
        assert!(inner.browsers.contains_key(&last) && inner.order.len() == MOST_BROWSERS);
    }
}
