//! `killcord [RIG]`: the window where there can be one, else this terminal.

use std::{os::unix::process::CommandExt as _, path::PathBuf, process::Command};

use super::{Scene, demo, serve};
use crate::{
    args,
    find::{self, Found},
    stop::Stop,
};

pub(super) fn run(scene: &Scene<'_>, named: Option<PathBuf>) -> Result<u8, Stop> {
    let (rig, was_named) = match named {
        Some(rig) => (rig, true),
        None => match find::default_rig() {
            Found::Default(rig) => (rig, false),
            Found::Demo => {
                scene.console.error(
                    "No rig.toml here or in your config folder: this is the demo, a simulated bench. \
                     `killcord init` writes a rig file.",
                );
                let demo = args::Demo { terminal: false, arm: false, keep: false };
                return demo::run(scene, &demo);
            }
        },
    };
    if let Some(why) = find::no_window() {
        scene.console.error(format!("No window: {why}."));
        if !was_named {
            // Asked after this was told.
            scene.console.flush();
            find::confirm(&rig)?;
        }
        return serve::run(scene, &args::Serve { rig, arm: false });
    }
    let desktop = find::desktop().unwrap_or_else(|| PathBuf::from("killcord-desktop"));
    let mut command = Command::new(&desktop);
    scene.pass_on(&mut command);
    if was_named {
        command.arg("--").arg(&rig);
    }
    // One that was found is confirmed there, in a dialog.
    let source = command.exec();
    Err(Stop::System { what: format!("{} could not be started", desktop.display()), source })
}
