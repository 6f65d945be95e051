//! Takes the built panel in, so that a program that serves needs no file beside it. A build without Node has none, and
//! the server says so in its place.

use std::{
    env, fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

/// Where `cargo xtask ui` puts it, from here.
const PANEL: &str = "../../ui/panel/dist";

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join(PANEL);
    println!("cargo::rerun-if-changed={}", root.display());
    let mut files = Vec::new();
    if root.join("index.html").is_file() {
        collect(&root, &mut files)?;
        files.sort();
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("panel.rs");
    let mut out = fs::File::create(out)?;
    writeln!(out, "&[")?;
    for file in files {
        let name = file.strip_prefix(&root).map_err(io::Error::other)?.display().to_string();
        writeln!(out, "    ({name:?}, include_bytes!({:?}).as_slice()),", file.display().to_string())?;
    }
    writeln!(out, "]")
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
