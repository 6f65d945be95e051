//! A small client of the witness, for programs that run the simulator as a process of its own.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    thread,
    time::{Duration, Instant},
};

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    fault::Fault,
    snapshot::{InstrumentSnapshot, Snapshot},
};

/// A whole answer is read within this time, and is no longer than this.
const TIMEOUT: Duration = Duration::from_secs(5);
const LONGEST_ANSWER: u64 = 64 * 1024 * 1024;

/// The witness of a bench in another process.
#[derive(Debug, Clone)]
pub struct Witness {
    at: SocketAddr,
}

/// The witness does not answer, or not as expected.
#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    /// The URL is not one that a simulator prints.
    #[error("{0:?} is no witness's URL; expected http://127.0.0.1:PORT as the simulator prints it")]
    Url(String),
    /// Nobody answers: the simulator has ended.
    #[error("no answer from the witness; is the simulator still running?")]
    Unreachable {
        /// Why.
        #[from]
        source: io::Error,
    },
    /// It refused; the text says why.
    #[error("the witness refused ({status}): {body}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// Its explanation.
        body: String,
    },
    /// The answer is not understood: the simulator is of another version.
    #[error("the witness's answer is not understood; start the simulator of this version")]
    Answer {
        /// Why.
        source: serde_json::Error,
    },
    /// The awaited state did not come in time.
    #[error("the bench was not in the awaited state within {0:?}")]
    NotYet(Duration),
}

impl Witness {
    /// The witness at a URL that the simulator printed.
    ///
    /// # Errors
    /// [`WitnessError::Url`].
    pub fn at(url: &str) -> Result<Self, WitnessError> {
        let at = url.strip_prefix("http://").and_then(|rest| rest.trim_end_matches('/').parse().ok());
        at.map(|at| Self { at }).ok_or_else(|| WitnessError::Url(url.to_owned()))
    }

    /// Everything as it is now.
    ///
    /// # Errors
    /// [`WitnessError`].
    pub fn inspect(&self) -> Result<Snapshot, WitnessError> {
        self.get("/")
    }

    /// Everything as it is now, with the commands and changes after number `seq` only.
    ///
    /// # Errors
    /// [`WitnessError`].
    pub fn inspect_after(&self, seq: u64) -> Result<Snapshot, WitnessError> {
        self.get(&format!("/?after={seq}"))
    }

    /// One instrument as it is now.
    ///
    /// # Errors
    /// [`WitnessError`]; refused with 404 if there is none of that name.
    pub fn instrument(&self, name: &str) -> Result<InstrumentSnapshot, WitnessError> {
        self.get(&format!("/instruments/{name}"))
    }

    /// Adds a fault to an instrument.
    ///
    /// # Errors
    /// [`WitnessError`]; refused if there is no such instrument or the fault could never take effect.
    pub fn fault(&self, instrument: &str, fault: &Fault) -> Result<(), WitnessError> {
        self.exchange("POST", &format!("/faults/{instrument}"), Some(fault)).map(drop)
    }

    /// Clears all faults of an instrument.
    ///
    /// # Errors
    /// [`WitnessError`]; refused if there is no such instrument.
    pub fn clear_faults(&self, instrument: &str) -> Result<(), WitnessError> {
        self.exchange("DELETE", &format!("/faults/{instrument}"), None::<&Fault>).map(drop)
    }

    /// Waits until the bench is in a state, and gives that state.
    ///
    /// # Errors
    /// [`WitnessError::NotYet`], or the witness is gone.
    pub fn wait_until(
        &self,
        mut state: impl FnMut(&Snapshot) -> bool,
        within: Duration,
    ) -> Result<Snapshot, WitnessError> {
        let deadline = Instant::now() + within;
        loop {
            let snapshot = self.inspect()?;
            if state(&snapshot) {
                return Ok(snapshot);
            }
            if Instant::now() >= deadline {
                return Err(WitnessError::NotYet(within));
            }
            thread::park_timeout(Duration::from_millis(10));
        }
    }

    fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, WitnessError> {
        let body = self.exchange("GET", path, None::<&Fault>)?;
        serde_json::from_slice(&body).map_err(|source| WitnessError::Answer { source })
    }

    /// One request on a connection of its own; HTTP/1.0, so that the answer is what comes until its end.
    fn exchange(
        &self,
        method: &str,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<Vec<u8>, WitnessError> {
        let body = match body {
            Some(body) => serde_json::to_vec(body).map_err(|source| WitnessError::Answer { source })?,
            None => Vec::new(),
        };
        let mut stream = TcpStream::connect_timeout(&self.at, TIMEOUT)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        let head = format!(
            "{method} {path} HTTP/1.0\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            self.at,
            body.len()
        );
        stream.write_all(head.as_bytes())?;
        stream.write_all(&body)?;
        let mut answer = Vec::new();
        stream.take(LONGEST_ANSWER).read_to_end(&mut answer)?;
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
        let head = end.and_then(|end| std::str::from_utf8(&answer[..end]).ok());
        let status =
            head.and_then(|head| head.split(' ').nth(1)).and_then(|status| status.parse::<u16>().ok());
        let (Some(end), Some(status)) = (end, status) else {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        };
        let body = answer.split_off(end + 4);
        if status >= 300 {
            return Err(WitnessError::Refused { status, body: String::from_utf8_lossy(&body).into_owned() });
        }
        Ok(body)
    }
}
