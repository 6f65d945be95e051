//! Signals that end a process end a host first.
//!
//! Installed before anything else in `main`. Until a host is started, a signal ends the process at once:
//! there is nothing to make safe. From then on it is a cause; a second one shortens the deadlines and never
//! skips the safe state. Stop signals of the terminal are ignored: a stopped host holds armed hardware.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU},
    iterator::Signals as Caught,
    low_level,
};

use killcord_core::Cause;

use crate::Host;

/// What a signal does.
enum Aim {
    /// Ends the process.
    Process,
    /// Is kept until the host that is being started exists.
    Starting(Option<i32>),
    /// Ends the host.
    Host(Box<dyn Fn(i32) + Send>),
}

/// The installed handlers.
#[derive(Clone)]
pub struct Signals {
    aim: Arc<Mutex<Aim>>,
}

impl Signals {
    /// Takes SIGTERM, SIGINT, SIGHUP and SIGQUIT over and has SIGTSTP, SIGTTIN and SIGTTOU ignored.
    ///
    /// # Errors
    /// When the system refuses a handler or a thread.
    pub fn install() -> io::Result<Self> {
        for ignored in [SIGTSTP, SIGTTIN, SIGTTOU] {
            // A flag that nobody reads: caught and without effect, and back to normal in a child that is
            // executed.
            signal_hook::flag::register(ignored, Arc::default())?;
        }
        let mut caught = Caught::new([SIGTERM, SIGINT, SIGHUP, SIGQUIT])?;
        let aim = Arc::new(Mutex::new(Aim::Process));
        let signals = Self { aim: Arc::clone(&aim) };
        thread::Builder::new().name("killcord-signals".into()).spawn(move || {
            for signal in caught.forever() {
                match &mut *aim.lock().unwrap_or_else(PoisonError::into_inner) {
                    // Nothing was sent to any device yet.
                    #[allow(clippy::disallowed_methods)]
                    Aim::Process => std::process::exit(128 + signal),
                    Aim::Starting(kept) => *kept = Some(signal),
                    Aim::Host(deliver) => deliver(signal),
                }
            }
        })?;
        Ok(signals)
    }

    fn set(&self, aim: Aim) -> Aim {
        std::mem::replace(&mut *self.aim.lock().unwrap_or_else(PoisonError::into_inner), aim)
    }

    /// A host is about to be started: a signal that comes now is kept for it.
    pub fn hold(&self) {
        self.set(Aim::Starting(None));
    }

    /// The start failed: signals end the process again, one that came in the meantime does so now.
    pub fn let_go(&self) {
        if let Aim::Starting(Some(signal)) = self.set(Aim::Process) {
            #[allow(clippy::disallowed_methods)]
            std::process::exit(128 + signal);
        }
    }

    /// From now on a signal ends this host; once that has ended, the process, with its outcome's status.
    pub fn deliver_to(&self, host: &Host) {
        let host = host.clone();
        let deliver = move |signal| match host.ended().outcome() {
            // All is done and on record; somebody only reads the report still.
            Some(outcome) => low_level::exit(i32::from(outcome.exit)),
            None => drop(host.shutdown(Cause::Signal { signal })),
        };
        // One that came while the host was started is delivered before the next can come.
        let mut aim = self.aim.lock().unwrap_or_else(PoisonError::into_inner);
        if let Aim::Starting(Some(signal)) = *aim {
            deliver(signal);
        }
        *aim = Aim::Host(Box::new(deliver));
    }
}
