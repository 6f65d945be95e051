//! Tells Tauri's access control of the app's own command.

fn main() {
    let own = tauri_build::AppManifest::new().commands(&["greet"]);
    if let Err(error) = tauri_build::try_build(tauri_build::Attributes::new().app_manifest(own)) {
        println!("cargo::error={error:#}");
    }
}
