//! The harnesses of `tests/`, built as they are used daily.

use anyhow::Result;

use crate::{peers, place, shell, ui};

/// `bench [NAME]`: the names are the harness's own.
pub(crate) fn bench(args: &[String]) -> Result<()> {
    if args.first().is_some_and(|name| name == "peers") {
        peers::install()?;
    }
    ui::build()?;
    for packages in place::PROCESSES {
        shell::run(shell::cargo(&["build", "--profile", place::PROFILE]).args(*packages))?;
    }
    let words = ["run", "--profile", place::PROFILE, "-p", "killcord-tests", "--bin", "bench", "--"];
    shell::run(shell::cargo(&words).args(args))
}
