//! The one-time codes of links. No clock of its own.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use killcord::Role;

use crate::{answer::Refused, secret};

/// How long a link can be used.
pub(crate) const LIVES: Duration = Duration::from_mins(10);
/// Links that can be used at the same time, each made by somebody else.
const MOST: usize = 16;
/// Used codes that are remembered, to say so of a link that is opened again.
const USED: usize = 16;

struct Code {
    kept: String,
    until: Instant,
    role: Role,
    by: Option<Arc<str>>,
}

/// All that can be used, and those that were used last.
#[derive(Default)]
pub(crate) struct Codes {
    open: VecDeque<Code>,
    /// The newest last.
    used: VecDeque<String>,
}

/// What a code lets in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Lets {
    pub(crate) role: Role,
    /// Whose link it was; `None`: the host's own.
    pub(crate) by: Option<Arc<str>>,
}

impl Codes {
    /// A new code. Each has one at a time: the one that the same had made before is worth nothing from here on.
    pub(crate) fn make(&mut self, role: Role, by: Option<Arc<str>>, now: Instant) -> Option<String> {
        let code = secret::word()?;
        self.open.retain(|known| known.by != by);
        if self.open.len() >= MOST {
            // The host's own stays.
            let oldest = self.open.iter().position(|known| known.by.is_some()).unwrap_or(0);
            self.open.remove(oldest);
        }
        self.open.push_back(Code { kept: secret::kept(&code), until: now + LIVES, role, by });
        Some(code)
    }

    /// Takes a code, by its hash; `None` where there is none.
    pub(crate) fn take(&mut self, kept: &str, now: Instant) -> Option<Result<Lets, Refused>> {
        let at = self.open.iter().position(|known| known.kept == kept)?;
        let code = self.open.remove(at)?;
        if code.until <= now {
            return Some(Err(Refused::CodeExpired));
        }
        self.used.push_back(code.kept);
        if self.used.len() > USED {
            self.used.pop_front();
        }
        Some(Ok(Lets { role: code.role, by: code.by }))
    }

    /// Whether it was taken a while ago.
    pub(crate) fn was_used(&self, kept: &str) -> bool {
        self.used.iter().any(|used| used == kept)
    }

    /// Whether the host's own link can still be used.
    pub(crate) fn has_own(&self) -> bool {
        self.open.iter().any(|code| code.by.is_none())
    }

    /// The links of somebody who is let in no more.
    pub(crate) fn forget(&mut self, by: &str) {
        self.open.retain(|code| code.by.as_deref() != Some(by));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_too_old_at_its_moment_and_not_before() {
        let (mut codes, now) = (Codes::default(), Instant::now());
        let mut made = || secret::kept(&codes.make(Role::Operator, None, now).unwrap());
        let (first, second) = (made(), made());
        assert_eq!(codes.take(&first, now), None, "there is one at a time");
        let last = now + LIVES - Duration::from_nanos(1);
        assert_eq!(codes.take(&second, last), Some(Ok(Lets { role: Role::Operator, by: None })));
        let third = secret::kept(&codes.make(Role::Operator, None, now).unwrap());
        assert_eq!(codes.take(&third, now + LIVES), Some(Err(Refused::CodeExpired)));
        assert_eq!(codes.take(&third, now), None, "and is worth nothing then");
        assert!(codes.was_used(&second) && !codes.was_used(&third));
    }

    #[test]
    fn nobody_s_links_take_the_place_of_another_s_or_of_the_host_s() {
        let (mut codes, now) = (Codes::default(), Instant::now());
        let own = secret::kept(&codes.make(Role::Operator, None, now).unwrap());
        let first = secret::kept(&codes.make(Role::Observer, Some("first".into()), now).unwrap());
        for n in 0..MOST - 1 {
            codes.make(Role::Observer, Some(format!("n{n}").into()), now).unwrap();
        }
        assert_eq!(codes.open.len(), MOST);
        assert!(codes.has_own() && codes.take(&own, now).is_some());
        assert_eq!(codes.take(&first, now), None, "the oldest of the others goes");
    }
}
