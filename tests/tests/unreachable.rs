//! A thermal bath that nobody here wrote, its link cut at the moment of the close: it is named as unreachable
//! with what to check by hand, and the others are safe.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use killcord_tests::desktop::Desktop;
use killcord_tests::display::Display;
use killcord_tests::instrument::Instrument;
use killcord_tests::journal::Journal;
use killcord_tests::peers::Julabo;
use killcord_tests::rigs;
use killcord_tests::station::Station;
use killcord_tests::wait::{LONG, until_true};

fn rig(bath: &Julabo, supply: &Instrument) -> String {
    rigs::head("8s", "") + &rigs::switch("psu", supply) + &bath.device(r#"safe_after = ["psu"]"#)
}

#[test]
fn a_link_cut_at_the_close_is_reported_and_the_others_are_safe() {
    let (bath, supply) = (Julabo::start(), Instrument::start());
    let station = Station::new();
    let rig = station.rig(&rig(&bath, &supply));
    let display = Display::managed();
    let mut window = Desktop::drive(&display, &station, &rig);
    let page = window.page();
    page.arm();
    until_true("both to be on", LONG, || {
        bath.is_circulating() && supply.value("OUTP").as_deref() == Some("ON")
    });

    bath.cut();
    window.close();

    page.await_text("check by hand");
    let text = page.text();
    assert!(text.contains("Thermal bath"), "the page does not name the bath:\n{text}");
    page.click_last("button", "Close");
    let status = window.await_end();
    let said = window.process().output().all();
    assert_eq!(status.code(), Some(4), "{said}");
    assert!(said.contains("bath") && said.contains("unreachable"), "not named on stderr:\n{said}");
    assert_eq!(supply.value("OUTP").as_deref(), Some("OFF"));
    assert!(bath.is_circulating(), "nothing could have reached it");
    let journal = Journal::read(&station, &rig);
    assert_eq!((journal.status("psu"), journal.status("bath")), ("safe_verified", "unreachable"));
    let remarks = journal.device("bath")["remarks"].to_string().to_lowercase();
    assert!(remarks.contains("check"), "the report says nothing to do: {remarks}");
}
