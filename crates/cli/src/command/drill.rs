//! `killcord drill RIG`: what a lab runs before it trusts its rig.

use std::{
    fs,
    io::{self, BufRead as _, IsTerminal as _, Write as _},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};

use super::{Scene, json, print};
use crate::{
    args,
    drill::{Blueprint, Drill, Ground, Programs, Row, Runner, Told},
    load,
    stop::Stop,
    table,
};

pub(super) fn run(scene: &Scene<'_>, drill: &args::Drill) -> Result<u8, Stop> {
    let Some(file) = drill.rig.as_ref().filter(|_| !drill.list) else {
        return Ok(list(scene));
    };
    let rig = load::rig(file, scene.console)?;
    let text = fs::read_to_string(file).map_err(|source| Stop::File {
        path: file.clone(),
        remedy: "it could be read a moment ago; try again",
        source,
    })?;
    let blueprint = Blueprint::of(&rig, text);
    if !blueprint.parts().iter().any(|part| part.arms) {
        return Err(Stop::Nothing(format!(
            "{}: no device with a twin has an `arm` sequence, so no cause can find it armed",
            file.display()
        )));
    }
    let ground = if drill.hardware {
        confirm(&rig.plan.rig)?;
        Ground::Hardware(file)
    } else {
        Ground::Twin(&blueprint)
    };
    let programs = Programs::find().map_err(system("this program does not find itself"))?;
    let rows = if drill.only.is_empty() { Row::ALL.to_vec() } else { drill.only.clone() };
    let ended = ends_at_a_signal(scene)?;
    let notes = if drill.hardware { Vec::new() } else { blueprint.notes.clone() };
    for note in &notes {
        scene.console.error(note);
    }
    let mut whole = Drill { rig: rig.plan.rig.clone(), hardware: drill.hardware, notes, told: Vec::new() };
    let runner = Runner { rig: &rig, ground, programs };
    fire(scene, &runner, &rows, &ended, &mut whole)?;
    if scene.common.json {
        print(&whole.json());
    } else {
        print(&whole.table());
    }
    scene.console.error(whole.summary());
    Ok(whole.status())
}

/// Fires the causes in their order. A rig that does not arm is not tried again, and a real one that was left
/// unsafe is left alone.
fn fire(
    scene: &Scene<'_>,
    runner: &Runner<'_>,
    rows: &[Row],
    ended: &AtomicBool,
    whole: &mut Drill,
) -> Result<(), Stop> {
    let mut over: Option<&str> = None;
    for (at, row) in rows.iter().enumerate() {
        if ended.load(Ordering::Relaxed) {
            over = Some("the drill was ended by a signal");
        }
        if let Some(why) = over {
            whole.told.push(Told::not_run(*row, String::from(why)));
            continue;
        }
        scene.console.error(format!("[{}/{}] {} …", at + 1, rows.len(), row.words()));
        let told = runner.run(*row).map_err(Stop::Drill)?;
        scene.console.error(format!("        {}", told.words()));
        if told.did_not_arm() {
            over = Some("the rig did not arm");
        } else if told.is_bad() && whole.hardware {
            over = Some("the bench was left unsafe");
        }
        whole.told.push(told);
    }
    Ok(())
}

fn list(scene: &Scene<'_>) -> u8 {
    if scene.common.json {
        let row = |row: &Row| serde_json::json!({ "name": row.name(), "cause": row.words() });
        print(&json(&Row::ALL.iter().map(row).collect::<Vec<_>>()));
    } else {
        let row = |row: &Row| vec![String::from(row.name()), String::from(row.words())];
        print(&table::columns(&["name", "cause"], &Row::ALL.iter().map(row).collect::<Vec<_>>()));
    }
    0
}

/// Ends after the cause that runs, so that no host is left behind.
fn ends_at_a_signal(scene: &Scene<'_>) -> Result<Arc<AtomicBool>, Stop> {
    scene.signals.hold();
    let ended = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGINT, SIGHUP, SIGQUIT] {
        signal_hook::flag::register(signal, Arc::clone(&ended))
            .map_err(system("signals cannot be handled"))?;
    }
    Ok(ended)
}

/// Real hardware is drilled by a person's word alone: the rig's name, typed.
fn confirm(rig: &str) -> Result<(), Stop> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(Stop::NotConfirmed(String::from(
            "--hardware is confirmed by typing the rig's name, and nobody is at this terminal",
        )));
    }
    eprintln!(
        "This drills the REAL rig {rig:?}. For each cause its devices are opened, made safe and ARMED, exactly \
         as with Arm; then the host is ended, killed or stopped, and has to leave them safe. If the rig is not \
         what its file says, hardware stays on: have a hand on the emergency stop, and nobody near the bench."
    );
    eprint!("Type the rig's name to go on: ");
    io::stderr().flush().ok();
    let mut typed = String::new();
    // One line of a terminal: the kernel bounds it.
    let read = io::stdin().lock().read_line(&mut typed);
    if read.is_ok() && typed.trim() == rig {
        Ok(())
    } else {
        Err(Stop::NotConfirmed(String::from("Not drilled; nothing was sent to any device.")))
    }
}

fn system(what: &str) -> impl FnOnce(io::Error) -> Stop + use<> {
    let what = what.to_owned();
    move |source| Stop::System { what, source }
}
