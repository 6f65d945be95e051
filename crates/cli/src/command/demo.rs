//! `killcord demo`: the main job on a machine without hardware.

use std::{
    os::unix::process::{CommandExt as _, ExitStatusExt as _},
    path::Path,
    process::{Child, Command},
    thread,
    time::Duration,
};

use killcord::{Options, RigLock, paths};
use rustix::process::{Pid, Signal, kill_process};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM},
    iterator::Signals as Caught,
};

use super::{Scene, serve};
use crate::{
    args,
    demo::{Bench, Folder},
    find,
    stop::{Stop, chain},
};

pub(super) fn run(scene: &Scene<'_>, demo: &args::Demo) -> Result<u8, Stop> {
    let options = scene.options(Path::new(""));
    let folder = Folder::of(&options.state_dir);
    let bench = Bench::find_or_start(&folder, demo.arm).map_err(|error| Stop::Demo(chain(&error)))?;
    let found = if bench.found { ", left running by the demo before" } else { "" };
    scene.console.error(format!(
        "Simulated bench{found}: process {}. What the hardware does: {}/\nIts rig: {}",
        bench.pid(),
        bench.witness(),
        folder.rig().display()
    ));
    let no_window = if demo.terminal { Some("--terminal") } else { find::no_window() };
    let status = match no_window {
        Some(why) => {
            if !demo.terminal {
                scene.console.error(format!("In this terminal: {why}."));
            }
            serve::run(scene, &args::Serve { rig: folder.rig(), arm: false })
        }
        None => window(scene, &folder.rig()),
    };
    let clean = matches!(status, Ok(0)) && is_free(&scene.options(&folder.rig()), &folder.rig());
    if clean && !demo.keep {
        bench.end();
    } else {
        scene.console.error(format!(
            "The simulated bench goes on: {}/ says what it does, `kill {}` ends it, the next demo opens it.",
            bench.witness(),
            bench.pid()
        ));
    }
    status
}

/// Whether nobody else has the demo open: another one's bench is not ended.
fn is_free(options: &Options, rig: &Path) -> bool {
    let folders = [options.rig_dir(), options.runtime_dir.clone()];
    RigLock::take([&folders[0], &folders[1]], &paths::rig_key(rig), Duration::ZERO).is_ok()
}

/// The window in a process of its own, to which this one's signals are handed on; waited for, so that the
/// bench can be ended behind it.
fn window(scene: &Scene<'_>, rig: &Path) -> Result<u8, Stop> {
    let system = |what: &str| {
        let what = what.to_owned();
        move |source| Stop::System { what, source }
    };
    let desktop = find::desktop().unwrap_or_else(|| "killcord-desktop".into());
    let mut command = Command::new(&desktop);
    scene.pass_on(&mut command);
    // A group of its own: Ctrl-C reaches it once, by us; a second signal would shorten its teardown.
    command.arg("--").arg(rig).process_group(0);
    scene.signals.hold();
    let caught =
        Caught::new([SIGTERM, SIGINT, SIGHUP, SIGQUIT]).map_err(system("signals cannot be handled"))?;
    let mut child = command.spawn().map_err(system("killcord-desktop cannot be started"))?;
    let handle = caught.handle();
    let forwarding = forward(caught, &child);
    let ended = child.wait();
    handle.close();
    if let Ok(forwarding) = forwarding
        && forwarding.join().is_err()
    {
        tracing::debug!("the signals' thread failed");
    }
    let ended = ended.map_err(system("killcord-desktop was not awaited"))?;
    if let Some(signal) = ended.signal() {
        scene.console.error(format!("killcord-desktop was killed by signal {signal}."));
        return Ok(4);
    }
    Ok(ended.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(3))
}

fn forward(mut caught: Caught, child: &Child) -> std::io::Result<thread::JoinHandle<()>> {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    thread::Builder::new().name("killcord-forward".into()).spawn(move || {
        for signal in caught.forever() {
            let signal = match signal {
                SIGINT => Signal::INT,
                SIGHUP => Signal::HUP,
                SIGQUIT => Signal::QUIT,
                _ => Signal::TERM,
            };
            if let Some(pid) = pid
                && let Err(error) = kill_process(pid, signal)
            {
                tracing::debug!(%error, "a signal was not handed on");
            }
        }
    })
}
