//! An app that uses the Killcord plugin and has one fault: its own command `hang` never returns, and runs on
//! GTK's thread. What the plugin promises must hold all the same.

use std::{error::Error, process::ExitCode};

use tauri_plugin_killcord::Builder;

/// Hangs GTK's thread for good: a command that is not async runs on it.
#[tauri::command]
fn hang() {
    loop {
        std::thread::park();
    }
}

#[allow(clippy::disallowed_methods)] // What Tauri's macro generates calls one.
fn main() -> Result<ExitCode, Box<dyn Error>> {
    let rig = std::env::args_os().nth(1).ok_or("which rig?")?;
    let killcord = Builder::new(rig).signals(true).build()?;
    let app = tauri::Builder::default()
        .plugin(killcord)
        .invoke_handler(tauri::generate_handler![hang])
        .build(tauri::generate_context!())?;
    Ok(ExitCode::from(u8::try_from(app.run_return(|_, _| {}))?))
}
