//! The front end: `npm ci` and `npm run build` in `ui/`, only when something is newer than what was built.

use std::path::Path;
use std::time::SystemTime;

use anyhow::{Context, Result};

use crate::node::{self, Node};
use crate::{place, shell};

/// Builds the panel if its sources are newer.
pub(crate) fn build() -> Result<()> {
    if !is_stale()? {
        println!("{} is up to date.", place::PANEL);
        return Ok(());
    }
    let node = node::ready()?;
    install(&node)?;
    shell::run(&mut node.npm(place::UI, &["run", "build"]))
}

/// `npm ci`, unless the lock file is older than what it installed.
pub(crate) fn install(node: &Node) -> Result<()> {
    let lock = changed(Path::new("ui/package-lock.json"))?;
    let done = changed(Path::new("ui/node_modules/.package-lock.json"));
    if done.is_ok_and(|done| done >= lock) {
        return Ok(());
    }
    shell::run(&mut node.npm(place::UI, &["ci", "--no-audit", "--no-fund"]))
}

/// Whether the panel has to be built.
pub(crate) fn is_stale() -> Result<bool> {
    let Ok(built) = changed(&Path::new(place::PANEL).join("index.html")) else { return Ok(true) };
    Ok(newest_source(Path::new(place::UI))? > built)
}

fn newest_source(folder: &Path) -> Result<SystemTime> {
    let mut newest = SystemTime::UNIX_EPOCH;
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let entry = entry.with_context(|| format!("cannot read {}", folder.display()))?;
        let name = entry.file_name();
        if name == "node_modules" || name == "dist" || name.to_string_lossy().starts_with('.') {
            continue;
        }
        let path = entry.path();
        let time = if path.is_dir() { newest_source(&path)? } else { changed(&path)? };
        newest = newest.max(time);
    }
    Ok(newest)
}

fn changed(path: &Path) -> Result<SystemTime> {
    let meta = path.metadata().with_context(|| format!("cannot read {}", path.display()))?;
    meta.modified().with_context(|| format!("{} has no time", path.display()))
}
