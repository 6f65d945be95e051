//! An empty Tauri window, as small as Tauri makes one: the start and the memory of the desktop app are
//! measured against it, in the same run. It must never do anything else.

#[allow(clippy::disallowed_methods)] // What Tauri's macro generates calls it.
fn main() -> tauri::Result<()> {
    tauri::Builder::default().run(tauri::generate_context!())
}
