//! What the plugin keeps for the life of the app.

use std::time::Duration;

use killcord::Host;

use crate::{
    builder::{OnClose, Progress},
    leave::Leave,
    windows::Windows,
};

/// Everything the plugin knows, shared by its parts.
pub(crate) struct Shell {
    pub(crate) host: Host,
    pub(crate) settings: Settings,
    pub(crate) windows: Windows,
    pub(crate) leave: Leave,
}

/// What the builder was told, and the rig's times.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Labels of the windows whose end is the app's end.
    pub(crate) windows: Vec<String>,
    pub(crate) on_close: OnClose,
    pub(crate) progress: Progress,
    /// How often a lease is renewed.
    pub(crate) beat: Duration,
    /// The longest a teardown may take.
    pub(crate) deadline: Duration,
}

impl Settings {
    /// Whether the end of window `label` is the app's end.
    pub(crate) fn watches(&self, label: &str) -> bool {
        self.windows.iter().any(|watched| watched == label)
    }
}
