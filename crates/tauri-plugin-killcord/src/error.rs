//! Why the plugin could not be built.

/// Why the plugin could not be built. Nothing has been sent to any device.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The rig file could not be read, or has problems; they say where and what to write instead.
    #[error("the rig file cannot be used:\n{0}")]
    Rig(killcord_rig::Diagnostics),
    /// The host could not start: the rig is held by another process, or its state cannot be written.
    #[error("the host could not start")]
    Start(#[from] killcord::StartError),
    /// The signal handlers could not be installed.
    #[error("signals cannot be handled: start the app with fewer open files, or with `.signals(false)`")]
    Signals(#[source] std::io::Error),
}

impl From<killcord_rig::Diagnostics> for Error {
    fn from(problems: killcord_rig::Diagnostics) -> Self {
        Self::Rig(problems)
    }
}
