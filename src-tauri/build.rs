//! Embeds the panel and writes down what its page may do.

use std::{path::Path, process::ExitCode};

use tauri_build::{AppManifest, Attributes};

/// What `tauri.conf.json` names as `frontendDist`, from here.
const PANEL: &str = "../ui/panel/dist/index.html";

fn main() -> ExitCode {
    println!("cargo::rerun-if-changed={PANEL}");
    if !Path::new(PANEL).is_file() {
        println!("cargo::error=the panel is not built yet: run `cargo xtask ui` first");
        return ExitCode::FAILURE;
    }
    // Named here, a command is nobody's but whose capability allows it.
    let app = AppManifest::new().commands(&["access"]);
    if let Err(error) = tauri_build::try_build(Attributes::new().app_manifest(app)) {
        println!("cargo::error={error:#}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
