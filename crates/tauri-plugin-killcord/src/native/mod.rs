//! What needs the platform's own toolkit: dialogs that no page can delay, the web process, the display's end.

#[cfg(target_os = "linux")]
mod dialog;
#[cfg(target_os = "linux")]
mod display;
#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(target_os = "linux")]
mod web_process;

#[cfg(target_os = "linux")]
pub(crate) use self::{
    dialog::{ask, tell},
    display::watch_display,
    web_process::{end_web_process, watch_web_process},
};
#[cfg(not(target_os = "linux"))]
pub(crate) use elsewhere::{ask, end_web_process, tell, watch_display, watch_web_process};
