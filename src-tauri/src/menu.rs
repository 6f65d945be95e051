//! The window's menu.

use killcord::Cause;
use tauri::{
    AppHandle, Manager as _, Wry,
    menu::{
        AboutMetadataBuilder, Menu, MenuBuilder, MenuEvent, MenuItem, PredefinedMenuItem, SubmenuBuilder,
    },
};
use tauri_plugin_killcord::KillcordExt as _;

use crate::{about, dialog, serve::Served};

/// Brings the window to the front.
pub(crate) const SHOW: &str = "show";
/// The safe stop: as its button.
pub(crate) const SAFE_STOP: &str = "safe_stop";
/// Shows a link for a browser.
pub(crate) const BROWSER: &str = "browser";
/// Closes the window, hardware safe first.
pub(crate) const QUIT: &str = "quit";

/// The bar above the panel.
pub(crate) fn bar(app: &AppHandle) -> tauri::Result<Menu<Wry>> {
    let quit = MenuItem::with_id(app, QUIT, "Quit safely", true, Some("CmdOrCtrl+Q"))?;
    let about = AboutMetadataBuilder::new()
        .name(Some("Killcord"))
        .version(Some(env!("CARGO_PKG_VERSION")))
        .comments(Some(format!("{}\n\n{}", about::WHAT, about::NOT_CERTIFIED)))
        .license(Some("MIT OR Apache-2.0"))
        .build();
    let browser = MenuItem::with_id(app, BROWSER, "Open in a browser…", true, None::<&str>)?;
    let file = SubmenuBuilder::new(app, "File").item(&browser).separator().item(&quit).build()?;
    let help = SubmenuBuilder::new(app, "Help")
        .item(&PredefinedMenuItem::about(app, Some("About Killcord"), Some(about))?)
        .build()?;
    MenuBuilder::new(app).items(&[&file, &help]).build()
}

/// The tray's menu.
pub(crate) fn tray(app: &AppHandle) -> tauri::Result<Menu<Wry>> {
    MenuBuilder::new(app)
        .text(SHOW, "Show")
        .text(SAFE_STOP, "Safe stop")
        .separator()
        .text(QUIT, "Quit safely")
        .build()
}

/// Something was chosen in either.
#[allow(clippy::needless_pass_by_value, reason = "the shape that Tauri calls")]
pub(crate) fn chosen(app: &AppHandle, event: MenuEvent) {
    let killcord = app.killcord();
    match event.id().as_ref() {
        // A close by another name.
        QUIT => drop(killcord.host().shutdown(Cause::WindowClosed)),
        SAFE_STOP => drop(killcord.host().safe_stop()),
        SHOW => killcord.raise(),
        BROWSER => match app.try_state::<Option<Served>>().and_then(|served| served.as_ref()?.invite()) {
            Some(invitation) => dialog::link(&invitation),
            None => dialog::note(
                "This bench is not served to browsers",
                "Write a [remote] section into its rig file, such as:\n\n[remote]\nlisten = \"127.0.0.1:8420\"",
            ),
        },
        _ => {}
    }
}
