//! sinstruments: a gepace pressure controller and a cryocon temperature controller, both on TCP and on a pty.
//!
//! The server's debug log names every command in the order in which it was handled, whichever connection it
//! came by: the witness of order and number. A second TCP connection asks what the outputs are.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;

use super::Received;
use crate::place;
use crate::port::Port;
use crate::process::{Launch, Process};
use crate::wait::{LONG, until};

/// The server with both instruments.
pub struct Scpi {
    process: Process,
    pace: Port,
    cryocon: Port,
    dir: TempDir,
}

impl Scpi {
    /// Starts it, and awaits that both answer.
    #[must_use]
    pub fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (pace, cryocon) = (Port::free(), Port::free());
        let config = dir.path().join("sinst.yml");
        let at = dir.path().display();
        let text = format!(
            r#"devices:
- class: Pace
  name: pace
  transports:
  - {{type: tcp, url: "127.0.0.1:{}"}}
  - {{type: serial, url: "{at}/pace-tty"}}
- class: CryoCon
  name: cryocon
  transports:
  - {{type: tcp, url: "127.0.0.1:{}"}}
  - {{type: serial, url: "{at}/cryocon-tty"}}
"#,
            pace.number(),
            cryocon.number()
        );
        std::fs::write(&config, text).unwrap();
        let process = Launch::new(place::peer("sinstruments-server"))
            .arg("-c")
            .arg(&config)
            .arg("--log-level=debug")
            .dir(dir.path())
            .start();
        let peers = Self { process, pace, cryocon, dir };
        for port in [peers.pace(), peers.cryocon()] {
            until("a simulated instrument that answers *IDN?", LONG, || ask(port, "*IDN?"));
        }
        until("its ptys", LONG, || (peers.pace_pty().exists() && peers.cryocon_pty().exists()).then_some(()));
        peers
    }

    /// The pressure controller's TCP port: `*IDN?`, `:OUTP1:STAT 1`, `:OUTP1:STAT?` (`OUTP1:STAT 1`).
    #[must_use]
    pub const fn pace(&self) -> u16 {
        self.pace.number()
    }

    /// The temperature controller's TCP port: `*IDN?`, `CONTROL`, `STOP`, `CONTROL?` (`ON`).
    #[must_use]
    pub const fn cryocon(&self) -> u16 {
        self.cryocon.number()
    }

    /// The pressure controller's pty.
    #[must_use]
    pub fn pace_pty(&self) -> PathBuf {
        self.dir.path().join("pace-tty")
    }

    /// The temperature controller's pty.
    #[must_use]
    pub fn cryocon_pty(&self) -> PathBuf {
        self.dir.path().join("cryocon-tty")
    }

    /// Whether the pressure controller's output is on, asked from outside.
    ///
    /// # Panics
    /// When it does not answer, or with something else.
    #[must_use]
    #[track_caller]
    pub fn pace_is_on(&self) -> bool {
        match ask(self.pace(), ":OUTP1:STAT?").as_deref() {
            Some("OUTP1:STAT 1" | ":OUTP1:STAT 1") => true,
            Some("OUTP1:STAT 0" | ":OUTP1:STAT 0") => false,
            other => panic!("the pressure controller answered {other:?}"),
        }
    }

    /// Whether the temperature controller heats, asked from outside.
    ///
    /// # Panics
    /// As [`Self::pace_is_on`].
    #[must_use]
    #[track_caller]
    pub fn cryocon_is_on(&self) -> bool {
        match ask(self.cryocon(), "CONTROL?").as_deref() {
            Some("ON") => true,
            Some("OFF") => false,
            other => panic!("the temperature controller answered {other:?}"),
        }
    }

    /// The commands that the instruments have received so far, queries left out, in order.
    #[must_use]
    pub fn commands(&self) -> Vec<Received> {
        let all = self.process.output().lines().into_iter().filter_map(|line| {
            // 2026-11-22 03:30:00,123 DEBUG simulator.pace: request b':OUTP1:STAT 0\n'
            let (head, request) = line.text.split_once(": request b")?;
            let (logged, instrument) = (head.get(..23)?, head.rsplit_once("simulator.")?.1);
            let command = request.trim_matches(|quote| quote == '\'' || quote == '"');
            let command = command.replace("\\r", "").replace("\\n", "").trim().to_owned();
            Some(Received { logged: logged.to_owned(), instrument: instrument.to_owned(), command })
        });
        all.filter(|received| !received.command.is_empty() && !received.command.ends_with('?')).collect()
    }

    /// The server's process.
    #[must_use]
    pub const fn process(&self) -> &Process {
        &self.process
    }
}

/// Asks an instrument over a connection of its own; `None` when it does not answer within a moment.
#[must_use]
pub fn ask(port: u16, query: &str) -> Option<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    stream.write_all(format!("{query}\n").as_bytes()).ok()?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).ok()?;
    let answer = answer.trim().to_owned();
    (!answer.is_empty()).then_some(answer)
}
