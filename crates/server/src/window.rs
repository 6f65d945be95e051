//! What the window at the bench does where a browser sends requests: it is the host's own, operates, and needs no link.

use std::sync::Arc;

use killcord::{
    Role,
    wire::{LinkView, TokensView},
};

use crate::{
    Server,
    answer::{Refusal, Refused},
    guests,
};

impl Server {
    /// Everything that lets somebody in.
    #[must_use]
    pub fn tokens(&self) -> TokensView {
        guests::tokens(&self.shared, None)
    }

    /// Lets one in no more, nor whom it has let in: their sessions end at once.
    ///
    /// # Errors
    /// There is none of that name, the disk did not take it, or the server has ended.
    pub async fn revoke(&self, name: String) -> Result<(), Refusal> {
        let shared = Arc::clone(&self.shared);
        let done = self.runtime.spawn(async move { guests::forget(&shared, &name, None).await });
        Ok(done.await.unwrap_or(Err(Refused::Ending))?)
    }

    /// A link for one browser more, for ten minutes. It takes the place of [`Self::invite`]'s: the host has one at a time.
    ///
    /// # Errors
    /// The system has no randomness.
    pub fn link(&self, role: Role) -> Result<LinkView, Refusal> {
        Ok(guests::invitation(&self.shared, role, None)?)
    }
}
