//! `killcord check RIG`: everything that is wrong with a rig file, its plan, and its devices' answers.

use killcord::Registry;
use killcord_rig::{Diagnostic, RigFile, Style};
use serde::Serialize;

use super::{Scene, answers, connect, json, plan::Shown, print};
use crate::{args, stop::Stop};

/// What is printed with `--json`.
#[derive(Serialize)]
struct Checked {
    ok: bool,
    problems: Vec<Diagnostic>,
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<Shown>,
    #[serde(skip_serializing_if = "Option::is_none")]
    devices: Option<Vec<answers::Device>>,
}

pub(super) fn run(scene: &Scene<'_>, check: &args::Check) -> Result<u8, Stop> {
    let as_json = scene.common.json;
    let read = RigFile::read(&check.rig).and_then(|file| file.check(&Registry::default().specs()));
    let (rig, problems) = match read {
        Ok(read) => read,
        Err(problems) if as_json => {
            let problems = problems.into_iter().collect();
            print(&json(&Checked { ok: false, problems, plan: None, devices: None }));
            return Ok(2);
        }
        Err(problems) => return Err(Stop::Rig(problems)),
    };
    if !as_json {
        for warning in &problems {
            scene.console.error(warning.render(Style::of(&std::io::stderr())));
        }
        let devices = rig.plan.devices.len();
        print(&format!(
            "{}: \"{}\" is in order, {devices} device{}{}.",
            check.rig.display(),
            rig.plan.rig,
            if devices == 1 { "" } else { "s" },
            match problems.len() {
                0 => String::new(),
                1 => String::from(", 1 warning"),
                n => format!(", {n} warnings"),
            }
        ));
    }
    let plan = check.plan.then(|| Shown::of(&rig.plan));
    if let Some(plan) = plan.as_ref().filter(|_| !as_json) {
        print(&format!("\n{}", plan.text()));
    }
    let devices = if check.connect { Some(connect::ask(scene, &check.rig, &rig)?) } else { None };
    let answered = devices.iter().flatten().all(answers::Device::answered);
    if as_json {
        print(&json(&Checked { ok: answered, problems, plan, devices }));
    } else if let Some(devices) = &devices {
        print(&format!("\n{}", answers::text(devices)));
    }
    Ok(if answered { 0 } else { 3 })
}
