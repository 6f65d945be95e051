//! Three foreign instruments armed from a window, and judged by the outside witnesses when it has ended.

use killcord_tests::desktop::Desktop;
use killcord_tests::display::Display;
use killcord_tests::journal::Journal;
use killcord_tests::peers::{SAFE, Trio};
use killcord_tests::station::Station;
use killcord_tests::wait::{LONG, until_true};
use killcord_tests::webdriver::Page;

/// Opens the three peers' rig, arms it through the panel, ends it by `leave`, and looks at everything: the end has this `cause`.
#[track_caller]
pub(crate) fn armed_then(cause: &str, leave: impl FnOnce(&Desktop<'_>, Page)) {
    let trio = Trio::start();
    let station = Station::new();
    let rig = station.rig(&trio.rig());
    let display = Display::managed();
    let mut window = Desktop::drive(&display, &station, &rig);
    let page = window.page();
    page.arm();
    until_true("all three instruments to be on", LONG, || trio.all_on());
    page.await_text("Armed");
    let before = trio.commands().len();

    leave(&window, page);

    let status = window.await_end();
    assert!(trio.all_off(), "outputs are still on; status {status}");
    let said = window.process().output().all();
    assert_eq!(status.code(), Some(0), "{said}");
    let commands = trio.command_texts();
    let journal = Journal::read(&station, &rig);
    let causes = &journal.report()["causes"];
    assert_eq!(&commands[before..], SAFE, "in the declared order, each exactly once; {:#}", journal.report());
    assert_eq!(journal.last()["cause"], cause, "{causes}\n{said}");
    assert_eq!(journal.last()["confirmed"], true);
    for device in ["pace", "cryocon", "furnace"] {
        assert_eq!(journal.status(device), "safe_verified", "{device}");
        assert_eq!(journal.device(device)["released"], true, "{device}");
    }
    let run = &journal.runs()[0];
    assert_eq!((&run["exit"], run["ended_ms"].is_u64()), (&serde_json::json!(0), true), "{run}");
}
