//! The files that are generated from the wire crate, so that page and host cannot disagree about a frame.

use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::{place, shell};

/// Each file, and the example of the wire crate that prints it.
const FILES: [(&str, &str); 2] =
    [("ui/client/src/generated/wire.ts", "generate"), ("crates/server/src/openapi.json", "openapi")];

/// Writes them, only when they differ: their times drive the front end's build.
pub(crate) fn write() -> Result<()> {
    for (name, example) in FILES {
        let (path, text) = (Path::new(name), printed(example)?);
        if is_same(path, &text) {
            println!("{name} is up to date.");
            continue;
        }
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        }
        std::fs::write(path, text).with_context(|| format!("cannot write {name}"))?;
        println!("{name} written.");
    }
    Ok(())
}

/// Fails when they are not what would be written now.
pub(crate) fn check() -> Result<()> {
    for (name, example) in FILES {
        if !is_same(Path::new(name), &printed(example)?) {
            bail!("{name} is not what crates/wire says: run `cargo xtask generate` and commit it");
        }
        println!("{name} is up to date.");
    }
    Ok(())
}

fn is_same(path: &Path, text: &str) -> bool {
    std::fs::read_to_string(path).is_ok_and(|old| old == text)
}

fn printed(example: &str) -> Result<String> {
    let args =
        ["run", "--quiet", "--profile", place::PROFILE, "-p", "killcord-wire", "--features", "generate"];
    let text = shell::read(shell::cargo(&args).args(["--example", example]))?;
    if text.trim().is_empty() {
        bail!("the wire crate's `{example}` example printed nothing");
    }
    Ok(text)
}
