//! Why a command did not do what it was asked to, and the exit status that stands for it.

use std::path::PathBuf;

use killcord::{StartError, door::DoorError, journal::JournalError};
use killcord_rig::{Diagnostics, Style};

use crate::drill::RunError;

/// Why a command stops. Nothing was sent to any device by then that would not have been sent anyway.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Stop {
    /// The command line does not make sense; the text says what does.
    #[error("{0}")]
    Usage(String),
    /// The rig file is wrong.
    #[error("{0}")]
    Rig(Diagnostics),
    /// The file of simulated instruments is wrong.
    #[error("the file of instruments cannot be used")]
    Bench(#[from] killcord_sim::ConfigError),
    /// A rig that was not named is opened only by a person's word, and nobody could be asked or wanted it.
    #[error("{0}")]
    NotConfirmed(String),
    /// The host could not start.
    #[error("the rig was not opened")]
    Start(#[from] StartError),
    /// Browsers cannot be served.
    #[error("the rig was not served")]
    Serve(#[from] killcord_server::BindError),
    /// Who may come in cannot be changed.
    #[error("nothing was changed")]
    Token(#[from] killcord_server::TokenError),
    /// Another process has the rig, and what to do then.
    #[error("{0}")]
    Held(String),
    /// A running host could not be asked.
    #[error("the running host was not reached")]
    Door(#[from] DoorError),
    /// The local door answered with an error.
    #[error("the running host could not do it: {0}")]
    Refused(String),
    /// The journal could not be read.
    #[error("the journal was not read")]
    Journal(#[from] JournalError),
    /// There is nothing of that name or number; what to ask for instead.
    #[error("{0}")]
    Nothing(String),
    /// A file could not be written or read.
    #[error("{path}: {remedy}")]
    File {
        /// Which.
        path: PathBuf,
        /// What to do.
        remedy: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// Simulated instruments could not be started.
    #[error("the simulated instruments could not be started")]
    Sim(#[from] killcord_sim::StartError),
    /// Another program could not be started, or the system gave no thread.
    #[error("{what}")]
    System {
        /// What was tried, and what to do.
        what: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A drill could not go on.
    #[error("the drill cannot go on")]
    Drill(#[source] RunError),
    /// The demo's simulated bench did not come up.
    #[error("the demo's simulated bench did not start: {0}")]
    Demo(String),
}

impl Stop {
    /// The exit status: 2 for what a person wrote wrong, 3 for what could not start.
    pub(crate) const fn status(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::Rig(_) | Self::Bench(_) | Self::NotConfirmed(_) | Self::Nothing(_) => 2,
            Self::Start(_)
            | Self::Serve(_)
            | Self::Held(_)
            | Self::Door(_)
            | Self::Refused(_)
            | Self::Journal(_)
            | Self::File { .. }
            | Self::Sim(_)
            | Self::System { .. }
            | Self::Drill(_)
            | Self::Token(_)
            | Self::Demo(_) => 3,
        }
    }

    /// It and its causes, as stderr shows them.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Rig(problems) => problems.render(Style::of(&std::io::stderr())),
            stop => chain(stop),
        }
    }
}

/// An error with what caused it: none of ours repeats its source.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
