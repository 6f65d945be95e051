//! Who may come in: the one-time code of a link, and the browsers that were let in by one.
//!
//! Paired browsers outlive the host, so that a page finds its way back to the next one. Only hashes are written.

use std::{
    collections::HashMap,
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
/// The file of their hashes, one a line, oldest first.
const FILE: &str = "browsers";

struct Code {
    kept: String,
    until: Instant,
}

struct Inner {
    code: Option<Code>,
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

/// A browser was let in, or its code is too old and has to be replaced.
pub(crate) enum Paired {
    /// The value of its cookie.
    Cookie(String),
    TooOld,
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

    /// Takes a code for a cookie, once.
    pub(crate) fn pair(&self, code: &str, now: Instant) -> Result<Paired, Refused> {
        let mut inner = self.inner();
        let right = inner.code.as_ref().is_some_and(|known| known.kept == secret::kept(code));
        if !right {
            return Err(if inner.tries.take(now) { Refused::BadCode } else { Refused::Busy });
        }
        if inner.code.take().is_none_or(|known| known.until <= now) {
            return Ok(Paired::TooOld);
        }
        let cookie = secret::word().ok_or(Refused::Failed)?;
        inner.remember(secret::kept(&cookie));
        if let Err(error) = write(&self.file, &inner.order) {
            tracing::warn!(%error, "this browser will have to be paired again after a restart");
        }
        Ok(Paired::Cookie(cookie))
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

    fn cookie(paired: Result<Paired, Refused>) -> String {
        match paired {
            Ok(Paired::Cookie(cookie)) => cookie,
            Ok(Paired::TooOld) => panic!("too old"),
            Err(refused) => panic!("{refused:?}"),
        }
    }

    #[test]
    fn a_code_lets_one_browser_in_once() {
        let folder = tempfile::tempdir().unwrap();
        let now = Instant::now();
        let access = Access::open(folder.path(), now);
        let code = access.invite(now).unwrap();
        let cookie = cookie(access.pair(&code, now));
        assert_eq!(access.browser(&cookie), Some(BrowserId(1)));
        assert!(matches!(access.pair(&code, now), Err(Refused::BadCode)));
        assert_eq!(access.browser(&code), None);
    }

    #[test]
    fn a_code_is_too_old_at_its_moment_and_not_before() {
        let folder = tempfile::tempdir().unwrap();
        let now = Instant::now();
        let access = Access::open(folder.path(), now);
        let last = now + CODE_LIVES - Duration::from_nanos(1);
        cookie(access.pair(&access.invite(now).unwrap(), last));
        let code = access.invite(now).unwrap();
        assert!(matches!(access.pair(&code, now + CODE_LIVES), Ok(Paired::TooOld)));
        assert!(matches!(access.pair(&code, now), Err(Refused::BadCode)), "and is worth nothing then");
    }

    #[test]
    fn guessing_is_slowed_down_and_shuts_nobody_out() {
        let folder = tempfile::tempdir().unwrap();
        let now = Instant::now();
        let access = Access::open(folder.path(), now);
        let code = access.invite(now).unwrap();
        for _ in 0..TRIES.0 {
            assert!(matches!(access.pair("guess", now), Err(Refused::BadCode)));
        }
        assert!(matches!(access.pair("guess", now), Err(Refused::Busy)));
        cookie(access.pair(&code, now));
    }

    #[test]
    fn a_browser_is_known_after_a_restart_and_its_cookie_is_not_on_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let now = Instant::now();
        let access = Access::open(folder.path(), now);
        let cookie = cookie(access.pair(&access.invite(now).unwrap(), now));
        let text = fs::read_to_string(folder.path().join(FILE)).unwrap();
        assert!(!text.contains(&cookie));
        assert!(Access::open(folder.path(), now).browser(&cookie).is_some());
    }

    #[test]
    fn the_oldest_browser_is_forgotten_for_one_more() {
        let folder = tempfile::tempdir().unwrap();
        let now = Instant::now();
        let access = Access::open(folder.path(), now);
        let first = cookie(access.pair(&access.invite(now).unwrap(), now));
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
