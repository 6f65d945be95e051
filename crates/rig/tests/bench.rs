//! The example of the design, read in full.

mod common;

use std::time::Duration;

use expect_test::expect_file;
use killcord_core::{DeviceIx, Item, Step, Verify};

#[test]
fn the_bench_of_the_design_is_read_as_it_is_written() {
    let (rig, warnings) = common::check(include_str!("bench.toml")).unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");
    let json = serde_json::to_string_pretty(&rig).unwrap();
    expect_file!["bench.json"].assert_eq(&json);
    assert_eq!(serde_json::from_str::<killcord_rig::Rig>(&json).unwrap(), rig);
}

#[test]
fn what_the_file_leaves_out_is_derived_from_what_it_says() {
    let (rig, _) = common::check(include_str!("bench.toml")).unwrap();
    let [psu, load, furnace, mains] = rig.plan.devices.as_slice() else { panic!("four devices") };

    assert_eq!(
        load.emergency,
        [Item::Do(Step::send("INP OFF"))],
        "emergency is safe without what takes time"
    );
    assert_eq!(load.safe_after, [DeviceIx(0)]);
    assert_eq!(psu.budget, Duration::from_secs(5), "written there");
    // 10 s less release (SYST:LOC and the watchdog's disarm, 1 s each), record and psu's 5 s.
    assert_eq!(load.budget, Duration::from_millis(2500), "what is left of the deadline behind psu");
    assert_eq!(mains.verify, Verify::None);
    assert_eq!(furnace.timeout, Duration::from_secs(1));
    assert_eq!(rig.readings[0].stale_after, Duration::from_secs(2));
    assert_eq!(rig.readings[1].stale_after, Duration::from_millis(2500));
    assert_eq!(rig.source, None, "a text that is no file has no place");
}
