//! Why no window was opened, told on stderr and, to a person, in a dialog.

use std::{io::Write as _, path::PathBuf, process::ExitCode};

use killcord::StartError;
use killcord_rig::Diagnostics;
use killcord_server::BindError;

use crate::dialog;

/// Why the program stops before there is a window. Nothing was sent to any device.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Stop {
    /// Help or version.
    #[error("{0}")]
    Asked(String),
    /// The command line is wrong.
    #[error("{0}")]
    Usage(String),
    /// The rig file is wrong.
    #[error("{0}")]
    Rig(Diagnostics),
    /// No rig was named, none was found, and the demo is not installed.
    #[error("there is no rig file here or at {}: write one with `killcord init`, or name it", config.display())]
    NoRig {
        /// Where one was looked for.
        config: PathBuf,
    },
    /// The person did not want it opened.
    #[error("not opened; nothing was sent to any device")]
    Declined,
    /// The rig's window is open already, and was brought to the front.
    #[error("this rig is open already; its window was brought to the front")]
    Raised,
    /// The host could not start.
    #[error("{}", chain(.0))]
    Start(#[from] StartError),
    /// The rig cannot be served.
    #[error("{}", chain(.0))]
    Serve(#[from] BindError),
    /// Signals cannot be handled.
    #[error("signals cannot be handled, so nothing was opened: {0}")]
    Signals(#[source] std::io::Error),
    /// The demo could not be started.
    #[error("the demo could not be started: {0}")]
    Demo(#[source] std::io::Error),
    /// No display, or no WebKit.
    #[error(
        "there is no window: {0}. Without a display, use `killcord serve`; `killcord doctor` says what is missing"
    )]
    Window(String),
}

/// An error with what caused it: none of ours repeats its source.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

impl Stop {
    /// Exit status, as `killcord --help` lists them.
    const fn status(&self) -> u8 {
        match self {
            Self::Asked(_) | Self::Raised | Self::Declined => 0,
            Self::Usage(_) | Self::Rig(_) | Self::NoRig { .. } => 2,
            Self::Start(_) | Self::Serve(_) | Self::Signals(_) | Self::Demo(_) | Self::Window(_) => 3,
        }
    }

    /// Tells a person, and gives the exit status.
    pub(crate) fn tell(&self) -> ExitCode {
        let text = self.to_string();
        // Whoever closed the stream does not want to know.
        if matches!(self, Self::Asked(_)) {
            writeln!(std::io::stdout(), "{text}").ok();
        } else {
            writeln!(std::io::stderr(), "{text}").ok();
        }
        match self {
            Self::Rig(problems) => dialog::tell_text("The rig file cannot be used", &text, problems.errors()),
            Self::NoRig { .. } | Self::Start(_) | Self::Serve(_) | Self::Signals(_) | Self::Demo(_) => {
                dialog::tell("Killcord cannot start", &text);
            }
            Self::Asked(_) | Self::Usage(_) | Self::Declined | Self::Raised | Self::Window(_) => {}
        }
        ExitCode::from(self.status())
    }
}
