//! A folder below `examples/` whose rig wraps an app: its very files on a machine of the test's own, but for their
//! ports, and its supply simulated in this process.

use std::path::PathBuf;
use std::time::Duration;

use killcord_sim::{Config, Running, Sim};

use crate::page::{Browser, link};
use crate::place;
use crate::port::Port;
use crate::process::Process;
use crate::station::Station;
use crate::wait::LONG;
use crate::wrapped::await_app;

/// The example.
pub struct Example {
    /// The machine.
    pub station: Station,
    /// The rig file.
    pub rig: PathBuf,
    sim: Running,
    _port: Port,
}

impl Example {
    /// The example of this name, with changes to its rig file: each text stands in it once, and is replaced. `more`
    /// is put behind its app.
    ///
    /// # Panics
    /// When it does not hold what is replaced.
    #[must_use]
    #[track_caller]
    pub fn of(name: &str, changes: &[(&str, &str)], more: &str) -> Self {
        let folder = place::root().join("examples").join(name);
        let read = |file: &str| std::fs::read_to_string(folder.join(file)).unwrap();
        // Its simulator's own ports may be somebody else's.
        let bench = replaced(&read("bench.toml"), "tcp://127.0.0.1:15025", "tcp://127.0.0.1:0");
        let bench = replaced(&bench, "witness = \"127.0.0.1:15080\"", "");
        let sim = Sim::start(Config::parse(&bench, "bench.toml").unwrap()).unwrap();
        let connect = sim.addresses()["psu"].connect().to_string();
        let (_, supply) = connect.rsplit_once(':').unwrap();
        let (station, port) = (Station::new(), Port::free());
        let app = replaced(&read("app.py"), "15025", supply) + more;
        std::fs::write(station.path("app.py"), app).unwrap();
        let mut rig = replaced(&read("rig.toml"), "tcp://127.0.0.1:15025", &connect);
        let own = format!("listen = \"127.0.0.1:{}\"\napp_listen = \"127.0.0.1:0\"", port.number());
        rig = replaced(&rig, "listen = \"127.0.0.1:8420\"", &own);
        // An interpreter takes its time on a loaded machine.
        rig = replaced(&rig, "[app]\n", "[app]\nready_within = \"90s\"\n");
        for (from, to) in changes {
            rig = replaced(&rig, from, to);
        }
        let rig = station.rig(&rig);
        Self { station, rig, sim, _port: port }
    }

    /// A host whose app answers, and a browser that is let in.
    #[must_use]
    #[track_caller]
    pub fn ready(&self) -> (Process, Browser) {
        let peers = place::peer("python").parent().unwrap().to_owned();
        let path = format!("{}:{}", peers.display(), std::env::var("PATH").unwrap_or_default());
        let serve = self.station.killcord(["serve"]).arg(&self.rig).env("PATH", path).start();
        let browser = Browser::pair(&link(&serve));
        await_app(&self.station, "ready");
        (serve, browser)
    }

    /// Whether the supply's output is on, by its own record.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.sim.inspect().energised("psu").unwrap()
    }

    /// Until the supply's output is so.
    ///
    /// # Panics
    /// When it does not become so.
    #[track_caller]
    pub fn until(&self, on: bool, within: Duration) {
        if let Err(error) = self.sim.wait_until(|bench| bench.energised("psu") == Some(on), within) {
            panic!("{error}");
        }
    }

    /// Until the supply has been told this.
    ///
    /// # Panics
    /// When it is not.
    #[track_caller]
    pub fn until_told(&self, command: &str) {
        let told = |bench: &killcord_sim::Snapshot| bench.commands.iter().any(|it| it.text.contains(command));
        if let Err(error) = self.sim.wait_until(told, LONG) {
            panic!("{error}");
        }
    }
}

#[track_caller]
fn replaced(text: &str, from: &str, to: &str) -> String {
    assert_eq!(text.matches(from).count(), 1, "`{from}` stands not once in it");
    text.replace(from, to)
}
