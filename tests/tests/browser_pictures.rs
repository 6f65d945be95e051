//! Every state of `<killcord-status>` and of the panel, on a real host and in a real browser: it says what it has to
//! say, nothing of it is cut off, and a picture of it is kept for a person to look at: 1280 and 390 wide, light and
//! dark, in `target/screenshots/browser`. `cargo xtask test --only browser pictured` makes them again.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod browser;

use browser::album::Album;
use browser::{Bench, PATIENT};
use killcord_tests::chromium::Chromium;
use killcord_tests::wait::{LONG, until_true};
use rustix::process::Signal;
use serde_json::json;

/// A lease that is not over before its picture is taken.
const SLOW: &str = "expire_after = \"15s\"\nreload_grace = \"60s\"";

#[test]
fn the_panel_is_pictured_in_each_of_its_states() {
    let album = Album::of("panel");
    let bench = Bench::with(PATIENT);
    let browsers = [Chromium::start(), Chromium::start()];
    let serve = bench.serve();
    let holder = browsers[0].open(&format!("{}killcord/pair", bench.url()));
    album.take(&holder, "pair", "Pair this browser");
    holder.close();
    let holder = browsers[0].open(&format!("{}killcord/pair#0123456789abcdef0123456789abcdef", bench.url()));
    album.take(&holder, "pair-wrong", "This code is wrong.");
    holder.close();
    let holder = browsers[0].blank();
    let link = format!("{}killcord/pair#0123456789abcdef0123456789abcdef", bench.url());
    holder.run(&format!("void setTimeout(() => location.assign({}))", json!(link)));
    album.take(&holder, "pair-led", "Press “Open”");
    holder.close();
    let holder = bench.paired(&browsers[0], &serve);
    album.take(&holder, "safe", "Safe");
    holder.click("button", "Arm");
    album.take(&holder, "arm-dialog", "This will be energised:");
    holder.click("button", "Cancel");
    bench.arm(&holder);
    album.take(&holder, "armed", "Make safe");
    let other = bench.paired(&browsers[1], &serve);
    album.take(&other, "observing", "Another session is in control.");
    other.click("button", "Take control");
    album.take_passing(&other, "asked", "Asked for control");
    album.take_passing(&holder, "asked-for-control", "It gets control in");
    // Given by nobody it passes after its time.
    album.take(&holder, "taken-over", "Another session is in control.");
    holder.click("button", "Take control");
    other.click("button", "Give control");
    holder.await_no_text("You are observing");
    other.close();
    holder.click("button", "Sign out");
    album.take(&holder, "sign-out", "Sign out?");
    holder.click("button", "Cancel");
    holder.click("button", "About");
    album.take(&holder, "about", "It is not a certified safety function.");
    holder.click("button", "Close");
    holder.click("button", "Safe stop");
    bench.await_off();
    album.take(&holder, "safe-stop", "Made safe after");
    bench.arm(&holder);
    serve.signal(Signal::TERM);
    album.take(&holder, "host-stopped", "When the host is back");
}

#[test]
fn a_panel_whose_host_dies_is_pictured_in_each_of_its_states() {
    let album = Album::of("panel");
    let bench = Bench::with(SLOW);
    let chromium = Chromium::start();
    let (mut serve, tab) = bench.armed_in(&chromium);
    bench.psu.stick(true);
    tab.click("button", "Safe stop");
    album.take(&tab, "not-safe", "NOT safe: check the bench");
    bench.psu.stick(false);
    tab.await_no_text("NOT safe: check the bench");
    serve.signal(Signal::KILL);
    serve.wait(LONG);
    album.take_passing(&tab, "out-of-reach", "is to be made safe by");
    album.take(&tab, "overdue", "was to be made safe by");
    let serve = bench.serve();
    album.take(&tab, "unclean", "Acknowledge");
    drop(serve);
}

#[test]
fn an_end_that_is_not_confirmed_is_pictured() {
    let album = Album::of("panel");
    let bench = Bench::with(PATIENT);
    let chromium = Chromium::start();
    let (mut serve, tab) = bench.armed_in(&chromium);
    let status = Album::of("status");
    let other = Chromium::start();
    let author = bench.author(&other, &serve);
    author.await_text("You are observing");
    bench.psu.mute(true);
    serve.signal(Signal::TERM);
    author.await_text("The host is stopping; the bench is being made safe");
    tab.await_text("Making safe");
    status.take(&author, "report-not-safe", "at least one device was NOT confirmed safe");
    album.take(&tab, "report-not-safe", "NOT confirmed safe");
    serve.wait(LONG);
}

#[test]
fn killcord_status_is_pictured_in_each_of_its_states() {
    let album = Album::of("status");
    let bench = Bench::with(SLOW);
    let browsers = [Chromium::start(), Chromium::start()];
    let mut serve = bench.serve();
    let tab = bench.author(&browsers[0], &serve);
    album.take(&tab, "live", "You are in control");
    tab.run("bench.arm()");
    until_true("everything to be on", LONG, || bench.is_on());
    album.take(&tab, "armed", "Armed");
    let other = bench.author(&browsers[1], &serve);
    album.take(&other, "observer", "Another session is in control.");
    other.click("button", "Take control");
    album.take_passing(&other, "observer-asked", "Asked for control");
    album.take_passing(&tab, "warning-take-over", "It gets control in");
    album.take(&tab, "taken-over", "Another session has taken control");
    let session = tab.run("bench.model.id");
    tab.reload(killcord_tests::chromium::Reload::Button);
    album.take_passing(&tab, "resumed", "Connected again");
    assert_eq!(tab.run("bench.model.id"), session);
    let end = format!(
        "fetch('/killcord/api/v1/sessions/{session}', {{ method: 'DELETE' }}).then(({{ ok }}) => ok)"
    );
    assert_eq!(other.run(&end), json!(true));
    album.take(&tab, "ended-by-operator", "An operator ended this session.");
    serve.signal(Signal::KILL);
    serve.wait(LONG);
    album.take_passing(&other, "lost", "Time left until the bench is to be made safe");
    album.take(&other, "overdue", "the bench was to be made safe by");
    let mut serve = bench.serve();
    album.take_passing(&other, "new-session", "This is a new session.");
    serve.signal(Signal::TERM);
    serve.wait(LONG);
    album.take(&other, "report", "When it ended, every device was confirmed safe.");
}

#[test]
fn a_person_who_is_away_is_pictured_as_asked() {
    let bench = Bench::with("expire_after = \"60s\"\nidle_after = \"60s\"\nidle_warning = \"55s\"");
    let browsers = [Chromium::start(), Chromium::start()];
    let serve = bench.serve();
    let panel = bench.paired(&browsers[0], &serve);
    let status = bench.author(&browsers[1], &serve);
    Album::of("panel").take(&panel, "idle", "Are you still there?");
    Album::of("status").take(&status, "warning-idle", "Are you still there?");
}
