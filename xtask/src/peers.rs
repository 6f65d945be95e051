//! The instruments of others: simulators from public registries in a virtual environment under `target/`.

use std::path::Path;

use anyhow::{Context, Result};

use crate::{place, shell};

/// Makes the environment hold exactly what its list says; does nothing when it already does.
pub(crate) fn install() -> Result<()> {
    let wanted = std::fs::read_to_string(place::PEERS_LIST)
        .with_context(|| format!("cannot read {}", place::PEERS_LIST))?;
    let stamp = Path::new(place::PEERS).join("installed.txt");
    if std::fs::read_to_string(&stamp).is_ok_and(|done| done == wanted) {
        println!("{} is up to date.", place::PEERS);
        return Ok(());
    }
    shell::run(&mut shell::command("python3", &["-m", "venv", "--clear", place::PEERS]))?;
    let python = Path::new(place::PEERS).join("bin/python");
    let args = ["-m", "pip", "install", "--quiet", "--no-cache-dir", "--disable-pip-version-check"];
    shell::run(shell::command(&python.to_string_lossy(), &args).args([
        "--no-deps",
        "-r",
        place::PEERS_LIST,
    ]))?;
    // Written last: an installation that was cut short is begun anew.
    std::fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))
}
