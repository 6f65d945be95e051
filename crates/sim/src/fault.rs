//! What can be wrong with an instrument, on demand.
//!
//! A fault is set by the library ([`crate::Running::fault`]), over HTTP (`POST /faults/NAME`) or in the file
//! (`faults = [{ kind = "mute" }]`). Several may be set at once; they add up.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// Commands are read and performed, but never answered: a broken transmit line.
    Mute,
    /// Commands are read, and neither performed nor answered: a unit without power on a shared line.
    Dead,
    /// Nothing is read any more; what is sent waits in the line's buffer and is performed afterwards.
    NotReading,
    /// Busy for `delay` (default 300 ms) before each answer; what comes meanwhile waits its turn.
    Slow,
    /// Commands are performed at once, but each answer comes `delay` (default 1.5 s) later, in order:
    /// after a client's timeout, while the client already waits for the answer to something else.
    Late,
    /// Answers are `text`, or bytes that mean nothing.
    Garbage,
    /// The answer never ends: bytes without a terminator, until the fault is cleared or the client goes.
    Endless,
    /// The connection is closed when a command comes in; the command is not performed.
    Drop,
    /// The line is cut: connections are closed, new ones refused, a pty's path is gone.
    Unplugged,
    /// Only one client at a time: further connections are closed as they come, and a client that has gone is
    /// believed in for `delay` (default 1 s) longer. Over TCP.
    OneClient,
    /// Says that it is another instrument: `text`, or a made-up one.
    WrongIdentity,
    /// Commands are not performed: a SCPI error is queued (and `text` answered, if given), a Modbus
    /// exception 04 returned.
    Refuse,
    /// The output does not go off any more, whatever is commanded: a welded contactor.
    Stuck,
}

/// What a stuck output's own readback says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Readback {
    /// The truth (the default).
    Actual,
    /// What was commanded; only a measurement tells the truth.
    Commanded,
}

/// One fault of one instrument.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// What goes wrong.
    pub kind: FaultKind,
    /// Only commands that begin with this text, in any case: `"OUTP"`, `"read_register 11"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Only this many times, then the fault is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// For [`FaultKind::Slow`], [`FaultKind::Late`] and [`FaultKind::OneClient`].
    #[serde(default, skip_serializing_if = "Option::is_none", with = "crate::duration::optional")]
    pub delay: Option<Duration>,
    /// The fault ends by itself after this long.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "crate::duration::optional")]
    pub lasts: Option<Duration>,
    /// For [`FaultKind::Garbage`], [`FaultKind::WrongIdentity`] and [`FaultKind::Refuse`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// For [`FaultKind::Stuck`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub readback: Option<Readback>,
}

impl Fault {
    /// A fault of this kind for every command, until it is cleared.
    pub fn new(kind: FaultKind) -> Self {
        Self { kind, prefix: None, count: None, delay: None, lasts: None, text: None, readback: None }
    }

    /// Only commands that begin with `prefix`.
    #[must_use]
    pub fn on(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = Some(prefix.into());
        self
    }

    /// Only `count` times.
    #[must_use]
    pub fn times(mut self, count: u32) -> Self {
        self.count = Some(count);
        self
    }

    /// With this delay.
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = Some(delay);
        self
    }

    /// Gone after `lasts`.
    #[must_use]
    pub fn lasting(mut self, lasts: Duration) -> Self {
        self.lasts = Some(lasts);
        self
    }

    /// With this text.
    #[must_use]
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.text = Some(text.into());
        self
    }

    /// With this readback of a stuck output.
    #[must_use]
    pub fn readback(mut self, readback: Readback) -> Self {
        self.readback = Some(readback);
        self
    }

    /// Refuses what could never take effect.
    pub(crate) fn check(&self) -> Result<(), FaultError> {
        use FaultKind::*;
        let kind = self.kind;
        let wrong = |key, remedy| Err(FaultError::Useless { key, kind, remedy });
        if self.prefix.is_some() && matches!(kind, NotReading | Unplugged | OneClient | Stuck | WrongIdentity)
        {
            return wrong("prefix", "it holds for the whole line or output; leave `prefix` out");
        }
        if self.count.is_some() && matches!(kind, NotReading | Unplugged | OneClient | Stuck) {
            return wrong("count", "it is a state, not an answer; use `lasts`, or clear it");
        }
        if self.delay.is_some() && !matches!(kind, Slow | Late | OneClient) {
            return wrong("delay", "only `slow`, `late` and `one_client` wait");
        }
        if self.text.is_some() && !matches!(kind, Garbage | WrongIdentity | Refuse) {
            return wrong("text", "only `garbage`, `wrong_identity` and `refuse` say something");
        }
        if self.readback.is_some() && kind != Stuck {
            return wrong("readback", "only `stuck` has one");
        }
        Ok(())
    }
}

/// A fault that cannot be set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// There is no instrument of this name; the message lists those there are.
    #[error("no instrument is called {name:?}; there are {known}")]
    UnknownInstrument {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: String,
    },
    /// An instrument with a model of its own; only a scripted one can be told what to answer.
    #[error("{name} is no scripted instrument: set a fault instead")]
    NotScripted {
        /// Its name.
        name: String,
    },
    /// A key that could never take effect with this kind of fault.
    #[error("`{key}` has no meaning for the fault {kind:?}: {remedy}")]
    Useless {
        /// The key.
        key: &'static str,
        /// The kind of fault.
        kind: FaultKind,
        /// What to write instead.
        remedy: &'static str,
    },
}

/// What the faults of an instrument do to one command.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    pub(crate) dead: bool,
    pub(crate) hang_up: bool,
    pub(crate) refuse: Option<Option<String>>,
    pub(crate) mute: bool,
    pub(crate) endless: bool,
    pub(crate) garbage: Option<Option<String>>,
    pub(crate) wrong_identity: Option<Option<String>>,
    pub(crate) busy: Duration,
    pub(crate) late: Duration,
    /// The kinds that fired, for the record.
    pub(crate) fired: Vec<FaultKind>,
}

/// A command as the faults see it.
pub(crate) struct Seen<'a> {
    pub(crate) text: &'a str,
    /// An answer is due.
    pub(crate) query: bool,
    /// It asks who the instrument is.
    pub(crate) identity: bool,
}

#[derive(Debug)]
struct Active {
    fault: Fault,
    left: Option<u32>,
    until: Option<Instant>,
}

/// The faults that one instrument has now.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    active: Vec<Active>,
}

/// More than these at once are a mistake, not a test; the oldest goes.
const MOST_FAULTS: usize = 64;

impl Faults {
    pub(crate) fn add(&mut self, fault: Fault, now: Instant) {
        if self.active.len() == MOST_FAULTS {
            self.active.remove(0);
        }
        let until = fault.lasts.and_then(|lasts| now.checked_add(lasts));
        self.active.push(Active { left: fault.count, until, fault });
    }

    pub(crate) fn clear(&mut self) {
        self.active.clear();
    }

    /// Forgets what has ended; true if something did because its time is over.
    pub(crate) fn expire(&mut self, now: Instant) -> bool {
        self.active.retain(|active| active.left != Some(0));
        let before = self.active.len();
        self.active.retain(|active| active.until.is_none_or(|until| now < until));
        self.active.len() != before
    }

    pub(crate) fn list(&self) -> Vec<Fault> {
        self.active.iter().map(|active| Fault { count: active.left, ..active.fault.clone() }).collect()
    }

    pub(crate) fn has(&self, kind: FaultKind) -> bool {
        self.active.iter().any(|active| active.fault.kind == kind)
    }

    /// How long a client that has gone is believed in; `None` if any number is served.
    pub(crate) fn one_client(&self) -> Option<Duration> {
        let one = self.active.iter().rfind(|active| active.fault.kind == FaultKind::OneClient)?;
        Some(one.fault.delay.unwrap_or(Duration::from_secs(1)))
    }

    /// How a stuck output reads back; `None` if it is not stuck.
    pub(crate) fn stuck(&self) -> Option<Readback> {
        let stuck = self.active.iter().rfind(|active| active.fault.kind == FaultKind::Stuck)?;
        Some(stuck.fault.readback.unwrap_or(Readback::Actual))
    }

    /// What happens to this command; counts it where a fault takes effect.
    pub(crate) fn effects(&mut self, seen: &Seen<'_>, now: Instant) -> Effects {
        use FaultKind::*;
        self.expire(now);
        let mut effects = Effects::default();
        for Active { fault, left, .. } in &mut self.active {
            let applies = match fault.kind {
                NotReading | Unplugged | OneClient | Stuck => false,
                WrongIdentity => seen.identity,
                Mute | Slow | Late | Garbage | Endless => seen.query,
                Dead | Drop | Refuse => true,
            };
            if !applies || !fault.prefix.as_deref().is_none_or(|prefix| begins_with(seen.text, prefix)) {
                continue;
            }
            match left {
                Some(0) => continue,
                Some(left) => *left -= 1,
                None => {}
            }
            match fault.kind {
                Mute => effects.mute = true,
                Dead => effects.dead = true,
                Slow => effects.busy += fault.delay.unwrap_or(Duration::from_millis(300)),
                Late => effects.late += fault.delay.unwrap_or(Duration::from_millis(1500)),
                Garbage => effects.garbage = Some(fault.text.clone()),
                Endless => effects.endless = true,
                Drop => effects.hang_up = true,
                WrongIdentity => effects.wrong_identity = Some(fault.text.clone()),
                Refuse => effects.refuse = Some(fault.text.clone()),
                NotReading | Unplugged | OneClient | Stuck => {}
            }
            effects.fired.push(fault.kind);
        }
        effects
    }
}

fn begins_with(text: &str, prefix: &str) -> bool {
    text.as_bytes().get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_counts_only_the_commands_it_touches() {
        let now = Instant::now();
        let mut faults = Faults::default();
        faults.add(Fault::new(FaultKind::Mute).on("outp").times(1), now);
        let seen = |text, query| Seen { text, query, identity: false };
        assert!(!faults.effects(&seen("OUTP OFF", false), now).mute, "a command has no answer to withhold");
        assert!(!faults.effects(&seen("VOLT?", true), now).mute);
        assert!(faults.effects(&seen("OUTP?", true), now).mute);
        assert!(!faults.effects(&seen("OUTP?", true), now).mute);
    }

    #[test]
    fn a_fault_ends_exactly_when_its_time_is_over() {
        let now = Instant::now();
        let mut faults = Faults::default();
        faults.add(Fault::new(FaultKind::Stuck).lasting(Duration::from_secs(1)), now);
        assert!(!faults.expire(now + Duration::from_nanos(999_999_999)));
        assert!(faults.expire(now + Duration::from_secs(1)));
        assert_eq!(faults.stuck(), None);
    }

    #[test]
    fn keys_that_could_never_take_effect_are_refused() {
        assert!(Fault::new(FaultKind::Stuck).on("OUTP").check().is_err());
        assert!(Fault::new(FaultKind::NotReading).times(1).check().is_err());
        assert!(Fault::new(FaultKind::Mute).delay(Duration::from_secs(1)).check().is_err());
        assert!(Fault::new(FaultKind::Late).delay(Duration::from_secs(1)).check().is_ok());
    }
}
