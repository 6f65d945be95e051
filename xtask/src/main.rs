//! Killcord's chores, as `cargo xtask COMMAND`: from a fresh Debian machine to the demo window, and every check
//! and test behind one command.
//!
//! It must never need more than cargo to start, never ask a question (there may be no one to answer), and never
//! install anything that it has not announced.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a chore talks to the person who started it; its terminal is its only output"
)]

mod bench;
mod debian;
mod fuzz;
mod generate;
mod icons;
mod node;
mod peers;
mod place;
mod run;
mod shell;
mod test;
mod ui;

use std::process::ExitCode;

use anyhow::{Result, bail};

const USAGE: &str = "\
cargo xtask COMMAND

  run [-- ARGS]      install what is missing, build, and open the demo window (ARGS go to `killcord demo`);
                     with no display the demo runs in this terminal
  test [FILTER]      install what is missing, then run every check and test; FILTER: only tests so named
       --only STAGE  only this stage (may be repeated)
       --no-install  install no Debian packages
       --keep-going  go on after a stage that failed
       --long        with what takes its real time, too: more than ten minutes
       --list        the stages
  ui                 build the panel, if its sources are newer than what was built
  generate           write the files that are generated from crates/wire
       --check       only say whether they are up to date
  icons              draw the icons' pictures anew from their SVG sources
  bench [NAME]       measure; without NAME the list of benches
  fuzz [TARGET]      look for bad input that is not taken as it should be, an hour for each target
       --for TIME    so long for each: 90s, 15m, 2h
       --keep        then bring what was reached into the kept corpus

Each command first says what it is about to install.";

fn main() -> ExitCode {
    match dispatch(std::env::args().skip(1).collect()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(mut args: Vec<String>) -> Result<ExitCode> {
    place::enter_root()?;
    let command = if args.is_empty() { "help".to_owned() } else { args.remove(0) };
    match command.as_str() {
        "run" => run::run(&args)?,
        "test" => return test::test(&args),
        "ui" => {
            no_more(&args)?;
            ui::build()?;
        }
        "generate" => match args.as_slice() {
            [] => generate::write()?,
            [flag] if flag == "--check" => generate::check()?,
            _ => bail!("`generate` takes nothing or --check\n\n{USAGE}"),
        },
        "icons" => {
            no_more(&args)?;
            icons::draw()?;
        }
        "bench" => bench::bench(&args)?,
        "fuzz" => fuzz::fuzz(&args)?,
        "help" | "--help" | "-h" => println!("{USAGE}"),
        other => bail!("there is no command `{other}`\n\n{USAGE}"),
    }
    Ok(ExitCode::SUCCESS)
}

fn no_more(args: &[String]) -> Result<()> {
    match args.first() {
        None => Ok(()),
        Some(extra) => bail!("`{extra}` was not expected here\n\n{USAGE}"),
    }
}
