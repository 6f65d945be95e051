//! The files that are generated from the wire crate, so that page and host cannot disagree about a frame.

use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::{place, shell};

const TYPESCRIPT: &str = "ui/client/src/generated/wire.ts";

/// Writes them, only when they differ: their times drive the front end's build.
pub(crate) fn write() -> Result<()> {
    let text = typescript()?;
    let path = Path::new(TYPESCRIPT);
    if is_same(path, &text) {
        println!("{TYPESCRIPT} is up to date.");
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    std::fs::write(path, text).with_context(|| format!("cannot write {TYPESCRIPT}"))?;
    println!("{TYPESCRIPT} written.");
    Ok(())
}

/// Fails when they are not what would be written now.
pub(crate) fn check() -> Result<()> {
    if is_same(Path::new(TYPESCRIPT), &typescript()?) {
        println!("{TYPESCRIPT} is up to date.");
        return Ok(());
    }
    bail!("{TYPESCRIPT} is not what crates/wire says: run `cargo xtask generate` and commit it");
}

fn is_same(path: &Path, text: &str) -> bool {
    std::fs::read_to_string(path).is_ok_and(|old| old == text)
}

fn typescript() -> Result<String> {
    let args =
        ["run", "--quiet", "--profile", place::PROFILE, "-p", "killcord-wire", "--features", "generate"];
    let text = shell::read(shell::cargo(&args).args(["--example", "generate"]))?;
    if text.trim().is_empty() {
        bail!("the wire crate's `generate` example printed nothing");
    }
    Ok(text)
}
