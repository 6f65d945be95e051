//! What a line means.

use killcord::{
    core::{Number, Value, check::truth},
    wire::{ControlKindView, ControlView, RigView},
};

/// What can be typed.
pub(super) const HELP: &str = "\
  arm                         lets the devices act
  safe                        makes the rig safe by its controlled sequence, and stays
  stop                        safe stop, as the rig's on_safe_stop says
  set DEVICE CONTROL VALUE    sets a control; a button takes no value
  status                      devices, readings and controls, now
  ack                         acknowledges a trip or an unclean run before
  control                     asks for control, where another session has it
  quit                        makes the rig safe, releases it and ends (as Ctrl-C and the end of the input do)";

/// What is to be done.
#[derive(Debug, PartialEq)]
pub(super) enum Order {
    Arm,
    Safe,
    Stop,
    Status,
    Acknowledge,
    Control,
    Quit,
    Help,
    Set { device: String, control: String, value: Value },
}

/// Reads a line; `None` where there is nothing in it, an error says what to type.
pub(super) fn read(line: &str, rig: &RigView) -> Result<Option<Order>, String> {
    let mut words = line.split_whitespace();
    let Some(word) = words.next() else { return Ok(None) };
    let order = match word {
        "arm" => Order::Arm,
        "safe" => Order::Safe,
        "stop" => Order::Stop,
        "status" => Order::Status,
        "ack" | "acknowledge" => Order::Acknowledge,
        "control" => Order::Control,
        "quit" | "exit" => Order::Quit,
        "help" | "?" => Order::Help,
        "set" => {
            let (Some(device), Some(control)) = (words.next(), words.next()) else {
                return Err(format!("set DEVICE CONTROL VALUE. {}", controls(rig)));
            };
            let rest: Vec<_> = words.collect();
            return set(rig, device, control, &rest.join(" ")).map(Some);
        }
        _ => return Err(format!("`{word}` is nothing that can be done here; type `help`.")),
    };
    match words.next() {
        Some(more) => Err(format!("`{word}` takes no `{more}`; type `help`.")),
        None => Ok(Some(order)),
    }
}

fn set(rig: &RigView, device: &str, control: &str, text: &str) -> Result<Order, String> {
    let known = rig.devices.iter().find(|known| known.name == device);
    let known = known.and_then(|device| device.controls.iter().find(|known| known.name == control));
    let Some(known) = known else {
        return Err(format!("There is no control {device} {control}. {}", controls(rig)));
    };
    let value = value(known, text)?;
    Ok(Order::Set { device: device.into(), control: control.into(), value })
}

fn value(control: &ControlView, text: &str) -> Result<Value, String> {
    let name = &control.name;
    match &control.kind {
        ControlKindView::Number { min, max } => Number::parse(text)
            .map(Value::Number)
            .ok_or_else(|| format!("{name} takes a number from {min} to {max}.")),
        ControlKindView::Toggle => match text {
            "true" => Ok(Value::Truth(true)),
            "false" => Ok(Value::Truth(false)),
            text => truth(text).map(Value::Truth).ok_or_else(|| format!("{name} takes on or off.")),
        },
        ControlKindView::Choice { options } if options.iter().any(|option| option == text) => {
            Ok(Value::Text(text.into()))
        }
        ControlKindView::Choice { options } => Err(format!("{name} takes one of: {}.", options.join(", "))),
        ControlKindView::Button if text.is_empty() => Ok(Value::Truth(true)),
        ControlKindView::Button => Err(format!("{name} is a button: no value.")),
    }
}

fn controls(rig: &RigView) -> String {
    let names: Vec<_> = rig
        .devices
        .iter()
        .flat_map(|device| {
            device.controls.iter().map(move |control| format!("{} {}", device.name, control.name))
        })
        .collect();
    if names.is_empty() {
        String::from("This rig has no controls.")
    } else {
        format!("There are: {}.", names.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use killcord::{
        core::{DeviceState, rig::Needs},
        wire::{DeviceView, RigState, WatchdogState, WatchdogView},
    };

    use super::*;

    fn rig() -> RigView {
        let control = |name: &str, kind| ControlView {
            name: name.into(),
            title: name.into(),
            unit: String::new(),
            needs: Needs::Armed,
            kind,
            setpoint: None,
            readback: None,
        };
        let device = DeviceView {
            name: "psu".into(),
            title: "psu".into(),
            driver: "scpi".into(),
            connect: String::new(),
            identity: None,
            state: DeviceState::Safe,
            acts: true,
            readings: Vec::new(),
            controls: vec![
                control("volt", ControlKindView::Number { min: 0.0, max: 12.0 }),
                control("fan", ControlKindView::Toggle),
                control("mode", ControlKindView::Choice { options: vec!["slow".into(), "very fast".into()] }),
                control("home", ControlKindView::Button),
            ],
        };
        RigView {
            name: "bench".into(),
            file: "rig.toml".into(),
            state: RigState::Safe,
            arm_refused: Vec::new(),
            arms: true,
            trip: None,
            unclean: None,
            watchdog: WatchdogView { state: WatchdogState::Watching, why: None, protections: Vec::new() },
            app: None,
            notices: Vec::new(),
            devices: vec![device],
        }
    }

    #[track_caller]
    fn sets(line: &str, expect: Value) {
        match read(line, &rig()) {
            Ok(Some(Order::Set { value, .. })) => assert_eq!(value, expect, "{line}"),
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn a_value_is_read_as_its_control_takes_it() {
        sets("set psu volt 1.5", Value::Number(1.5.into()));
        sets("set psu volt 2 V", Value::Number(2.0.into()));
        sets("set psu fan on", Value::Truth(true));
        sets("set psu fan false", Value::Truth(false));
        sets("set psu mode very fast", Value::Text("very fast".into()));
        sets("set psu home", Value::Truth(true));
    }

    #[test]
    fn what_makes_no_sense_is_answered_with_what_does() {
        for (line, says) in [
            ("fire", "help"),
            ("arm now", "help"),
            ("set", "psu volt"),
            ("set psu heat 3", "psu volt"),
            ("set psu volt high", "0 to 12"),
            ("set psu fan maybe", "on or off"),
            ("set psu mode fast", "very fast"),
            ("set psu home 1", "no value"),
        ] {
            let error = read(line, &rig()).unwrap_err();
            assert!(error.contains(says), "{line}: {error}");
        }
        assert_eq!(read("  ", &rig()), Ok(None));
        assert_eq!(read("quit", &rig()), Ok(Some(Order::Quit)));
    }
}
