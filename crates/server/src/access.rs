//! Who may come in: the one-time codes of links, the tokens of the rig's folder, and who was let in by them.
//!
//! What is revoked is worth nothing from that moment on, whatever the disk does: memory first, the file behind it.

use std::{
    collections::{HashMap, HashSet},
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
/// The most browsers that are remembered; the oldest is forgotten for one more.
const MOST_BROWSERS: usize = 256;
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

struct Known {
    token: Token,
    guest: Guest,
    /// Whether its file has been written: until then the folder says nothing of it.
    saved: bool,
}

struct Inner {
    codes: Codes,
    tries: Addresses,
    /// By the hash of the secret.
    known: HashMap<String, Known>,
    /// By the same hash: such as were revoked, and whose file may still be there.
    revoked: HashSet<String>,
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
            revoked: HashSet::new(),
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
        let forgotten = inner.remember(token.clone(), false);
        Ok(Paired { cookie, token, forgotten })
    }

    /// A token's file has been written: from here on the folder decides.
    pub(crate) fn saved(&self, token: &Token) {
        if let Some(known) = self.inner().known.get_mut(&token.hash) {
            known.saved = true;
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
        let now = unix_ms();
        let Some(tokens) = &self.tokens else { return self.inner().forget(|token| token.is_over(now)) };
        let changed = tokens.changed();
        let settled = |at: SystemTime| at.elapsed().is_ok_and(|since| since > TICK);
        if self.inner().seen == changed && changed.is_none_or(settled) {
            return self.inner().forget(|token| token.is_over(now));
        }
        // Without the lock: a slow disk holds up nobody.
        let listed = match tokens.list() {
            Ok(listed) => listed,
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "the tokens cannot be read; who was let in stays so");
                return self.inner().forget(|token| token.is_over(now));
            }
        };
        let mut inner = self.inner();
        inner.seen = changed;
        // A file that says something else now is another token.
        let gone = inner.known.values().filter(|known| known.saved && !listed.contains(&known.token));
        let gone: Vec<String> = gone.map(|known| known.token.name.clone()).collect();
        let before = inner.revoked.clone();
        let ended = inner.forget(|token| token.is_over(now) || gone.contains(&token.name));
        // Only what was revoked here, and not there, is not taken up again.
        inner.revoked = before;
        inner.revoked.retain(|hash| listed.iter().any(|token| token.hash == *hash));
        // Keys come before whom they let in.
        let (keys, browsers): (Vec<_>, Vec<_>) =
            listed.into_iter().partition(|token| token.kind == Kind::Key);
        for token in keys.into_iter().chain(browsers).filter(|token| !token.is_over(now)) {
            if let Some(known) = inner.known.get_mut(&token.hash) {
                known.saved = true;
            } else if !inner.revoked.contains(&token.hash) {
                inner.remember(token, true);
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

    /// The name of the browser that is forgotten for it.
    fn remember(&mut self, token: Token, saved: bool) -> Option<String> {
        let browsers = || self.known.values().filter(|known| known.token.kind == Kind::Browser);
        let forgotten = if token.kind == Kind::Browser && browsers().count() >= MOST_BROWSERS {
            let oldest = browsers().min_by_key(|known| known.token.made_unix_ms);
            oldest.map(|known| known.token.name.clone())
        } else {
            None
        };
        if let Some(name) = &forgotten {
            // Its sockets end its sessions.
            drop(self.forget(|token| token.name == *name));
        }
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
        self.known.insert(token.hash.clone(), Known { token, guest, saved });
        forgotten
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
                revoked.insert(hash.clone());
                false
            });
        }
        ended
    }
}

/// Writes a token's file; the rest of it is told where it cannot be.
pub(crate) fn save(access: &Access, token: &Token) {
    match access.tokens.as_ref().map(|tokens| tokens.write(token)) {
        None => {}
        Some(Ok(())) => access.saved(token),
        Some(Err(error)) => {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "a browser will have to be paired again after a restart");
        }
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
