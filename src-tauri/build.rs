//! Embeds the panel and writes down what its page may do.

use std::{path::Path, process::ExitCode};

/// What `tauri.conf.json` names as `frontendDist`, from here.
const PANEL: &str = "../ui/panel/dist/index.html";

fn main() -> ExitCode {
    println!("cargo::rerun-if-changed={PANEL}");
    if !Path::new(PANEL).is_file() {
        println!("cargo::error=the panel is not built yet: run `cargo xtask ui` first");
        return ExitCode::FAILURE;
    }
    tauri_build::build();
    ExitCode::SUCCESS
}
