//! `killcord serve` with `[remote]`: pages come and go, networks are cut, hosts end and come back.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::PathBuf;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use killcord::wire::ToPage;
use killcord_tests::door;
use killcord_tests::instrument::Instrument;
use killcord_tests::journal::Journal;
use killcord_tests::page::{Browser, Page, link};
use killcord_tests::port::Port;
use killcord_tests::process::Process;
use killcord_tests::rigs;
use killcord_tests::station::Station;
use killcord_tests::wait::{LONG, SOON, let_pass, until_true};
use rustix::process::Signal;

struct Served {
    instrument: Instrument,
    station: Station,
    rig: PathBuf,
    _port: Port,
}

impl Served {
    /// `session` are the lines of `[session]`.
    fn new(session: &str) -> Self {
        let (instrument, station, port) = (Instrument::start(), Station::new(), Port::free());
        let head = rigs::head("5s", "on_last_session = \"safe\"");
        let remote = format!("[session]\n{session}\n[remote]\nlisten = \"127.0.0.1:{}\"\n", port.number());
        let rig = station.rig(&(head + &remote + &rigs::switch("psu", &instrument)));
        Self { instrument, station, rig, _port: port }
    }

    fn serve(&self, more: &[&str]) -> Process {
        self.station.killcord(["serve"]).args(more.iter().copied()).arg(&self.rig).start()
    }

    /// A host that is armed by its first page.
    fn armed(&self) -> (Process, Browser, Page) {
        let serve = self.serve(&["--arm"]);
        let browser = Browser::pair(&link(&serve));
        let page = browser.open();
        until_true("the supply to be on", LONG, || self.is("ON"));
        (serve, browser, page)
    }

    fn is(&self, output: &str) -> bool {
        self.instrument.value("OUTP").as_deref() == Some(output)
    }

    fn until_off(&self) {
        until_true("the supply to be off", SOON, || self.is("OFF"));
    }
}

/// Nobody's lease or grace is over while a test looks elsewhere.
const PATIENT: &str = "expire_after = \"60s\"\nreload_grace = \"60s\"";

#[test]
fn a_closed_page_makes_the_rig_safe_at_once() {
    let served = Served::new(PATIENT);
    let (_serve, browser, page) = served.armed();
    browser.bye(&page, false);
    served.until_off();
}

#[test]
fn a_reloaded_page_leaves_the_hardware_untouched() {
    let served = Served::new(PATIENT);
    let (_serve, browser, mut page) = served.armed();
    for n in 0..10 {
        let nonce = browser.document();
        browser.bye(&page, false);
        page = browser.hello(&nonce, Some(&page.token));
        assert!(page.resumed);
        page.beat(n);
    }
    assert!(served.is("ON"));
}

#[test]
fn a_page_that_falls_silent_is_gone_after_its_lease_and_not_before() {
    let served = Served::new("beat = \"300ms\"\nexpire_after = \"2s\"");
    let (_serve, _browser, mut page) = served.armed();
    let said = Instant::now();
    page.beat(1);
    page.cut();
    served.until_off();
    assert!(said.elapsed().as_millis() >= 2000, "{:?}", said.elapsed());
}

#[test]
fn a_page_whose_network_was_cut_goes_on_where_it_was() {
    let served = Served::new(PATIENT);
    let (_serve, browser, page) = served.armed();
    page.cut();
    let mut back = browser.hello(&page.nonce, Some(&page.token));
    assert!(back.resumed && back.session == page.session);
    back.beat(1);
    assert!(served.is("ON"));
}

#[test]
fn a_page_sees_the_end_of_its_host_to_the_last() {
    let served = Served::new(PATIENT);
    let (mut serve, _browser, mut page) = served.armed();
    serve.signal(Signal::TERM);
    page.until(|frame| matches!(frame, ToPage::Teardown { done: true, .. })).unwrap();
    page.until(|frame| matches!(frame, ToPage::Ended { .. })).unwrap();
    assert_eq!(page.until(|_| false).unwrap_err(), 4008, "host_stopping");
    let status = serve.wait(SOON);
    assert_eq!(status.code(), Some(0), "{status}: {}", serve.output().all());
    assert!(served.is("OFF"));
    assert_eq!(Journal::read(&served.station, &served.rig).status("psu"), "safe_verified");
}

#[test]
fn a_page_finds_back_to_the_next_host_and_that_one_stays_safe() {
    let served = Served::new(PATIENT);
    let (mut serve, browser, page) = served.armed();
    serve.signal(Signal::KILL);
    serve.wait(SOON);
    served.until_off();
    assert!(served.is("OFF"), "the watchdog's work");
    let again = served.serve(&["--arm"]);
    link(&again);
    let mut back = browser.hello(&page.nonce, Some(&page.token));
    assert!(!back.resumed);
    back.beat(1);
    assert!(served.is("OFF"), "nothing re-arms by itself");
}

#[test]
fn a_port_in_use_is_told_before_any_device_is_touched() {
    let served = Served::new(PATIENT);
    let serve = served.serve(&[]);
    link(&serve);
    let other = Station::new();
    let rig = other.rig(&std::fs::read_to_string(&served.rig).unwrap());
    let ended = other.killcord(["serve"]).arg(&rig).run(SOON);
    assert_eq!(ended.code(), Some(3), "{}", ended.stderr);
    assert!(ended.stderr.contains("is in use by another program"), "{}", ended.stderr);
}

/// Longer than six leases.
const BLOCKS: Duration = Duration::from_secs(30);

/// A bench with an instrument that answers nothing, so that its driver waits, and an arming that takes half a minute,
/// so that the request for it does.
fn blocking() -> (Served, Instrument) {
    let (mute, served) = (Instrument::start(), Served::new("beat = \"500ms\"\nexpire_after = \"5s\""));
    mute.mute(true);
    let rig = std::fs::read_to_string(&served.rig).unwrap();
    let rig = rig.replace("deadline = \"5s\"", "deadline = \"90s\"");
    let rig = rig.replace("arm = [\"OUTP ON\"]", "arm = [\"OUTP ON\", { wait = \"30s\" }]");
    let meter = format!(
        "\n[[device]]\nname = \"meter\"\ndriver = \"scpi\"\nconnect = \"tcp://127.0.0.1:{}\"\ntimeout = \"60s\"\n\
         [[device.reading]]\nname = \"level\"\nquery = \"LEVEL?\"\nevery = \"100ms\"\n",
        mute.port()
    );
    std::fs::write(&served.rig, rig + &meter).unwrap();
    (served, mute)
}

#[test]
fn a_bench_that_is_opened_behind_a_slow_release_has_its_whole_deadline_again() {
    let served = Served::new("expire_after = \"60s\"");
    let rig = std::fs::read_to_string(&served.rig).unwrap();
    let slow = "\n[[device]]\nname = \"valve\"\ndriver = \"exec\"\nbudget = \"4200ms\"\nverify = \"none\"\n\
                safe = [{ run = [\"sleep\", \"3.6\"], timeout = \"4s\" }]\n\
                emergency = [{ run = [\"true\"], timeout = \"500ms\" }]\n";
    std::fs::write(&served.rig, rig.replace("deadline = \"5s\"", "deadline = \"6s\"") + slow).unwrap();
    let serve = served.serve(&[]);
    let browser = Browser::pair(&link(&serve));
    let _page = browser.open();
    door::await_watchdog(&served.station);
    door::await_state(&served.station, "safe");
    // Each takes more than half of its time. The page is there: what is handed back is opened again.
    assert_eq!(browser.ask("POST", "/killcord/api/v1/release", "").0, 202);
    until_true("the release and the opening behind it to be over", LONG, || {
        let (_, list) = browser.ask("GET", "/killcord/api/v1/teardowns", "");
        list["teardowns"]
            .as_array()
            .is_some_and(|list| list.iter().filter(|it| it["cause"] == "start").count() == 2)
    });
    assert_eq!(Journal::read(&served.station, &served.rig).runs().len(), 1, "it was not ended under way");
}

/// What an instrument that answers nothing was asked.
fn asked(mute: &Instrument) -> Vec<String> {
    mute.arrivals().into_iter().map(|arrival| arrival.line).collect()
}

/// Has the bench armed by a request in the page's name, which is answered in its own time.
fn arm_by_request(served: &Served, browser: &Browser, page: &mut Page) -> JoinHandle<u16> {
    door::await_watchdog(&served.station);
    door::await_state(&served.station, "safe");
    page.beat(1);
    let body = serde_json::json!({ "session": page.session, "epoch": page.epoch, "id": "arm" }).to_string();
    let browser = browser.clone();
    std::thread::spawn(move || browser.ask("POST", "/killcord/api/v1/arm", &body).0)
}

#[test]
fn a_driver_and_a_request_that_block_for_30_s_cost_no_page_its_session() {
    let (served, mute) = blocking();
    let serve = served.serve(&[]);
    let browser = Browser::pair(&link(&serve));
    let mut page = browser.open();
    let request = arm_by_request(&served, &browser, &mut page);
    until_true("the supply to be on", LONG, || served.is("ON"));
    let began = Instant::now();
    for n in 2.. {
        page.beat(n);
        assert!(served.is("ON"), "lost after {:?}", began.elapsed());
        if began.elapsed() >= BLOCKS {
            break;
        }
        let_pass(Duration::from_millis(500));
    }
    assert_eq!(request.join().unwrap(), 202, "not done within the time that a request has");
    assert_eq!(asked(&mute), ["LEVEL?"], "its driver still waits");
    browser.bye(&page, false);
    served.until_off();
}

#[test]
fn a_page_that_goes_or_falls_silent_while_a_driver_and_a_request_block_is_gone_as_at_any_time() {
    for silent in [false, true] {
        let (served, mute) = blocking();
        let serve = served.serve(&[]);
        let browser = Browser::pair(&link(&serve));
        let mut page = browser.open();
        let request = arm_by_request(&served, &browser, &mut page);
        until_true("the supply to be on", LONG, || served.is("ON"));
        until_true("the driver to wait", LONG, || asked(&mute) == ["LEVEL?"]);
        let said = Instant::now();
        page.beat(2);
        if silent {
            page.cut();
        } else {
            browser.bye(&page, false);
        }
        served.until_off();
        let took = said.elapsed();
        assert!(took < BLOCKS, "it waited for what blocks: {took:?}");
        assert!(!silent || took >= Duration::from_secs(5), "{took:?} early");
        assert_eq!(asked(&mute), ["LEVEL?"], "its driver still waits");
        drop(request);
    }
}
