//! The twin's logic, as data cases over rig files.

use killcord::Registry;
use killcord_rig::RigFile;
use killcord_sim::{Question, Say};

use super::*;

fn blueprint(text: &str) -> Blueprint {
    let (rig, _) = RigFile::parse("rig.toml", text).unwrap().check(&Registry::default().specs()).unwrap();
    Blueprint::of(&rig, text.to_owned())
}

const HEAD: &str =
    "[rig]\nname = \"Twin\"\ndeadline = \"20s\"\n[safety]\nwatchdog = \"off\"\n[[device]]\nname = \"psu\"\n";

/// One device's body on a SCPI line.
fn scpi(body: &str) -> Blueprint {
    blueprint(&format!(
        "{HEAD}driver = \"scpi\"\nconnect = \"tcp://psu.example:5025\"\ntimeout = \"100ms\"\n{body}"
    ))
}

fn answer<'a>(blueprint: &'a Blueprint, line: &str) -> &'a Answer {
    let asked = Question::Line(line.to_owned());
    let answers = &blueprint.parts[0].words.config.answers;
    answers.iter().find(|answer| answer.question == asked).unwrap_or_else(|| panic!("no answer to {line}"))
}

#[test]
fn each_word_of_the_demo_is_understood_and_nothing_is_left_open() {
    let blueprint = blueprint(include_str!("../../../../../examples/demo/rig.toml"));
    assert_eq!(blueprint.notes, [] as [String; 0]);
    assert_eq!(blueprint.parts().iter().filter(|part| part.arms && part.verifies).count(), 3);
    assert_eq!(blueprint.watched.len(), 2);
}

#[test]
fn identity_errors_and_the_instrument_watchdog_are_answered_as_the_file_expects() {
    let blueprint = scpi(
        "id = \"*IDN?\"\nexpect_id = \"HAMEG\"\nerrors = \"SYST:ERR?\"\nsync = \"*OPC?\"\narm = [\"OUTP ON\"]\n\
         safe = [\"OUTP OFF\"]\nverify = [{ query = \"STAT?\", equals = \"idle\", field = 2 }]\n\
         [device.instrument_watchdog]\narm = [\"WDOG ON\"]\ncheck = { query = \"WDOG?\", equals = true }\n\
         feed = \"*OPC?\"\nevery = \"1s\"\ndisarm = [\"WDOG OFF\"]\n",
    );
    assert_eq!(blueprint.notes, [] as [String; 0]);
    for (line, off) in [
        ("*IDN?", "HAMEG"),
        ("SYST:ERR?", "0,\"No error\""),
        ("*OPC?", "1"),
        ("STAT?", "0,idle"),
        ("WDOG?", "1"),
    ] {
        assert_eq!(answer(&blueprint, line).off, Say::Text(off.to_owned()), "{line}");
    }
    assert_ne!(answer(&blueprint, "STAT?").on, answer(&blueprint, "STAT?").off);
}

#[test]
fn a_ramp_begins_at_what_arming_set_and_ends_at_its_end() {
    let blueprint = scpi(
        "arm = [\"VOLT 12\", \"OUTP ON\"]\n\
         safe = [{ ramp = \"VOLT {}\", from = \"VOLT?\", to = 0, per_second = 12 }, \"OUTP OFF\"]\n\
         verify = [{ query = \"OUTP?\", equals = false }]\n",
    );
    let volt = answer(&blueprint, "VOLT?");
    assert_eq!((&volt.on, &volt.off), (&Say::Text("12".to_owned()), &Say::Text("0".to_owned())));
    let config = &blueprint.parts[0].words.config;
    let line = |text: &str| killcord_sim::Message::Line(text.to_owned());
    assert_eq!(config.off, [vec![line("VOLT 0"), line("OUTP OFF")], vec![line("OUTP OFF")]]);
}

#[test]
fn a_file_that_contradicts_itself_is_told() {
    for (body, expected) in [
        (
            "arm = [\"OUTP ON\"]\nsafe = [\"OUTP OFF\"]\n\
             verify = [{ query = \"OUTP?\", equals = false }, { query = \"OUTP?\", equals = true }]\n",
            "OUTP?",
        ),
        (
            "arm = [\"OUTP ON\"]\nsafe = [\"OUTP ON\"]\nverify = [{ query = \"OUTP?\", equals = false }]\n",
            "send the same",
        ),
    ] {
        let notes = scpi(body).notes;
        assert!(notes.iter().any(|note| note.starts_with("psu: ") && note.contains(expected)), "{notes:?}");
    }
}

#[test]
fn no_address_and_no_program_of_the_rig_is_left_in_its_twins_file() {
    let text = "[rig]\nname = \"Mixed\"\ndeadline = \"30s\"\n[safety]\nwatchdog = \"off\"\n\
        [[link]]\nname = \"bus\"\nconnect = \"modbus+rtu:///dev/serial/by-id/usb-bus?baud=19200&parity=even\"\n\
        [[device]]\nname = \"a\"\ndriver = \"modbus\"\nlink = \"bus\"\nunit = 1\ntimeout = \"100ms\"\n\
        arm = [{ write_coil = 0, value = true }]\nsafe = [{ write_coil = 0, value = false }]\n\
        verify = [{ read_coil = 0, equals = false }]\n\
        [[device]]\nname = \"b\"\ndriver = \"modbus\"\nlink = \"bus\"\nunit = 2\ntimeout = \"100ms\"\nsafe_after = [\"a\"]\n\
        arm = [{ write_coil = 0, value = true }]\nsafe = [{ write_coil = 0, value = false }]\n\
        verify = [{ read_coil = 0, equals = false }]\n\
        [[device]]\nname = \"mains\"\ndriver = \"exec\"\narm = [{ run = [\"uhubctl\", \"-a\", \"on\"] }]\n\
        safe = [{ run = [\"uhubctl\", \"-a\", \"off\"], timeout = \"2s\" }]\nverify = \"none\"\n";
    let blueprint = blueprint(text);
    let folder = tempfile::tempdir().unwrap();
    let twin = blueprint.start(folder.path(), Path::new("/usr/bin/recorder"), true).unwrap();
    let written = fs::read_to_string(folder.path().join("rig.toml")).unwrap();
    assert!(!written.contains("uhubctl") && !written.contains("/dev/serial"), "{written}");
    assert!(written.contains("baud=19200&parity=even") && written.contains("on-first-session"), "{written}");
    let (rig, _) = RigFile::parse("rig.toml", written).unwrap().check(&Registry::default().specs()).unwrap();
    assert_eq!(rig.plan.devices.len(), 3);
    assert_eq!(rig.plan.devices[2].safe.len(), 1);
    assert!(!twin.is_armed());
}

#[test]
fn a_step_that_only_its_driver_knows_leaves_its_device_out() {
    let text = format!(
        "{HEAD}driver = \"scpi\"\nconnect = \"tcp://psu.example:5025\"\narm = [\"OUTP ON\"]\nsafe = [\"OUTP OFF\"]\n\
         verify = [{{ query = \"OUTP?\", equals = false }}]\n"
    );
    let (mut rig, _) =
        RigFile::parse("rig.toml", text.clone()).unwrap().check(&Registry::default().specs()).unwrap();
    let park = killcord::core::Step::Call { name: String::from("park") };
    rig.plan.devices[0].safe.insert(0, killcord::core::Item::Do(park));
    let blueprint = Blueprint::of(&rig, text);
    assert!(blueprint.parts().is_empty());
    assert!(blueprint.notes[0].contains("left out of the drill"), "{:?}", blueprint.notes);
}
