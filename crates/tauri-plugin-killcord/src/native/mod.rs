//! What needs the platform's own toolkit: dialogs that no page can delay, and the web process.

#[cfg(target_os = "linux")]
mod dialog;
#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(target_os = "linux")]
mod web_process;

#[cfg(target_os = "linux")]
pub(crate) use self::{
    dialog::{ask, tell},
    web_process::{end_web_process, watch_web_process},
};
#[cfg(not(target_os = "linux"))]
pub(crate) use elsewhere::{ask, end_web_process, tell, watch_web_process};
