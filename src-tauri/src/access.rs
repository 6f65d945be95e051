//! What the panel's sessions page asks in the window, where a browser's asks by HTTP: who is there, who may come in, and the
//! end of either. The window operates; its page alone may ask (`capabilities/panel.json`).

use killcord::{
    Host, Role,
    core::SessionId,
    wire::{LinkView, SessionsView, TokensView},
};
use killcord_server::Refusal;
use serde::{Deserialize, Serialize};
use tauri::{AppHandle, Manager as _};

use crate::serve::Served;

/// A question.
#[derive(Debug, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub(crate) enum Ask {
    /// Who is attached.
    Sessions,
    /// Ends a session.
    End {
        /// Its number.
        session: u64,
    },
    /// Everything that lets somebody in.
    Tokens,
    /// Lets one in no more, nor whom it has let in.
    Revoke {
        /// Its name.
        name: String,
    },
    /// A link for one browser more.
    Link {
        /// As what.
        role: Role,
    },
}

/// Its answer, as HTTP would have it.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Answer {
    Sessions(SessionsView),
    Tokens(TokensView),
    Link(LinkView),
    /// Done, and nothing is to be said.
    Done(()),
}

/// Why there is none.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Refused {
    Server(Refusal),
    Own { code: &'static str, message: &'static str },
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self::Server(refusal)
    }
}

const UNKNOWN: Refused = Refused::Own { code: "unknown", message: "there is no such session" };
const ENDING: Refused = Refused::Own { code: "ending", message: "the host ends" };

#[tauri::command]
pub(crate) async fn access(app: AppHandle, ask: Ask) -> Result<Answer, Refused> {
    let (host, served) = (app.state::<Host>(), app.state::<Option<Served>>());
    let server = || served.as_ref().and_then(Served::browsers).ok_or_else(Refusal::no_browsers);
    match ask {
        Ask::Sessions => Ok(Answer::Sessions(host.sessions().await.ok_or(ENDING)?)),
        Ask::End { session } => match host.end_session(SessionId(session)).await {
            Some(true) => Ok(Answer::Done(())),
            Some(false) => Err(UNKNOWN),
            None => Err(ENDING),
        },
        Ask::Tokens => Ok(Answer::Tokens(server()?.tokens())),
        Ask::Revoke { name } => Ok(Answer::Done(server()?.revoke(name).await?)),
        Ask::Link { role } => Ok(Answer::Link(server()?.link(role)?)),
    }
}
