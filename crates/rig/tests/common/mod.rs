//! Descriptions of drivers as the tests need them.
#![allow(dead_code)]

use killcord_core::driver::{DriverSpec, KeyKind, KeySpec, LinkKind, StepKind};
use killcord_rig::{Diagnostic, Diagnostics, Rig, RigFile};

const LINE: DriverSpec = DriverSpec {
    name: "line",
    about: "any instrument that takes lines of text",
    links: &[LinkKind::Line],
    keys: &[],
    steps: &[StepKind::Send, StepKind::Query, StepKind::Bytes],
    calls: &[],
};

pub(crate) static DRIVERS: &[&DriverSpec] = &[
    &DriverSpec { name: "scpi", about: "an instrument that speaks SCPI", ..LINE },
    &LINE,
    &DriverSpec {
        name: "modbus",
        about: "coils and registers",
        links: &[LinkKind::Modbus],
        keys: &[KeySpec {
            name: "unit",
            kind: KeyKind::ModbusUnit,
            required: false,
            about: "the unit's address on the line",
        }],
        steps: &[StepKind::Modbus],
        calls: &[],
    },
    &DriverSpec {
        name: "exec",
        about: "programs",
        links: &[LinkKind::None],
        keys: &[],
        steps: &[StepKind::Run],
        calls: &[],
    },
    &DriverSpec {
        name: "stage",
        about: "a driver written in Rust",
        links: &[LinkKind::Line],
        keys: &[
            KeySpec { name: "axes", kind: KeyKind::Integer(1, 3), required: true, about: "how many axes" },
            KeySpec {
                name: "model",
                kind: KeyKind::Word(&["small", "large"]),
                required: false,
                about: "which",
            },
            KeySpec { name: "homed", kind: KeyKind::Bool, required: false, about: "whether it homes" },
            KeySpec { name: "serial", kind: KeyKind::Text, required: false, about: "its number" },
        ],
        steps: &[StepKind::Query, StepKind::Call],
        calls: &["park", "brake"],
    },
];

pub(crate) fn check(text: &str) -> Result<(Rig, Vec<Diagnostic>), Diagnostics> {
    RigFile::parse("rig.toml", text)?.check(DRIVERS)
}

/// Every problem of a text, errors and warnings, as a terminal without colours shows them.
pub(crate) fn problems(text: &str) -> String {
    match check(text) {
        Ok((_, warnings)) => warnings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n\n"),
        Err(refused) => refused.to_string(),
    }
}

/// A rig with these sections and one sound device.
pub(crate) fn sections(sections: &str) -> String {
    format!("[rig]\nname = \"Bench\"\n{sections}{}", PSU.to_owned() + SAFE)
}

/// A rig of one SCPI device with these keys, and none of its sequences.
pub(crate) fn psu(keys: &str) -> String {
    format!("[rig]\nname = \"Bench\"\n{PSU}{keys}")
}

/// The same with `safe` and `verify`.
pub(crate) fn safe_psu(keys: &str) -> String {
    format!("[rig]\nname = \"Bench\"\n{PSU}{SAFE}{keys}")
}

/// A rig of one Modbus device with these keys.
pub(crate) fn plc(keys: &str) -> String {
    format!(
        "[rig]\nname = \"Bench\"\n\n[[device]]\nname = \"plc\"\ndriver = \"modbus\"\n\
         connect = \"modbus+tcp://10.0.0.3\"\n{keys}"
    )
}

/// A rig of several SCPI devices, each by its name and further keys.
pub(crate) fn devices(deadline: &str, devices: &[(&str, &str)]) -> String {
    let mut text = format!("[rig]\nname = \"Bench\"\ndeadline = \"{deadline}\"\n");
    for (at, (name, keys)) in devices.iter().enumerate() {
        text += &format!(
            "\n[[device]]\nname = \"{name}\"\ndriver = \"scpi\"\nconnect = \"tcp://10.0.0.{at}:5025\"\n{SAFE}{keys}"
        );
    }
    text
}

const PSU: &str = "\n[[device]]\nname = \"psu\"\ndriver = \"scpi\"\nconnect = \"tcp://10.0.0.2:5025\"\n";
const SAFE: &str = "safe = [\"OUTP OFF\"]\nverify = [{ query = \"OUTP?\", equals = false }]\n";
