//! Lines of text: SCPI instruments, controllers with a command prompt, anything that answers a line with a
//! line.
//!
//! An answer never comes before its question: what lies in the input when a question is written is thrown
//! away. That alone does not make a late answer harmless; `resync` says what does.

mod resync;
mod spec;

use std::time::Duration;

use killcord_core::{
    Step, Value,
    driver::DriverSpec,
    plan::{Connect, Protocol, Terminator},
};

use self::resync::Marker;
use crate::{Cx, Device, DeviceError, Driver, Identity, Setup, Transport};

/// The driver `line`, and `scpi`, which is the same engine under the name that people look for.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    spec: &'static DriverSpec,
}

impl Line {
    /// `driver = "line"`.
    #[must_use]
    pub const fn plain() -> Self {
        Self { spec: &spec::LINE }
    }

    /// `driver = "scpi"`.
    #[must_use]
    pub const fn scpi() -> Self {
        Self { spec: &spec::SCPI }
    }
}

impl Driver for Line {
    fn spec(&self) -> &'static DriverSpec {
        self.spec
    }

    fn device(&self, setup: &Setup<'_>, link: Box<dyn Transport>) -> Result<Box<dyn Device>, DeviceError> {
        let (Connect::Tcp { protocol, .. } | Connect::Serial { protocol, .. }) = &setup.link.connect else {
            return Err(needs_lines(self.spec.name));
        };
        let Protocol::Line { terminator } = protocol else { return Err(needs_lines(self.spec.name)) };
        Ok(Box::new(LineDevice {
            driver: self.spec.name,
            link,
            terminator: *terminator,
            timeout: setup.timeout(),
            owed: 0,
            marker: Marker::of(setup.device),
            serial: matches!(setup.link.connect, Connect::Serial { .. }),
        }))
    }
}

fn needs_lines(driver: &str) -> DeviceError {
    DeviceError::Setup(format!("the driver {driver} speaks lines; connect it with tcp:// or serial://"))
}

struct LineDevice {
    driver: &'static str,
    link: Box<dyn Transport>,
    terminator: Terminator,
    timeout: Duration,
    /// Questions whose answers were not awaited to the end.
    owed: u32,
    marker: Option<Marker>,
    serial: bool,
}

impl LineDevice {
    fn write(&mut self, text: &str, cx: &Cx<'_>) -> Result<(), DeviceError> {
        let mut bytes = Vec::with_capacity(text.len() + 2);
        bytes.extend_from_slice(text.as_bytes());
        bytes.extend_from_slice(self.terminator.bytes());
        self.link.write(&bytes, cx)
    }

    fn read(&mut self, cx: &Cx<'_>) -> Result<String, DeviceError> {
        let terminator = self.terminator;
        let line = self.link.read_until(&mut |received| line_end(terminator, received), cx)?;
        let text = String::from_utf8_lossy(&line);
        Ok(text.trim_end_matches(['\r', '\n']).to_owned())
    }

    /// A question and its answer.
    fn ask(&mut self, text: &str, cx: &Cx<'_>) -> Result<String, DeviceError> {
        self.link.discard()?;
        self.write(text, cx)?;
        let answer = self.read(cx);
        if answer.as_ref().is_err_and(DeviceError::leaves_out_of_step) {
            self.owed = self.owed.saturating_add(1);
        }
        answer
    }

    /// Reads on to the line that is wanted; one that never stops talking does not keep us here. `wanted` is told
    /// whether it is a whole line: what follows on one without an end is the rest of it.
    fn read_to(&mut self, wanted: impl Fn(&str, bool) -> bool, cx: &Cx<'_>) -> Result<String, DeviceError> {
        let mut whole = true;
        loop {
            match self.read(cx) {
                Ok(line) if wanted(&line, whole) => return Ok(line),
                Ok(_) | Err(DeviceError::Endless { .. }) if cx.left().is_zero() => {
                    return Err(DeviceError::Timeout);
                }
                Ok(_) => whole = true,
                Err(DeviceError::Endless { .. }) => whole = false,
                Err(error) => return Err(error),
            }
        }
    }

    /// A question; if it asks for the name that is known in part, lines before that name are replies to
    /// somebody else's questions. Without the name the first line stands: another instrument's.
    fn named(&mut self, text: &str, cx: &Cx<'_>) -> Result<String, DeviceError> {
        let answer = self.ask(text, cx)?;
        let Some(marker) = self.marker.take() else { return Ok(answer) };
        let named = if !marker.asks_name(text) || marker.has_part(&answer) {
            Ok(answer)
        } else {
            match self.read_to(|line, whole| whole && marker.has_part(line), cx) {
                Err(DeviceError::Timeout) => Ok(answer),
                other => other,
            }
        };
        self.marker = Some(marker);
        named
    }

    fn confirmed(&mut self, text: &str, expected: &str, cx: &Cx<'_>) -> Result<Value, DeviceError> {
        let stale = self.owed;
        let mut answer = self.ask(text, cx)?;
        // Replies that are still owed to earlier questions come first; they confirm nothing.
        for _ in 0..stale {
            if answer.trim() == expected.trim() {
                break;
            }
            answer = self.read(cx)?;
        }
        if answer.trim() == expected.trim() {
            return Ok(Value::Text(answer));
        }
        Err(DeviceError::Refused(format!("answered `{}` where `{expected}` was awaited", shown(&answer))))
    }
}

impl Device for LineDevice {
    fn open(&mut self, cx: &Cx<'_>) -> Result<Identity, DeviceError> {
        if !self.link.is_connected() {
            self.owed = 0;
        }
        self.link.connect(cx)?;
        Ok(Identity(None))
    }

    fn perform(&mut self, step: &Step, cx: &Cx<'_>) -> Result<Option<Value>, DeviceError> {
        match step {
            Step::Send { text, answer: None, .. } => self.write(text, cx).map(|()| None),
            Step::Send { text, answer: Some(expected), .. } => self.confirmed(text, expected, cx).map(Some),
            Step::Query { text, .. } => {
                let answer = self.named(text, cx)?;
                if let Some(marker) = &mut self.marker {
                    marker.learn(text, &answer, self.owed == 0);
                }
                Ok(Some(Value::Text(answer)))
            }
            Step::Bytes(bytes) => self.link.write(bytes, cx).map(|()| None),
            other => {
                Err(DeviceError::Unsupported { driver: self.driver.to_owned(), step: other.to_string() })
            }
        }
    }

    fn resync(&mut self, cx: &Cx<'_>) -> Result<(), DeviceError> {
        self.bring_in_step(cx)
    }

    fn close(mut self: Box<Self>, cx: &Cx<'_>) -> Result<(), DeviceError> {
        self.link.close(cx)
    }
}

/// Where the first line ends, its terminator included.
fn line_end(terminator: Terminator, received: &[u8]) -> Option<usize> {
    let last = match terminator {
        Terminator::Cr => b'\r',
        Terminator::Lf | Terminator::Crlf => b'\n',
    };
    received.iter().position(|&byte| byte == last).map(|at| at + 1)
}

/// An answer short enough for a message.
fn shown(answer: &str) -> String {
    let mut text: String = answer.chars().take(80).collect();
    if text.len() < answer.len() {
        text.push('…');
    }
    text
}
