//! Lines, in step again.
//!
//! The trap: `VOLT?` times out, `OUTP OFF` is refused, `OUTP?` then reads the late `0` and passes for
//! verified. So after a timeout or a cut no answer counts until one of these has happened:
//!
//! - the instrument said its name, which no measurement can be taken for, and then nothing more;
//! - every owed reply came in, then quiet, then exactly one answer to `sync`, then quiet again;
//! - the connection was replaced (a serial line cannot be: it has to be quiet for a whole `timeout`).

use std::time::Duration;

use killcord_core::{DevicePlan, Number, Step, check::truth};

use super::LineDevice;
use crate::{Cx, DeviceError};

/// How long a line has to be silent to count as quiet when every owed reply was seen.
const QUIET: Duration = Duration::from_millis(30);
/// How often it is tried before the line counts as out of control.
const ROUNDS: u32 = 3;

/// A question whose answer is known.
pub(super) struct Marker {
    query: String,
    known: Option<String>,
    part: Option<String>,
}

impl Marker {
    /// `id` if the device has one, because a name cannot be mistaken; else `sync`.
    pub(super) fn of(device: &DevicePlan) -> Option<Self> {
        let text = |step: &Option<Step>| match step {
            Some(Step::Query { text, .. }) => Some(text.clone()),
            _ => None,
        };
        match text(&device.id) {
            Some(query) => Some(Self { query, known: None, part: device.expect_id.clone() }),
            None => text(&device.sync).map(|query| Self { query, known: None, part: None }),
        }
    }

    /// Notes what the question was answered with while the line was in step.
    pub(super) fn learn(&mut self, query: &str, answer: &str, in_step: bool) {
        if in_step && query == self.query && !answer.trim().is_empty() {
            self.known = Some(answer.trim().to_owned());
        }
    }

    /// Whether this asks for a name of which a part is known.
    pub(super) fn asks_name(&self, query: &str) -> bool {
        self.part.is_some() && query == self.query
    }

    /// Whether the line has that part.
    pub(super) fn has_part(&self, line: &str) -> bool {
        self.part.as_ref().is_some_and(|part| line.contains(part.as_str()))
    }

    fn is_answer(&self, line: &str) -> bool {
        let line = line.trim();
        match (&self.known, &self.part) {
            (Some(known), _) => line == known,
            (None, Some(_)) => self.has_part(line),
            (None, None) => !line.is_empty(),
        }
    }

    /// Whether no measurement and no truth value can look like it.
    fn is_name(&self) -> bool {
        let name = |text: &String| {
            text.len() >= 3
                && text.chars().any(char::is_alphabetic)
                && Number::parse(text).is_none()
                && truth(text).is_none()
        };
        self.known.as_ref().or(self.part.as_ref()).is_some_and(name)
    }
}

impl LineDevice {
    pub(super) fn bring_in_step(&mut self, cx: &Cx<'_>) -> Result<(), DeviceError> {
        if !self.link.is_connected() {
            self.owed = 0;
            return self.link.connect(cx);
        }
        let Some(marker) = self.marker.take() else { return self.replace(cx) };
        let brought = if marker.is_name() { self.by_name(&marker, cx) } else { self.by_count(&marker, cx) };
        self.marker = Some(marker);
        if brought.is_ok() {
            self.owed = 0;
        }
        brought
    }

    /// Everything before the name is old; silence behind it shows that nothing else was.
    fn by_name(&mut self, marker: &Marker, cx: &Cx<'_>) -> Result<(), DeviceError> {
        for _ in 0..ROUNDS {
            self.link.discard()?;
            self.write(&marker.query, cx)?;
            self.owed = self.owed.saturating_add(1);
            let waiting = cx.within(self.timeout * if self.owed > 1 { 2 } else { 1 });
            self.read_to(|line, _| marker.is_answer(line), &waiting)?;
            if self.is_quiet(QUIET, cx)? {
                return Ok(());
            }
        }
        Err(never_quiet())
    }

    /// A number may be anybody's: here the replies have to add up.
    fn by_count(&mut self, marker: &Marker, cx: &Cx<'_>) -> Result<(), DeviceError> {
        let all_in = self.collect_owed(cx)?;
        // Half of what is left: the answer itself has to come within the rest.
        let quiet = if all_in { QUIET } else { self.timeout.min(cx.left() / 2) };
        for _ in 0..ROUNDS {
            self.link.discard()?;
            self.write(&marker.query, cx)?;
            self.owed = self.owed.saturating_add(1);
            let answer = self.read(&cx.within(self.timeout))?;
            if self.is_quiet(quiet, cx)? && marker.is_answer(&answer) {
                return Ok(());
            }
        }
        Err(never_quiet())
    }

    /// Reads what is owed, at most one `timeout` long. Whether all of it came.
    fn collect_owed(&mut self, cx: &Cx<'_>) -> Result<bool, DeviceError> {
        let waiting = cx.within(self.timeout);
        while self.owed > 0 {
            match self.read(&waiting) {
                Ok(_) => self.owed -= 1,
                Err(DeviceError::Timeout) if !cx.left().is_zero() => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        self.is_quiet(QUIET, cx)
    }

    /// Whether nothing comes in for so long.
    fn is_quiet(&mut self, long: Duration, cx: &Cx<'_>) -> Result<bool, DeviceError> {
        let listening = cx.within(long);
        // Even a part of a line is noise.
        match self
            .link
            .read_until(&mut |received| (!received.is_empty()).then_some(received.len()), &listening)
        {
            Ok(_) => Ok(false),
            Err(DeviceError::Timeout) if listening.deadline < cx.deadline => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// With no question whose answer is known: a new connection, and nothing on it for one `timeout`, in
    /// case a gateway hands an old reply to it.
    fn replace(&mut self, cx: &Cx<'_>) -> Result<(), DeviceError> {
        if self.serial {
            self.link.discard()?;
        } else {
            self.link.disconnect();
            self.link.connect(cx)?;
        }
        for _ in 0..ROUNDS {
            if self.is_quiet(self.timeout, cx)? {
                self.owed = 0;
                return Ok(());
            }
            self.link.discard()?;
        }
        Err(never_quiet())
    }
}

fn never_quiet() -> DeviceError {
    DeviceError::Refused(String::from(
        "it does not stop talking, so no answer can be told from an old one; switch off what it sends by itself",
    ))
}
