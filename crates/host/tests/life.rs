//! The life of a rig through the library: real sockets, simulated instruments whose own record decides.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use killcord::{
    Attachment, Cause, FrameReceiver, Host, Options, Registry, Rig, Role, SessionKind, Status,
    core::Epoch,
    wire::{RigState, ToHost, ToPage},
};
use killcord_sim::{Config, Fault, FaultKind, Running, Sim};
use tempfile::TempDir;

/// Generous: the machine may be busy with something else.
const SOON: Duration = Duration::from_secs(30);

const BENCH: &str = r#"
[[instrument]]
name = "psu"
kind = "supply"
listen = "tcp://127.0.0.1:0"

[[instrument]]
name = "load"
kind = "load"
listen = "tcp://127.0.0.1:0"
"#;

/// A host over a simulated bench.
struct Bench {
    sim: Running,
    host: Host,
    dir: TempDir,
}

fn rig_text(sim: &Running, expire_after: &str) -> String {
    let addresses = sim.addresses();
    format!(
        r#"
[rig]
name = "Test bench"
deadline = "10s"

[safety]
watchdog = "off"      # a process of its own: tests/ has it

[session]
expire_after = "{expire_after}"

[[device]]
name = "psu"
driver = "scpi"
connect = "{psu}"
id = "*IDN?"
sync = "*OPC?"
errors = "SYST:ERR?"
timeout = "500ms"
budget = "5s"
arm = ["VOLT 12", "OUTP ON"]
safe = ["OUTP OFF"]
verify = [{{ query = "OUTP?", equals = false }}]
release = ["SYST:LOC"]

[[device.reading]]
name = "voltage"
query = "MEAS:VOLT?"
every = "50ms"
unit = "V"
limits = {{ max = 13.0, on = "safe", while = "armed" }}

[[device.control]]
name = "setpoint"
kind = "number"
send = "VOLT {{}}"
query = "VOLT?"
min = 0
max = 20
unit = "V"

[[device]]
name = "load"
driver = "scpi"
connect = "{load}"
safe_after = ["psu"]
timeout = "500ms"
budget = "2500ms"
arm = ["INP ON"]
safe = ["INP OFF"]
verify = [{{ query = "INP?", equals = false }}]
"#,
        psu = addresses["psu"].connect(),
        load = addresses["load"].connect(),
    )
}

fn rig(text: &str) -> Rig {
    let file = killcord_rig::RigFile::parse("rig.toml", text.as_bytes()).unwrap();
    file.check(&Registry::default().specs()).map_err(|problems| panic!("{problems}")).unwrap().0
}

impl Bench {
    /// Its sessions live on while a test looks elsewhere.
    fn start() -> Self {
        Self::expiring("60s")
    }

    fn expiring(after: &str) -> Self {
        let sim = Sim::start(Config::parse(BENCH, "bench.toml").unwrap()).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let host = Self::host(&sim, &dir, after);
        Self { sim, host, dir }
    }

    fn options(dir: &TempDir) -> Options {
        let mut options = Options::new(dir.path().join("rig.toml")).state_dir(Some(dir.path().join("state")));
        options.runtime_dir = dir.path().join("run");
        options
    }

    fn host(sim: &Running, dir: &TempDir, expire_after: &str) -> Host {
        Host::start(rig(&rig_text(sim, expire_after)), Self::options(dir)).unwrap()
    }

    fn gui(&self) -> Gui {
        let (attachment, frames) = self.host.attach(SessionKind::Window);
        attachment.frame(ToHost::Hello { v: 1, resume: None, nonce: "n".into(), want: Role::Operator });
        let mut gui = Gui { attachment: Arc::new(attachment), frames, epoch: None };
        gui.until(|frame| matches!(frame, ToPage::Welcome { .. }));
        gui
    }

    fn wait_for(&self, state: RigState) {
        let until = Instant::now() + SOON;
        while self.host.view().state != state {
            assert!(Instant::now() < until, "the rig is {:?}, not {state:?}", self.host.view().state);
            std::thread::yield_now();
        }
    }

    fn armed(&self) -> Gui {
        let mut gui = self.gui();
        self.wait_for(RigState::Safe);
        gui.arm("first").unwrap();
        self.wait_for(RigState::Armed);
        assert_eq!(self.sim.inspect().energised("psu"), Some(true));
        gui
    }
}

/// One attached window.
struct Gui {
    attachment: Arc<Attachment>,
    frames: FrameReceiver,
    epoch: Option<Epoch>,
}

impl Gui {
    /// Reads frames until one is as wanted. A window's lease is renewed with each.
    fn until(&mut self, wanted: impl Fn(&ToPage) -> bool) -> ToPage {
        loop {
            let frame = self.frames.blocking_recv().expect("the session has ended");
            self.attachment.renew();
            if let ToPage::Welcome { epoch, .. } | ToPage::Control { epoch, .. } = &*frame {
                self.epoch = Some(*epoch);
            }
            if wanted(&frame) {
                return Arc::unwrap_or_clone(frame);
            }
        }
    }

    /// Everything that waits is read, so that the epoch is the present one.
    fn catch_up(&mut self) {
        while let Some(frame) = self.frames.try_recv() {
            if let ToPage::Welcome { epoch, .. } | ToPage::Control { epoch, .. } = &*frame {
                self.epoch = Some(*epoch);
            }
        }
    }

    fn answer(&mut self, id: &str) -> Result<(), String> {
        let frame = self.until(|frame| match frame {
            ToPage::Done { id: done } => done == id,
            ToPage::Error { id: Some(failed), .. } => failed == id,
            _ => false,
        });
        match frame {
            ToPage::Error { message, .. } => Err(message),
            _ => Ok(()),
        }
    }

    fn arm(&mut self, id: &str) -> Result<(), String> {
        self.catch_up();
        self.attachment.frame(ToHost::Arm { epoch: self.epoch.unwrap(), id: id.into() });
        self.answer(id)
    }
}

#[test]
fn a_rig_is_armed_and_shut_down_in_order_once_and_on_record() {
    let bench = Bench::start();
    let _gui = bench.armed();
    let seen = bench.sim.inspect().commands.len();
    let outcome = bench.host.shutdown(Cause::WindowClosed).wait(SOON).unwrap();
    assert_eq!(outcome.exit, 0, "{:#?}", outcome.report);
    let snapshot = bench.sim.inspect();
    assert_eq!((snapshot.energised("psu"), snapshot.energised("load")), (Some(false), Some(false)));
    let sent: Vec<&str> = snapshot.commands[seen..].iter().map(|command| command.text.as_str()).collect();
    let count = |text: &str| sent.iter().filter(|sent| **sent == text).count();
    assert_eq!((count("OUTP OFF"), count("INP OFF"), count("SYST:LOC")), (1, 1, 1), "{sent:?}");
    let at = |text: &str| sent.iter().position(|sent| *sent == text).unwrap();
    assert!(at("OUTP OFF") < at("INP OFF"), "the supply goes first: {sent:?}");
    assert!(at("INP OFF") < at("SYST:LOC"), "nothing is handed back before all is safe: {sent:?}");
    let reader = killcord::journal::Reader::open(&Bench::options(&bench.dir).rig_dir()).unwrap();
    assert_eq!(reader.runs(1).unwrap()[0].exit, Some(0));
    let teardowns = reader.teardowns(1).unwrap();
    assert_eq!((teardowns[0].cause.as_str(), teardowns[0].confirmed), ("window_closed", true));
}

#[test]
fn every_caller_gets_the_same_report_however_many_causes_come() {
    let bench = Bench::start();
    let _gui = bench.armed();
    let endings: Vec<_> = (0..50)
        .map(|n| match n % 3 {
            0 => bench.host.shutdown(Cause::Signal { signal: 15 }),
            1 => bench.host.safe_stop(),
            _ => bench.host.shutdown(Cause::WindowClosed),
        })
        .collect();
    let first = endings[0].wait(SOON).unwrap();
    for ending in endings {
        let outcome = ending.wait(SOON).unwrap();
        assert_eq!(outcome.exit, 0);
    }
    assert_eq!(first.report.causes[0].1, Cause::Signal { signal: 15 });
    assert!(first.report.causes.len() >= 50, "later causes are recorded: {}", first.report.causes.len());
}

#[test]
fn one_device_that_refuses_is_named_and_the_others_are_safe() {
    let bench = Bench::start();
    let _gui = bench.armed();
    bench.sim.fault("psu", Fault::new(FaultKind::Stuck)).unwrap();
    let outcome = bench.host.shutdown(Cause::WindowClosed).wait(SOON).unwrap();
    assert_eq!(outcome.exit, 4);
    assert_eq!(outcome.report.devices[0].status, Status::Failed, "{:#?}", outcome.report.devices[0]);
    assert_eq!(outcome.report.devices[1].status, Status::SafeVerified);
    assert!(outcome.summary()[0].starts_with("psu: NOT confirmed safe"), "{:?}", outcome.summary());
    assert_eq!(bench.sim.inspect().energised("load"), Some(false));
}

#[test]
fn a_device_that_goes_away_while_armed_makes_the_others_safe() {
    let bench = Bench::start();
    let _gui = bench.armed();
    bench.sim.fault("load", Fault::new(FaultKind::Unplugged)).unwrap();
    bench.sim.wait_until(|snapshot| snapshot.energised("psu") == Some(false), SOON).unwrap();
    bench.wait_for(RigState::NotSafe);
    // Found again, it is made safe, and nothing arms by itself.
    bench.sim.clear_faults("load").unwrap();
    bench.wait_for(RigState::Safe);
    assert_eq!(bench.sim.inspect().energised("load"), Some(false));
    assert_eq!(bench.host.shutdown(Cause::Requested).wait(SOON).unwrap().exit, 0);
}

#[test]
fn a_reading_outside_its_limits_trips_and_stays_tripped_until_a_person_acknowledges() {
    let bench = Bench::start();
    let mut gui = bench.armed();
    let (epoch, id) = (gui.epoch.unwrap(), "set".to_owned());
    let (device, control, value) =
        ("psu".into(), "setpoint".into(), killcord::core::Value::Number(15.0.into()));
    gui.attachment.frame(ToHost::Set { epoch, id, device, control, value });
    bench.sim.wait_until(|snapshot| snapshot.energised("psu") == Some(false), SOON).unwrap();
    bench.wait_for(RigState::Safe);
    let trip = bench.host.view().trip.clone().unwrap();
    assert!(trip.text.contains("above 13 V"), "{}", trip.text);
    assert!(gui.arm("again").unwrap_err().contains("acknowledge"));
    gui.catch_up();
    gui.attachment.frame(ToHost::Acknowledge { epoch: gui.epoch.unwrap() });
    gui.until(|frame| matches!(frame, ToPage::Rig { patch } if patch.trip == Some(None)));
    assert_eq!(bench.host.shutdown(Cause::Requested).wait(SOON).unwrap().exit, 0);
}

#[test]
fn a_window_that_is_not_renewed_any_more_loses_its_lease_and_the_rig_is_released() {
    let bench = Bench::expiring("3s");
    let gui = bench.armed();
    drop(gui);
    bench.sim.wait_until(|snapshot| snapshot.energised("psu") == Some(false), SOON).unwrap();
    bench.wait_for(RigState::Released);
    let _again = bench.gui();
    bench.wait_for(RigState::Safe);
    assert_eq!(bench.host.shutdown(Cause::Requested).wait(SOON).unwrap().exit, 0);
}

#[test]
fn a_window_whose_page_reads_nothing_keeps_its_session_and_is_told_by_the_end_of_its_frames() {
    let bench = Bench::expiring("3s");
    let mut gui = bench.armed();
    // Far more is said to it than waits for anybody.
    for n in 0..2000 {
        gui.attachment.frame(ToHost::Arm { epoch: gui.epoch.unwrap(), id: n.to_string() });
    }
    // Its window is there, and says so: two leases later the bench is as it was.
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(6) {
        gui.attachment.renew();
        assert_eq!(bench.host.view().state, RigState::Armed);
        std::thread::yield_now();
    }
    while gui.frames.blocking_recv().is_some() {}
    assert_eq!(bench.host.shutdown(Cause::Requested).wait(SOON).unwrap().exit, 0);
}

#[test]
fn a_second_host_is_refused_with_the_holder_and_the_lock_is_free_after_the_end() {
    let bench = Bench::start();
    let second = Host::start(rig(&rig_text(&bench.sim, "60s")), Bench::options(&bench.dir));
    let error = second.unwrap_err().to_string();
    assert!(error.contains(&std::process::id().to_string()), "{error}");
    assert_eq!(bench.host.shutdown(Cause::Requested).wait(SOON).unwrap().exit, 0);
    let again = Bench::host(&bench.sim, &bench.dir, "60s");
    assert_eq!(again.shutdown(Cause::Requested).wait(SOON).unwrap().exit, 0);
}

#[test]
fn the_last_handle_dropped_is_a_cause_too() {
    let bench = Bench::start();
    let gui = bench.armed();
    let ended = bench.host.ended();
    let Bench { sim, host, dir: _dir } = bench;
    drop(host);
    assert_eq!(ended.wait(SOON).unwrap().report.causes[0].1, Cause::HandleDropped);
    assert_eq!(sim.inspect().energised("psu"), Some(false));
    drop(gui);
}

#[test]
fn the_local_door_shuts_a_rig_down_and_says_how_it_went() {
    let bench = Bench::start();
    let _gui = bench.armed();
    let door = Bench::options(&bench.dir).door();
    let reply = killcord::door::call(&door, killcord::door::Request::Shutdown, SOON).unwrap();
    assert!(matches!(reply, killcord::door::Reply::Done { exit: 0, .. }), "{reply:?}");
    assert_eq!(bench.sim.inspect().energised("psu"), Some(false));
}

#[test]
fn a_state_folder_that_cannot_be_written_delays_nothing_and_is_said_in_the_report() {
    let sim = Sim::start(Config::parse(BENCH, "bench.toml").unwrap()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("state"), "a file where a folder should be").unwrap();
    let bench = Bench { host: Bench::host(&sim, &dir, "60s"), sim, dir };
    let _gui = bench.armed();
    assert!(bench.host.view().notices[0].contains("not recorded"), "{:?}", bench.host.view().notices);
    let outcome = bench.host.shutdown(Cause::WindowClosed).wait(SOON).unwrap();
    assert_eq!(outcome.exit, 0);
    assert!(outcome.report.notes[0].contains("no record"), "{:?}", outcome.report.notes);
    assert_eq!(bench.sim.inspect().energised("psu"), Some(false));
}
