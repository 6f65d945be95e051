//! A transport that plays a part: what has to be written, and what is answered.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{Cx, DeviceError, MessageEnd, Transport};

/// One entry of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exchange {
    /// These bytes have to be written next.
    Write(Vec<u8>),
    /// These bytes come in.
    Reply(Vec<u8>),
    /// Nothing comes in until the reader's deadline: it times out.
    Silence,
    /// The other side closes the connection.
    HangUp,
}

#[derive(Debug, Default)]
struct Play {
    left: VecDeque<Exchange>,
    received: Vec<u8>,
    connected: bool,
    connections: u32,
    /// The first thing that went otherwise than written.
    fault: Option<String>,
}

/// A scripted transport. Clones are the same one, so that a test keeps one in its hand while the driver has
/// the other; [`Script::finish`] says whether all went as written.
///
/// Time does not pass in it: a silence is over at once.
///
/// ```
/// use killcord_device::{Cancel, Cx, SystemClock, Transport, testing::Script};
/// # use killcord_device::Clock;
/// let script = Script::new().expects("VOLT?\n").replies("12.0\n");
/// let mut link = script.clone();
/// let clock = SystemClock;
/// let cancel = Cancel::never();
/// let cx = Cx { deadline: clock.now() + std::time::Duration::from_secs(1), cancel: &cancel, clock: &clock };
/// link.connect(&cx)?;
/// link.write(b"VOLT?\n", &cx)?;
/// let line = link.read_until(&mut |bytes| bytes.iter().position(|b| *b == b'\n').map(|at| at + 1), &cx)?;
/// assert_eq!(line, b"12.0\n");
/// script.finish();
/// # Ok::<(), killcord_device::DeviceError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Script(Arc<Mutex<Play>>);

impl Script {
    /// An empty one: nothing may be written, and nothing comes in.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Next, these bytes have to be written, by as many writes as it takes.
    #[must_use]
    pub fn expects(self, bytes: impl AsRef<[u8]>) -> Self {
        self.then(Exchange::Write(bytes.as_ref().to_vec()))
    }

    /// Then these bytes come in.
    #[must_use]
    pub fn replies(self, bytes: impl AsRef<[u8]>) -> Self {
        self.then(Exchange::Reply(bytes.as_ref().to_vec()))
    }

    /// Then nothing comes in: the reader times out.
    #[must_use]
    pub fn stays_silent(self) -> Self {
        self.then(Exchange::Silence)
    }

    /// Then the other side closes the connection.
    #[must_use]
    pub fn hangs_up(self) -> Self {
        self.then(Exchange::HangUp)
    }

    fn then(self, next: Exchange) -> Self {
        self.play().left.push_back(next);
        self
    }

    /// How often it was connected.
    #[must_use]
    pub fn connections(&self) -> u32 {
        self.play().connections
    }

    /// Ends the test.
    ///
    /// # Panics
    /// When something was written that the script does not have, or something of the script is left.
    #[track_caller]
    pub fn finish(&self) {
        let play = self.play();
        assert!(play.fault.is_none(), "the script was left: {}", play.fault.as_deref().unwrap_or_default());
        assert!(play.left.is_empty(), "the script was not played to its end; left: {:?}", play.left);
    }

    fn play(&self) -> MutexGuard<'_, Play> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Play {
    fn left_the_script(&mut self, why: String) -> DeviceError {
        self.fault.get_or_insert(why.clone());
        DeviceError::Driver(why)
    }

    fn not_connected() -> DeviceError {
        DeviceError::NotConnected { target: String::from("the script") }
    }
}

impl Transport for Script {
    fn connect(&mut self, _: &Cx<'_>) -> Result<(), DeviceError> {
        let mut play = self.play();
        if !play.connected {
            play.connected = true;
            play.connections += 1;
            play.received.clear();
        }
        Ok(())
    }

    fn is_connected(&self) -> bool {
        self.play().connected
    }

    fn write(&mut self, bytes: &[u8], cx: &Cx<'_>) -> Result<(), DeviceError> {
        cx.may_write()?;
        let mut play = self.play();
        if !play.connected {
            return Err(Play::not_connected());
        }
        // A reply that nobody has read before the next write comes in all the same.
        while let Some(Exchange::Reply(reply)) = play.left.front().cloned() {
            play.received.extend(reply);
            play.left.pop_front();
        }
        let written = String::from_utf8_lossy(bytes).into_owned();
        match play.left.pop_front() {
            Some(Exchange::Write(expected)) if expected.starts_with(bytes) => {
                if let Some(rest) = expected.get(bytes.len()..).filter(|rest| !rest.is_empty()) {
                    play.left.push_front(Exchange::Write(rest.to_vec()));
                }
                cx.has_written();
                Ok(())
            }
            Some(other) => {
                let why = format!("{written:?} ({bytes:02x?}) was written where {other:02x?} was due");
                Err(play.left_the_script(why))
            }
            None => {
                Err(play.left_the_script(format!("{written:?} ({bytes:02x?}) was written after its end")))
            }
        }
    }

    fn read_until(&mut self, end: MessageEnd<'_>, _: &Cx<'_>) -> Result<Vec<u8>, DeviceError> {
        let mut play = self.play();
        loop {
            if !play.connected {
                return Err(Play::not_connected());
            }
            if let Some(count) = end(&play.received) {
                let count = count.min(play.received.len());
                let rest = play.received.split_off(count);
                return Ok(std::mem::replace(&mut play.received, rest));
            }
            match play.left.front().cloned() {
                Some(Exchange::Reply(reply)) => {
                    play.left.pop_front();
                    play.received.extend(reply);
                }
                Some(Exchange::Silence) => {
                    play.left.pop_front();
                    return Err(DeviceError::Timeout);
                }
                Some(Exchange::HangUp) => {
                    play.left.pop_front();
                    play.connected = false;
                    return Err(DeviceError::Closed { target: String::from("the script") });
                }
                Some(Exchange::Write(_)) | None => return Err(DeviceError::Timeout),
            }
        }
    }

    fn discard(&mut self) -> Result<(), DeviceError> {
        self.play().received.clear();
        Ok(())
    }

    fn disconnect(&mut self) {
        self.play().connected = false;
    }

    fn close(&mut self, _: &Cx<'_>) -> Result<(), DeviceError> {
        self.play().connected = false;
        Ok(())
    }
}
