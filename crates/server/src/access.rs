//! Who may come in: the one-time codes of links, the tokens of the rig's folder, and who was let in by them.
//!
//! What is revoked is worth nothing from that moment on, whatever the disk does: memory first, the file behind it. **It
//! must never** let whoever is let in push out somebody whom another has let in.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use killcord::{Role, core::BrowserId};
use tokio_util::sync::CancellationToken;

use crate::{
    addresses::{Addresses, Pace},
    answer::Refused,
    codes::{Codes, Lets},
    secret,
    tokens::{Kind, Token, TokenError, Tokens, unix_ms},
};

/// Wrong codes and keys that may be tried from one address, and by all together. Right ones are never refused for it.
const TRIES: Pace = (10, Duration::from_secs(6));
const ALL_TRIES: Pace = (100, Duration::from_millis(600));
/// The most browsers that are let in. One more is refused.
const MOST_BROWSERS: usize = 256;
/// The most of them that the host's own links have let in, and that one key or one browser has; its own oldest is
/// forgotten for one more.
const MOST_OF_THE_HOST: usize = 128;
const MOST_OF_ONE: usize = 16;
/// A folder that was changed so short a time ago may be changed again without a sign: file systems count in ticks.
const TICK: Duration = Duration::from_millis(100);

/// The next one's number. A host has a server for browsers and one for its window, and tells all guests apart by it.
static NEXT: AtomicU64 = AtomicU64::new(1);

/// Somebody who was let in.
#[derive(Clone, Debug)]
pub(crate) struct Guest {
    /// For as long as this process runs.
    pub(crate) id: BrowserId,
    /// The token's name.
    pub(crate) name: Arc<str>,
    /// Who that is for people: the key that it was let in by, else the name.
    pub(crate) who: Arc<str>,
    pub(crate) role: Role,
    /// Ends what it holds open.
    pub(crate) revoked: CancellationToken,
}

/// By what one comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof<'a> {
    /// The cookie of a paired browser.
    Cookie(&'a str),
    /// A key in `Authorization`.
    Key(&'a str),
}

/// A browser that has just been let in.
pub(crate) struct Paired {
    /// The value of its cookie, which is nowhere else.
    pub(crate) cookie: String,
    /// Its token, whose file is still to be written.
    pub(crate) token: Token,
    /// The name of the one that was forgotten for it, whose file is still to be deleted.
    pub(crate) forgotten: Option<String>,
}

/// What the folder says of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kept {
    /// Nothing yet: its file is being written, and may be there at any moment.
    Writing,
    /// It decides.
    Saved,
    /// Nothing: the file could not be written.
    Nowhere,
}

struct Known {
    token: Token,
    guest: Guest,
    kept: Kept,
}

/// The folder, at one look.
struct Folder {
    changed: Option<SystemTime>,
    /// What it had to have in it: those that were saved before.
    known: Vec<Token>,
    listed: Vec<Token>,
}

struct Inner {
    codes: Codes,
    tries: Addresses,
    /// By the hash of the secret.
    known: HashMap<String, Known>,
    /// By the same hash: such as were revoked and whose file may still be there, or come.
    revoked: HashMap<String, Kept>,
    seen: Option<SystemTime>,
}

/// All of it, behind one lock that is held for a look or a change.
pub(crate) struct Access {
    inner: Mutex<Inner>,
    /// Where what is known is kept; `None`: nowhere.
    tokens: Option<Tokens>,
}

impl Access {
    /// With the tokens that there are; without, nobody is remembered. A folder that cannot be read is as if there were
    /// none.
    pub(crate) fn open(tokens: Option<Tokens>, now: Instant) -> Self {
        let inner = Inner {
            codes: Codes::default(),
            tries: Addresses::new(TRIES, ALL_TRIES, now),
            known: HashMap::new(),
            revoked: HashMap::new(),
            seen: None,
        };
        let access = Self { inner: Mutex::new(inner), tokens };
        access.look();
        access
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new code; the one that the same had made before is worth nothing from here on.
    pub(crate) fn invite(&self, role: Role, by: Option<&Guest>, now: Instant) -> Option<String> {
        self.inner().codes.make(role, by.map(|guest| Arc::clone(&guest.name)), now)
    }

    /// Whether the host's own link can still be used.
    pub(crate) fn invites(&self) -> bool {
        self.inner().codes.has_own()
    }

    /// Takes a code, or a key.
    pub(crate) fn pair(
        &self,
        code: &str,
        agent: Option<&str>,
        from: IpAddr,
        now: Instant,
    ) -> Result<Paired, Refused> {
        let mut inner = self.inner();
        let kept = secret::kept(code);
        let Lets { role, by } = match (inner.codes.take(&kept, now), inner.holder(&kept, Kind::Key)) {
            (Some(taken), _) => taken?,
            (None, Some(key)) => Lets { role: key.role, by: Some(key.name) },
            _ if !inner.tries.take(from, now) => return Err(Refused::TooMany),
            _ if inner.codes.was_used(&kept) => return Err(Refused::CodeUsed),
            _ => return Err(Refused::CodeWrong),
        };
        // Whoever made the link may be gone by now, and ends what it has let in.
        let parent = by.as_ref().and_then(|by| inner.known.values().find(|known| known.token.name == **by));
        if by.is_some() && parent.is_none() {
            return Err(Refused::CodeExpired);
        }
        let expires_unix_ms = parent.and_then(|parent| parent.token.expires_unix_ms);
        let forgotten = inner.room(by.as_deref())?;
        let cookie = secret::word().ok_or(Refused::Failed)?;
        let name = format!("browser-{}", secret::word().ok_or(Refused::Failed)?.get(..8).unwrap_or_default());
        let token = Token {
            name,
            kind: Kind::Browser,
            role,
            by: by.map(|by| by.to_string()),
            agent: agent.map(str::to_owned),
            made_unix_ms: unix_ms(),
            expires_unix_ms,
            hash: secret::kept(&cookie),
        };
        if let Some(name) = &forgotten {
            // Its sockets end its sessions.
            drop(inner.forget(|token| token.name == *name));
        }
        inner.remember(token.clone(), Kept::Writing);
        Ok(Paired { cookie, token, forgotten })
    }

    /// The writing of a token's file is over. Whether the token is still worth something: else the file has to go.
    fn written(&self, token: &Token, kept: Kept) -> bool {
        match self.inner().known.get_mut(&token.hash) {
            Some(known) => {
                known.kept = kept;
                true
            }
            None => false,
        }
    }

    /// A token that was revoked while its file was written has none any more, unless the disk did not take that either.
    fn unwritten(&self, token: &Token) {
        if let Some(kept) = self.inner().revoked.get_mut(&token.hash) {
            *kept = Kept::Saved;
        }
    }

    /// Whoever a proof belongs to. A key that is none is a try.
    pub(crate) fn guest(&self, proof: Proof<'_>, from: IpAddr, now: Instant) -> Result<Guest, Refused> {
        let (secret, kind) = match proof {
            Proof::Cookie(secret) => (secret, Kind::Browser),
            Proof::Key(secret) => (secret, Kind::Key),
        };
        let mut inner = self.inner();
        match inner.holder(&secret::kept(secret), kind) {
            Some(guest) => Ok(guest),
            None if kind == Kind::Key && !inner.tries.take(from, now) => Err(Refused::TooMany),
            None => Err(Refused::NotPaired),
        }
    }

    /// All tokens, by name.
    pub(crate) fn list(&self) -> Vec<Token> {
        let mut all: Vec<Token> = self.inner().known.values().map(|known| known.token.clone()).collect();
        all.sort_by(|one, other| one.name.cmp(&other.name));
        all
    }

    /// Whether there is one of that name.
    pub(crate) fn knows(&self, name: &str) -> bool {
        self.inner().known.values().any(|known| known.token.name == name)
    }

    /// Lets one in no more, and none that it has let in; who that was. Its file is still to be deleted.
    pub(crate) fn forget(&self, name: &str) -> Vec<Guest> {
        self.inner().forget(|token| token.name == name)
    }

    /// Looks what has become of the folder, and of the time; who was let in and is no more.
    pub(crate) fn look(&self) -> Vec<Guest> {
        match self.folder() {
            Some(folder) => self.take(folder),
            None => self.inner().forget(|token| token.is_over(unix_ms())),
        }
    }

    /// The folder as it is now; `None` where it says nothing new, or cannot be read.
    fn folder(&self) -> Option<Folder> {
        let tokens = self.tokens.as_ref()?;
        let changed = tokens.changed();
        let settled = |at: SystemTime| at.elapsed().is_ok_and(|since| since > TICK);
        let inner = self.inner();
        if inner.seen == changed && changed.is_none_or(settled) {
            return None;
        }
        // Before it is listed: a browser that is paired meanwhile may be missing in the list.
        let known = inner.known.values().filter(|known| known.kept == Kept::Saved);
        let known: Vec<Token> = known.map(|known| known.token.clone()).collect();
        drop(inner);
        // Without the lock: a slow disk holds up nobody.
        match tokens.list_beside(&known) {
            Ok(listed) => Some(Folder { changed, known, listed }),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "the tokens cannot be read; who was let in stays so");
                None
            }
        }
    }

    /// Takes up what the folder says.
    fn take(&self, folder: Folder) -> Vec<Guest> {
        let now = unix_ms();
        let Folder { changed, known, listed } = folder;
        let mut inner = self.inner();
        inner.seen = changed;
        // A file that says something else now is another token.
        let gone = |token: &Token| known.contains(token) && !listed.contains(token);
        let before = inner.revoked.clone();
        let ended = inner.forget(|token| token.is_over(now) || gone(token));
        // Only what was revoked here, and not there, is not taken up again.
        inner.revoked = before;
        inner
            .revoked
            .retain(|hash, kept| *kept == Kept::Writing || listed.iter().any(|token| token.hash == *hash));
        // Keys come before whom they let in.
        let (keys, browsers): (Vec<_>, Vec<_>) =
            listed.into_iter().partition(|token| token.kind == Kind::Key);
        for token in keys.into_iter().chain(browsers).filter(|token| !token.is_over(now)) {
            if let Some(known) = inner.known.get_mut(&token.hash) {
                known.kept = Kept::Saved;
            } else if !inner.revoked.contains_key(&token.hash) {
                inner.remember(token, Kept::Saved);
            }
        }
        ended
    }
}

impl Inner {
    /// Whose secret that is, where it is of that kind and not over.
    fn holder(&self, kept: &str, kind: Kind) -> Option<Guest> {
        let known = self.known.get(kept).filter(|known| known.token.kind == kind)?;
        (!known.token.is_over(unix_ms())).then(|| known.guest.clone())
    }

    /// The name of the browser that is forgotten for one more of whom `by` lets in: none but one of its own.
    fn room(&self, by: Option<&str>) -> Result<Option<String>, Refused> {
        let all = self.known.values().map(|known| &known.token);
        let browsers: Vec<&Token> = all.filter(|token| token.kind == Kind::Browser).collect();
        let own: Vec<&Token> = browsers.iter().copied().filter(|token| token.by.as_deref() == by).collect();
        let most = if by.is_none() { MOST_OF_THE_HOST } else { MOST_OF_ONE };
        if own.len() >= most {
            Ok(own.iter().min_by_key(|token| token.made_unix_ms).map(|token| token.name.clone()))
        } else if browsers.len() >= MOST_BROWSERS {
            Err(Refused::Full)
        } else {
            Ok(None)
        }
    }

    fn remember(&mut self, token: Token, kept: Kept) {
        // A key is a person's; a browser that lets another in is another's.
        let is_key = |name: &&str| {
            let mut all = self.known.values().map(|known| &known.token);
            all.any(|token| token.kind == Kind::Key && token.name == *name)
        };
        let guest = Guest {
            id: BrowserId(NEXT.fetch_add(1, Ordering::Relaxed)),
            name: token.name.as_str().into(),
            who: token.by.as_deref().filter(is_key).unwrap_or(&token.name).into(),
            role: token.role,
            revoked: CancellationToken::new(),
        };
        self.known.insert(token.hash.clone(), Known { token, guest, kept });
    }

    /// Those, all that they have let in, and the links that they have made.
    fn forget(&mut self, which: impl Fn(&Token) -> bool) -> Vec<Guest> {
        let all = self.known.values().map(|known| &known.token);
        let mut names: Vec<String> =
            all.filter(|token| which(token)).map(|token| token.name.clone()).collect();
        let mut ended = Vec::new();
        while let Some(name) = names.pop() {
            self.codes.forget(&name);
            let revoked = &mut self.revoked;
            self.known.retain(|hash, known| {
                if known.token.by.as_deref() == Some(name.as_str()) {
                    names.push(known.token.name.clone());
                }
                if known.token.name != name {
                    return true;
                }
                known.guest.revoked.cancel();
                ended.push(known.guest.clone());
                revoked.insert(hash.clone(), known.kept);
                false
            });
        }
        ended
    }
}

/// Writes a token's file; the rest of it is told where it cannot be. One that was revoked while the disk took its time is
/// not left behind: it would be let in after a restart.
pub(crate) fn save(access: &Access, token: &Token) {
    let Some(tokens) = &access.tokens else { return };
    let written = tokens.write(token);
    if !access.written(token, if written.is_ok() { Kept::Saved } else { Kept::Nowhere }) {
        // It was told; nobody waits for it.
        delete(access, &token.name).ok();
        access.unwritten(token);
    } else if let Err(error) = written {
        let error = &error as &dyn std::error::Error;
        tracing::warn!(error, "a browser will have to be paired again after a restart");
    }
}

/// Deletes a token's file. One that had none is gone already.
pub(crate) fn delete(access: &Access, name: &str) -> Result<(), Refused> {
    match access.tokens.as_ref().map(|tokens| tokens.revoke(name)) {
        None | Some(Ok(()) | Err(TokenError::Unknown(_))) => Ok(()),
        Some(Err(error)) => {
            let error = &error as &dyn std::error::Error;
            tracing::error!(
                error,
                name,
                "a token that was revoked is let in again after a restart; delete its file"
            );
            Err(Refused::NotKept)
        }
    }
}

#[cfg(test)]
mod tests;
