//! The example of the design, read in full.

mod common;

use std::time::Duration;

use expect_test::expect_file;
use killcord_core::{DeviceIx, Item, Number, Step, Verify};

#[test]
fn the_bench_of_the_design_is_read_as_it_is_written() {
    let (rig, warnings) = common::check(include_str!("bench.toml")).unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");
    let json = serde_json::to_string_pretty(&rig).unwrap();
    expect_file!["bench.json"].assert_eq(&json);
    assert_eq!(serde_json::from_str::<killcord_rig::Rig>(&json).unwrap(), rig);
}

/// The watchdog is told the plan as JSON and makes the rig safe by it.
#[test]
fn plans_are_read_back_from_json_exactly_as_they_were_checked() {
    for file in [include_str!("bench.toml"), include_str!("../../../examples/demo/rig.toml")] {
        let (rig, _) = common::check(file).unwrap();
        let plan = serde_json::from_str::<killcord_core::Plan>(&serde_json::to_string(&rig.plan).unwrap());
        assert_eq!(plan.unwrap(), rig.plan);
    }
    // Bit by bit: numbers of 17 digits among them.
    for n in 1..20_000 {
        let number = Number(f64::from(n) / 7.0 * 1.1e-3);
        let json = serde_json::to_string(&number).unwrap();
        assert_eq!(serde_json::from_str::<Number>(&json).unwrap(), number, "{json}");
    }
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
