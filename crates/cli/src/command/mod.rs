//! The commands.

mod access;
mod answers;
mod check;
mod connect;
mod demo;
mod doctor;
mod drill;
mod init;
mod journal;
mod open;
mod plan;
mod safe;
mod serve;
mod show;
mod sim;
mod stand_in;
mod token;

use std::io::{self, Write as _};

use killcord::{Options, signals::Signals};
use serde::Serialize;

use crate::{
    args::{Cli, Command, Common},
    console::Console,
    log::Format,
    stop::Stop,
};

/// Does what the arguments say; `Ok` is the exit status.
pub(crate) fn run(cli: Cli, signals: &Signals, console: &Console) -> Result<u8, Stop> {
    let Cli { rig, common, command } = cli;
    if let (Some(rig), Some(_)) = (&rig, &command) {
        let rig = rig.display();
        return Err(Stop::Usage(format!("name {rig} behind the command; see `killcord --help`")));
    }
    let scene = Scene { common, signals, console };
    match command {
        None => open::run(&scene, rig),
        Some(Command::Serve(serve)) => serve::run(&scene, &serve),
        Some(Command::Demo(demo)) => demo::run(&scene, &demo),
        Some(Command::Check(check)) => check::run(&scene, &check),
        Some(Command::Init(init)) => init::run(&init),
        Some(Command::Safe(safe)) => safe::run(&scene, &safe),
        Some(Command::Journal(journal)) => journal::run(&scene, &journal),
        Some(Command::Token { command }) => token::run(&scene, &command),
        Some(Command::Sim(sim)) => sim::run(&scene, &sim),
        Some(Command::Drill(drill)) => drill::run(&scene, &drill),
        Some(Command::StandIn(stand_in)) => stand_in::run(&stand_in),
        Some(Command::Doctor) => doctor::run(&scene),
    }
}

/// What every command is given.
pub(crate) struct Scene<'a> {
    pub(crate) common: Common,
    pub(crate) signals: &'a Signals,
    pub(crate) console: &'a Console,
}

impl Scene<'_> {
    /// The settings of a host of this rig.
    pub(crate) fn options(&self, rig: &std::path::Path) -> Options {
        Options::new(rig).state_dir(self.common.state_dir.clone())
    }

    /// What the desktop app takes too.
    fn pass_on(&self, command: &mut std::process::Command) {
        if let Some(dir) = &self.common.state_dir {
            command.arg("--state-dir").arg(dir);
        }
        if self.common.log == Format::Json {
            command.arg("--log=json");
        }
    }
}

/// Prints data to stdout, waiting for its reader; one that goes away ends it.
///
/// Never beside a running host: that prints through [`Console`].
fn print(text: &str) {
    let mut out = io::stdout().lock();
    if writeln!(out, "{text}").and_then(|()| out.flush()).is_err() {
        tracing::debug!("nobody reads the output");
    }
}

/// Data as JSON, for people's eyes too.
fn json(data: &impl Serialize) -> String {
    serde_json::to_string_pretty(data).unwrap_or_else(|error| format!("{{\"error\": \"{error}\"}}"))
}
