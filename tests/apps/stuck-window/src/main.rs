//! An app that uses the Killcord plugin and can be made to fail: each of its own commands is one fault, done at
//! the moment at which a page calls it. What Killcord promises must hold all the same.

use std::{error::Error, process::ExitCode};

use tauri::AppHandle;
use tauri_plugin_killcord::Builder;

/// Hangs GTK's thread for good: a command that is not async runs on it.
#[tauri::command]
fn hang() {
    loop {
        std::thread::park();
    }
}

/// Panics on GTK's thread inside a callback of C, which nothing can unwind through: the process aborts.
#[tauri::command]
fn panic_in_callback() {
    panic!("a callback of the window has a fault");
}

/// Panics in a turn of the event loop itself: `main` unwinds, and the process ends.
#[tauri::command(async)]
fn panic_in_loop(app: AppHandle) -> tauri::Result<()> {
    app.run_on_main_thread(|| panic!("the event loop has a fault"))
}

/// Ends the process on the spot, as a failed assertion in a C library does.
#[tauri::command(async)]
fn abort() {
    std::process::abort();
}

/// Takes memory until the system gives no more.
#[tauri::command(async)]
fn leak() {
    let mut taken = Vec::new();
    loop {
        taken.push(vec![1_u8; 1 << 20]);
    }
}

#[allow(clippy::disallowed_methods)] // What Tauri's macro generates calls one.
fn main() -> Result<ExitCode, Box<dyn Error>> {
    let rig = std::env::args_os().nth(1).ok_or("which rig?")?;
    let killcord = Builder::new(rig).signals(true).build()?;
    let app = tauri::Builder::default()
        .plugin(killcord)
        .invoke_handler(tauri::generate_handler![hang, panic_in_callback, panic_in_loop, abort, leak])
        .build(tauri::generate_context!())?;
    Ok(ExitCode::from(u8::try_from(app.run_return(|_, _| {}))?))
}
