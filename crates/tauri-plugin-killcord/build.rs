//! Writes down the plugin's commands and permissions for Tauri's access control.

fn main() {
    tauri_plugin::Builder::new(&["attach", "send", "operate", "acknowledge_report"]).build();
}
