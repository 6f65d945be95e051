//! What is refused over HTTP: one place that maps a reason to its status and stable code.

use axum::{
    Extension, Json,
    http::{HeaderValue, StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};
use serde::Serialize;

/// Why a request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Refused {
    /// `Host` is none of this server's names.
    WrongHost,
    /// `Origin` is none of this server's, or is missing where a browser always sends it.
    WrongOrigin,
    /// Fetched in advance: a page that nobody looks at gets no session.
    Prefetch,
    /// No cookie of a paired browser.
    NotPaired,
    /// Without the cookie of the app's own origin.
    NotEntered,
    /// Let in to look.
    OperatorsOnly,
    /// In plain text from another machine.
    NotEncrypted,
    /// Done, and undone by a restart: the disk does not take it.
    NotKept,
    /// As many browsers are let in as can be.
    Full,
    /// The pairing code is none.
    CodeWrong,
    /// The pairing code has let a browser in.
    CodeUsed,
    /// The pairing code is too old.
    CodeExpired,
    /// Too many tries, or too much at once.
    TooMany,
    /// Not what is taken there.
    BadRequest,
    /// The rig lets no browser in.
    NoBrowsers,
    /// The window at the bench is nobody's to sign out.
    Window,
    /// Nothing there.
    Unknown,
    /// Something there, and nothing that is done so.
    WrongMethod,
    /// Took too long.
    TooSlow,
    /// The host is over.
    Ending,
    /// The rig is still being opened.
    NotReady,
    /// The wrapped app does not answer yet.
    AppNotReady,
    /// The wrapped app has ended, or gave no answer that can be read.
    AppGone,
    /// The wrapped app has been asked, and has not answered in time.
    AppSlow,
    /// The wrapped app's page wants a worker between pages and host.
    ServiceWorker,
    /// The server cannot: the system has no randomness.
    Failed,
    /// The journal cannot be read.
    NoJournal,
}

/// In seconds (RFC 9110 section 10.2.3): as the message says it.
const A_MINUTE: HeaderValue = HeaderValue::from_static("60");

/// Why something was not done, as it is told: a stable code, and what to do next.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Refusal {
    code: Refused,
    message: &'static str,
}

impl Refusal {
    /// Of a rig without `[remote]`.
    #[must_use]
    pub fn no_browsers() -> Self {
        Refused::NoBrowsers.into()
    }
}

impl From<Refused> for Refusal {
    fn from(code: Refused) -> Self {
        Self { code, message: code.message() }
    }
}

impl Refused {
    const fn status(self) -> StatusCode {
        match self {
            Self::WrongHost => StatusCode::MISDIRECTED_REQUEST,
            Self::WrongOrigin
            | Self::Prefetch
            | Self::CodeWrong
            | Self::OperatorsOnly
            | Self::NotEncrypted
            | Self::Window
            | Self::ServiceWorker => StatusCode::FORBIDDEN,
            Self::NotPaired | Self::NotEntered => StatusCode::UNAUTHORIZED,
            Self::CodeUsed | Self::CodeExpired => StatusCode::GONE,
            Self::TooMany => StatusCode::TOO_MANY_REQUESTS,
            Self::BadRequest => StatusCode::BAD_REQUEST,
            Self::Unknown | Self::NoBrowsers => StatusCode::NOT_FOUND,
            Self::WrongMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::NotKept | Self::Full => StatusCode::INSUFFICIENT_STORAGE,
            Self::AppGone => StatusCode::BAD_GATEWAY,
            Self::AppSlow => StatusCode::GATEWAY_TIMEOUT,
            Self::NotReady | Self::AppNotReady | Self::Ending | Self::Failed | Self::NoJournal => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }

    /// Whether the same request may be answered a moment later.
    pub(crate) const fn may_pass(self) -> bool {
        matches!(self, Self::TooMany | Self::AppNotReady | Self::AppGone)
    }

    pub(crate) const fn message(self) -> &'static str {
        match self {
            Self::WrongHost => {
                "this server is not reached by that name; open the address that Killcord printed"
            }
            Self::WrongOrigin => {
                "only this server's own pages may do that; open the address that Killcord printed"
            }
            Self::Prefetch => "pages are not given in advance; open it",
            Self::NotPaired => "this browser is not paired; open the link that Killcord printed",
            Self::NotEntered => "the app is shown in Killcord's own page; reload that",
            Self::OperatorsOnly => {
                "only operators may do that; ask one, or pair this browser by an operator's link"
            }
            Self::NotEncrypted => {
                "this server is reached through its proxy; open the address that Killcord printed"
            }
            Self::NotKept => {
                "done, but the disk did not take it: after a restart it is undone; look at the log"
            }
            Self::Full => "as many browsers are let in as can be; an operator has to revoke some first",
            Self::CodeWrong => "this is no link of this host; open the newest one that Killcord printed",
            Self::CodeUsed => "this link was used; open the newest one that Killcord printed",
            Self::CodeExpired => "this link is too old; open the new one that Killcord has just printed",
            Self::TooMany => "too much at once; wait a minute and try again",
            Self::BadRequest => "this is not what is taken here; reload the page",
            Self::NoBrowsers => "this rig file has no [remote]: no browser is let in",
            Self::Window => "this window is the bench's own; close it",
            Self::Unknown => "there is nothing here",
            Self::WrongMethod => "this is not done so; look at /killcord/openapi.json",
            Self::TooSlow => "the request took too long; try again",
            Self::Ending => "the host ends; open the page again when it is back",
            Self::NotReady => "the rig is being opened; wait",
            Self::NoJournal => {
                "the journal cannot be read; `killcord journal` on the bench's machine says why"
            }
            Self::AppNotReady => "the app is not ready yet; wait",
            Self::AppGone => {
                "the app does not answer; the bar above it and /killcord/panel say what became of it"
            }
            Self::AppSlow => "the app has not answered within an hour; reload the page",
            Self::ServiceWorker => {
                "an app behind Killcord runs without a service worker; nothing is to be done"
            }
            Self::Failed => "this machine gives no random numbers; nobody can be paired",
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let body = Json(Refusal::from(self));
        // The extension is for whoever counts.
        let mut answer = (self.status(), Extension(self), body).into_response();
        if self == Self::TooMany {
            answer.headers_mut().insert(RETRY_AFTER, A_MINUTE);
        }
        answer
    }
}
