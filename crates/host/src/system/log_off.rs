//! The end of a person's desktop session, as a session manager announces it (GNOME's and those that speak its
//! language: `org.gnome.SessionManager` on the session bus).
//!
//! For programs with a window. One in a terminal is told of a log-off by SIGHUP.

use std::{io, sync::Arc, thread, time::Duration};

use killcord_core::{Cause, Extent, Mode};
use zbus::{
    blocking::{Connection, MessageIterator},
    zvariant::OwnedObjectPath,
};

use super::bus::{self, Signal};
use crate::{Host, engine::Shared};

const SERVICE: &str = "org.gnome.SessionManager";
const PATH: &str = "/org/gnome/SessionManager";
const CLIENT: &str = "org.gnome.SessionManager.ClientPrivate";

/// What a host may take for its end beyond its deadline.
const END: Duration = Duration::from_secs(2);

/// Has a host end with the person's desktop session: the session manager waits until the hardware is safe and
/// released. Returns at once; where there is no session manager, nothing comes of it. `app_id` is the name of
/// the program's desktop file, without its extension.
///
/// # Errors
/// When the system gives no thread.
pub fn end_with_session(host: &Host, app_id: &str) -> io::Result<()> {
    let (shared, app_id) = (Arc::clone(host.shared()), app_id.to_owned());
    let attend = move || match register(&app_id) {
        Ok((member, messages)) => member.attend(&shared, messages),
        Err(error) => {
            tracing::info!(%error, "no session manager: a log-off shows as SIGTERM, SIGHUP or a lost display")
        }
    };
    thread::Builder::new().name("killcord-log-off".into()).spawn(attend).map(drop)
}

/// One member of the session.
struct Member {
    connection: Connection,
    path: OwnedObjectPath,
    owner: Option<String>,
}

fn register(app_id: &str) -> zbus::Result<(Member, MessageIterator)> {
    let connection = bus::of_the_person()?;
    let messages = bus::listen(&connection, SERVICE, CLIENT)?;
    // How a session manager knows again a program that it has started.
    let started_as = std::env::var("DESKTOP_AUTOSTART_ID").unwrap_or_default();
    let path = connection
        .call_method(Some(SERVICE), PATH, Some(SERVICE), "RegisterClient", &(app_id, started_as))?
        .body()
        .deserialize()?;
    let owner = bus::owner(&connection, SERVICE);
    Ok((Member { connection, path, owner }, messages))
}

impl Member {
    /// Until the session manager is gone.
    fn attend(&self, shared: &Shared, messages: MessageIterator) {
        for message in messages {
            let Ok(message) = message else { return };
            let header = message.header();
            let Some(signal) = Signal::of(&message, &header) else { continue };
            let to_us = header.path().is_some_and(|path| path.as_str() == self.path.as_str());
            if !to_us || !signal.is_from(self.owner.as_deref()) {
                continue;
            }
            match signal.member {
                // Nothing of ours is a reason for a person to stay.
                "QueryEndSession" => self.agree(),
                "EndSession" => {
                    let ending = shared.demand(Cause::LogOff, Mode::Safe, Extent::End);
                    if ending.wait(shared.rig.plan.deadline + END).is_none() {
                        tracing::error!("the teardown has not ended in time; the log-off goes on");
                    }
                    self.agree();
                }
                "Stop" => drop(shared.demand(Cause::LogOff, Mode::Safe, Extent::End)),
                _ => {}
            }
        }
    }

    fn agree(&self) {
        let path = self.path.as_ref();
        let answer = (true, "");
        if let Err(error) =
            self.connection.call_method(Some(SERVICE), path, Some(CLIENT), "EndSessionResponse", &answer)
        {
            tracing::warn!(%error, "the session manager was not answered; it goes on by itself after a while");
        }
    }
}
