//! The terminal's seat at the host: its attachment, its frames, its epoch.

use std::{sync::mpsc::SyncSender, thread};

use killcord::{
    Attachment, Host, Role, SessionKind,
    core::Epoch,
    wire::{ToHost, ToPage, VERSION},
};

use super::Event;

/// One attachment, told apart from the ones before it by its number.
pub(super) struct Seat {
    number: u64,
    attachment: Attachment,
    epoch: Option<Epoch>,
    resume: Option<String>,
    welcomed: bool,
    over: bool,
}

impl Seat {
    /// Sits down and says hello; frames come as events.
    pub(super) fn take(host: &Host, events: &SyncSender<Event>, number: u64, resume: Option<String>) -> Self {
        let (attachment, mut frames) = host.attach(SessionKind::Terminal);
        let events = events.clone();
        let listen = move || {
            while let Some(frame) = frames.blocking_recv() {
                if events.send(Event::Frame(number, frame)).is_err() {
                    return;
                }
            }
        };
        if let Err(error) = thread::Builder::new().name("killcord-frames".into()).spawn(listen) {
            // Not renewed by anybody who hears nothing: the lease runs out and the rig is made safe.
            tracing::error!(%error, "the system gives no thread for the terminal's frames");
        }
        let hello =
            ToHost::Hello { v: VERSION, resume: resume.clone(), nonce: String::new(), want: Role::Operator };
        attachment.frame(hello);
        Self { number, attachment, epoch: None, resume, welcomed: false, over: false }
    }

    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    /// The token to go on with.
    pub(super) fn resume(&self) -> Option<String> {
        self.resume.clone()
    }

    /// The epoch to give with commands.
    pub(super) const fn epoch(&self) -> Option<Epoch> {
        self.epoch
    }

    /// Whether the host has said that the session is over.
    pub(super) const fn is_over(&self) -> bool {
        self.over
    }

    /// Whether the host has let go of this seat without a word: frames were not taken fast enough.
    pub(super) fn is_lost(&self) -> bool {
        self.welcomed && self.attachment.session().is_none()
    }

    pub(super) fn renew(&self) {
        self.attachment.renew();
    }

    pub(super) fn say(&self, frame: ToHost) {
        self.attachment.frame(frame);
    }

    /// Keeps what later frames need.
    pub(super) fn heed(&mut self, frame: &ToPage) {
        match frame {
            ToPage::Welcome { epoch, resume, .. } => {
                self.epoch = Some(*epoch);
                self.resume = Some(resume.clone());
                self.welcomed = true;
            }
            ToPage::Control { epoch, .. } => self.epoch = Some(*epoch),
            ToPage::Ended { .. } => {
                self.resume = None;
                self.over = true;
            }
            _ => {}
        }
    }
}
