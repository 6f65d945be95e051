//! Commands that came without a socket: who waits for the answer to which.

use killcord_core::{BrowserId, SessionId, rules::Command, rules::Input};
use killcord_wire::{ErrorCode, ReadingPast, ReadingsView};
use tokio::sync::oneshot;

use super::Engine;
use crate::{asked::Refused, view::moment};

/// The most answers that are waited for at once.
const MOST: usize = 256;

/// Where the answer goes.
pub(super) type Told = oneshot::Sender<Result<(), Refused>>;

/// Who waits, by session and the command's name.
#[derive(Default)]
pub(super) struct Asked(Vec<(SessionId, String, Told)>);

impl Asked {
    /// A command was answered.
    pub(super) fn answer(&mut self, session: SessionId, id: &str, result: &Result<(), Refused>) {
        for (.., told) in self.0.extract_if(.., |(s, i, _)| *s == session && i == id) {
            // Whoever asked may be gone.
            told.send(result.clone()).ok();
        }
    }

    /// A session has ended: nothing of it is answered any more.
    pub(super) fn ended(&mut self, session: SessionId) {
        self.0.retain(|(s, ..)| *s != session);
    }
}

impl Engine {
    pub(super) fn asked(&mut self, browser: BrowserId, command: Command, told: Told) {
        self.asked.0.retain(|(.., told)| !told.is_closed());
        let refused = if !self.seats.sessions_of(browser).contains(&command.session) {
            let message = "this browser has no such session; take its number from the page's welcome";
            Some(Refused::new(ErrorCode::HelloFirst, message))
        } else if self.asked.0.len() >= MOST {
            Some(Refused::new(ErrorCode::Busy, "too many commands wait for their answers; try again"))
        } else {
            None
        };
        if let Some(refused) = refused {
            told.send(Err(refused)).ok();
            return;
        }
        self.asked.0.push((command.session, command.id.clone(), told));
        self.input(Input::Command(command));
    }

    pub(super) fn past(&self, device: Option<&str>, name: Option<&str>, since_ms: u64) -> ReadingsView {
        let rig = &self.shared.rig;
        let wanted = |wanted: Option<&str>, is: &str| wanted.is_none_or(|wanted| wanted == is);
        let readings = rig.readings.iter().enumerate().filter_map(|(at, reading)| {
            let of = rig.plan.devices.get(reading.device.at())?;
            (wanted(device, &of.name) && wanted(name, &reading.name)).then(|| ReadingPast {
                device: of.name.clone(),
                name: reading.name.clone(),
                unit: reading.unit.clone(),
                values: self.history.of(at).into_iter().filter(|(at, _)| *at >= since_ms).collect(),
            })
        });
        ReadingsView { readings: readings.collect(), now: moment(self.now()) }
    }
}
