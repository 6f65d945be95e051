//! What a program asks of a host on behalf of somebody who holds no lease, such as HTTP: a look, a command in the
//! name of a session that does hold one, the end of a session. Every answer comes from the rules' thread.

use killcord_core::{
    BrowserId, Cause, ControlIx, Epoch, Extent, Mode, SessionEnd, SessionId, Value,
    rules::{Command, CommandKind},
};
use killcord_wire::{ErrorCode, ReadingsView, SessionsView};
use tokio::sync::oneshot;

use crate::{
    Ending, Host,
    engine::{Item, PageNews},
};

/// The longest name of a command, in bytes.
const LONGEST_ID: usize = 64;

/// A command that was refused: the stable code, and what to do next in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Stable.
    pub code: ErrorCode,
    /// For a person.
    pub message: String,
}

impl Refused {
    pub(crate) fn new(code: ErrorCode, message: &str) -> Self {
        Self { code, message: message.into() }
    }
}

/// In whose name a command comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Whose page the session has to have.
    pub browser: BrowserId,
    /// The operator's session.
    pub session: SessionId,
    /// The epoch that it believes in.
    pub epoch: Epoch,
    /// Names the command; seen again, it is answered and not repeated.
    pub id: String,
}

impl Host {
    /// Makes the rig safe, hands it back and disconnects; the host stays. Returns at once, from any thread.
    pub fn release(&self, cause: Cause) -> Ending {
        self.shared().demand(cause, Mode::Safe, Extent::Release)
    }

    /// Arms the rig.
    ///
    /// # Errors
    /// [`Refused`], as a page would be told. `None` where the host, or the session, ends before there is an answer.
    pub async fn arm(&self, named: Named) -> Option<Result<(), Refused>> {
        self.command(named, CommandKind::Arm).await
    }

    /// Sets a control.
    ///
    /// # Errors
    /// As [`Host::arm`].
    pub async fn set(
        &self,
        named: Named,
        device: &str,
        control: &str,
        value: Value,
    ) -> Option<Result<(), Refused>> {
        let Some(control) = self.shared().control(device, control) else {
            return Some(Err(Refused::new(
                ErrorCode::Unknown,
                "this rig has no such control; look at the rig's list",
            )));
        };
        self.command(named, CommandKind::Set { control, value }).await
    }

    async fn command(&self, named: Named, kind: CommandKind) -> Option<Result<(), Refused>> {
        let Named { browser, session, epoch, id } = named;
        if id.is_empty() || id.len() > LONGEST_ID {
            let message = "give the command an id of 1 to 64 bytes";
            return Some(Err(Refused::new(ErrorCode::BadFrame, message)));
        }
        let command = Command { session, id, epoch, kind };
        self.ask(|told| PageNews::Command { browser, command, told }).await
    }

    /// The recent past of the readings of that device, of that name; of all where it is `None`. Values before
    /// `since_ms` of the host's clock are left out. `None` where the host is over.
    pub async fn readings(
        &self,
        device: Option<String>,
        name: Option<String>,
        since_ms: u64,
    ) -> Option<ReadingsView> {
        self.ask(|told| PageNews::Readings { device, name, since_ms, told }).await
    }

    /// All sessions, and the last that have ended; `None` where the host is over.
    pub async fn sessions(&self) -> Option<SessionsView> {
        self.ask(PageNews::List).await
    }

    /// Ends a session, as an operator does. Whether there was one; `None` where the host is over.
    pub async fn end_session(&self, session: SessionId) -> Option<bool> {
        self.ask(|told| PageNews::End { session, told }).await
    }

    /// Ends all sessions of a browser as signed out.
    pub fn sign_out(&self, browser: BrowserId) {
        self.leave(browser, SessionEnd::SignedOut);
    }

    /// Ends all sessions of a browser that is let in no more, as ended by an operator.
    pub fn dismiss(&self, browser: BrowserId) {
        self.leave(browser, SessionEnd::EndedByOperator);
    }

    fn leave(&self, browser: BrowserId, reason: SessionEnd) {
        self.shared().queue.push(Item::Page(PageNews::Leave { browser, reason }));
    }

    async fn ask<T>(&self, news: impl FnOnce(oneshot::Sender<T>) -> PageNews) -> Option<T> {
        let (told, answer) = oneshot::channel();
        self.shared().queue.push(Item::Page(news(told)));
        answer.await.ok()
    }
}

impl crate::engine::Shared {
    /// The control of that name.
    pub(crate) fn control(&self, device: &str, control: &str) -> Option<ControlIx> {
        let at = self.rig.controls.iter().position(|known| {
            known.name == control
                && self.rig.plan.devices.get(known.device.at()).is_some_and(|known| known.name == device)
        })?;
        Some(ControlIx::from(at))
    }
}
