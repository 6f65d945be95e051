//! An existing Tauri app, with its own page and command, that uses Killcord: the lines marked `killcord`
//! are all that was added to it.
//!
//! ```sh
//! killcord init rig.toml      # or a rig file of your own; `killcord sim` runs instruments to try it on
//! cargo run -p killcord-example-tauri-app -- rig.toml
//! ```

use std::{error::Error, process::ExitCode};

use tauri_plugin_killcord::{Builder, OnClose, Progress}; // killcord

/// The app's own command.
#[tauri::command]
fn greet(name: &str) -> String {
    format!("Hello, {name}.")
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let rig = std::env::args_os().nth(1).unwrap_or_else(|| "rig.toml".into()); // killcord
    let killcord = Builder::new(rig) // killcord
        .windows(["main"])
        .on_close(OnClose::Quit)
        .progress(Progress::Overlay)
        .signals(true)
        .build()?;
    let app = tauri::Builder::default()
        .plugin(killcord) // killcord
        .invoke_handler(tauri::generate_handler![greet])
        .build(context())?;
    let status = app.run_return(|_, _| {});
    Ok(ExitCode::from(u8::try_from(status)?))
}

#[allow(clippy::disallowed_methods, reason = "Tauri's own code in the macro")]
fn context() -> tauri::Context {
    tauri::generate_context!()
}
