//! lewis' thermal bath: a line protocol (`\r` in, `\r\n` out), and a second port by which the test looks at
//! the bath and cuts its link.

use crate::place;
use crate::port::Port;
use crate::process::{Launch, Process};
use crate::wait::{LONG, SOON, until};

/// The bath.
pub struct Julabo {
    process: Process,
    port: Port,
    control: Port,
}

impl Julabo {
    /// Starts it, and awaits that it answers on both ports.
    #[must_use]
    pub fn start() -> Self {
        let (port, control) = (Port::free(), Port::free());
        let interface = format!("julabo-version-1: {{bind_address: 127.0.0.1, port: {}}}", port.number());
        let process = Launch::new(place::peer("lewis"))
            .args(["julabo", "-p", &interface, "-r"])
            .arg(format!("127.0.0.1:{}", control.number()))
            .start();
        let bath = Self { process, port, control };
        until("the bath's control port", LONG, || {
            std::net::TcpStream::connect(("127.0.0.1", bath.control.number())).ok()
        });
        until("the bath's own port", LONG, || std::net::TcpStream::connect(("127.0.0.1", bath.port())).ok());
        bath
    }

    /// Its TCP port: `VERSION`, `OUT_MODE_05 1`, `IN_MODE_05` (`1`), ended by `\r`.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port.number()
    }

    /// Its part of a rig file, `bath`, with more of its keys.
    #[must_use]
    pub fn device(&self, more: &str) -> String {
        format!(
            r#"
[[device]]
name = "bath"
label = "Thermal bath"
driver = "line"
connect = "tcp://127.0.0.1:{}?term=cr"
id = "VERSION"
timeout = "500ms"
# It acknowledges with an empty line, which has to be in before the next question.
arm = ["OUT_MODE_05 1", {{ wait = "200ms" }}]
safe = ["OUT_MODE_05 0", {{ wait = "200ms" }}]
emergency = ["OUT_MODE_05 0", {{ wait = "200ms" }}]
verify = [{{ query = "IN_MODE_05", equals = false }}]
{more}
"#,
            self.port()
        )
    }

    /// Whether its pump runs, asked from outside.
    ///
    /// # Panics
    /// When the simulator does not tell.
    #[must_use]
    #[track_caller]
    pub fn is_circulating(&self) -> bool {
        let said = self.control(&["device", "is_circulating"]);
        match said.trim() {
            "1" | "True" => true,
            "0" | "False" => false,
            other => panic!("the bath's control port said {other:?}"),
        }
    }

    /// Cuts its link: it no longer answers, nor takes a connection.
    #[track_caller]
    pub fn cut(&self) {
        self.control(&["interface", "disconnect"]);
    }

    /// Restores its link.
    #[track_caller]
    pub fn restore(&self) {
        self.control(&["interface", "connect"]);
    }

    #[track_caller]
    fn control(&self, words: &[&str]) -> String {
        let ended = Launch::new(place::peer("lewis-control"))
            .arg("-r")
            .arg(format!("127.0.0.1:{}", self.control.number()))
            .args(words)
            .run(SOON);
        assert!(ended.status.success(), "lewis-control {words:?}: {}", ended.stderr);
        ended.stdout
    }

    /// The simulator's process.
    #[must_use]
    pub const fn process(&self) -> &Process {
        &self.process
    }
}
