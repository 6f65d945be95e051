//! The service manager that started this program, told what systemd wants to know: `sd_notify(3)`.
//!
//! Written here because it speaks from the rules' thread: the crate for it sends on a blocking socket, and a
//! service manager that does not read would stop the rules. A datagram that does not fit now is sent at a later
//! turn. Never a timer's word: a beat comes from the loop that would be missed.

#[cfg(target_os = "linux")]
use std::os::linux::net::SocketAddrExt as _;
use std::{
    env, io,
    os::{
        fd::BorrowedFd,
        unix::{
            ffi::OsStrExt as _,
            net::{SocketAddr, UnixDatagram},
        },
    },
    sync::Arc,
    time::Duration,
};

use killcord_core::{
    Extent, Time,
    rules::{Phase, State},
};

/// What a host may take for its start or end beyond its deadline.
const BEYOND: Duration = Duration::from_secs(5);

/// The socket of a service manager, and how often it wants to hear from us.
#[derive(Clone, Debug)]
pub struct Service {
    socket: Arc<UnixDatagram>,
    address: SocketAddr,
    beat: Option<Duration>,
}

impl Service {
    /// The one named in the environment (`NOTIFY_SOCKET`, `WATCHDOG_USEC`, `WATCHDOG_PID`); `None` where nobody
    /// asked to be told.
    #[must_use]
    pub fn from_env() -> Option<Self> {
        let name = env::var_os("NOTIFY_SOCKET")?;
        let usec = match env::var("WATCHDOG_PID") {
            Ok(pid) if pid != std::process::id().to_string() => None,
            _ => env::var("WATCHDOG_USEC").ok()?.parse().ok(),
        };
        match Self::at(name.as_bytes(), usec.map(Duration::from_micros)) {
            Ok(service) => Some(service),
            Err(error) => {
                tracing::warn!(%error, ?name, "the service manager cannot be told anything");
                None
            }
        }
    }

    /// Whether what is written there is kept in the system's log (`JOURNAL_STREAM`, systemd.exec(5)).
    #[must_use]
    pub fn keeps(stream: BorrowedFd<'_>) -> bool {
        let named = env::var("JOURNAL_STREAM").ok();
        let found = rustix::fs::fstat(stream).ok();
        matches!((named, found), (Some(named), Some(found)) if named == format!("{}:{}", found.st_dev, found.st_ino))
    }

    /// A socket by its path, `@` first for an abstract one, and the silence after which it takes us for hung.
    fn at(name: &[u8], silence: Option<Duration>) -> io::Result<Self> {
        let address = match name {
            #[cfg(target_os = "linux")]
            [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
            path => SocketAddr::from_pathname(std::ffi::OsStr::from_bytes(path))?,
        };
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        Ok(Self { socket: Arc::new(socket), address, beat: silence.map(|silence| silence / 2) })
    }

    /// Whether it is out, or never will be.
    fn say(&self, text: &str) -> bool {
        match self.socket.send_to_addr(text.as_bytes(), &self.address) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => false,
            Err(error) => {
                tracing::debug!(%error, "the service manager does not listen");
                true
            }
            Ok(_) => true,
        }
    }
}

/// How far the service manager was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Told {
    Nothing,
    Starting,
    Ready,
    Stopping,
}

/// What the rules' loop says at each turn.
#[derive(Debug)]
pub(crate) struct Notices {
    service: Option<Service>,
    told: Told,
    beat: Time,
}

impl Notices {
    pub(crate) const fn to(service: Option<Service>) -> Self {
        Self { service, told: Told::Nothing, beat: Time::ZERO }
    }

    /// A full turn of the loop is done; `answering` says that no link's thread and no reader is stuck. In a teardown that
    /// says nothing: it is over by its deadline whatever they do, and nobody is to end the host before (decision 0016).
    pub(crate) fn turn(&mut self, state: &State, now: Time, answering: bool) {
        let Some(service) = &self.service else { return };
        let ends = matches!(state.phase(), Phase::Teardown(running) if now < running.deadline);
        let answering = answering || ends;
        let deadline = state.rig().plan.deadline + BEYOND;
        let stands = match state.phase() {
            Phase::Ended => Told::Stopping,
            Phase::Teardown(running) if running.extent == Extent::End => Told::Stopping,
            Phase::Teardown(_) if self.told < Told::Ready => Told::Starting,
            _ => Told::Ready,
        };
        if stands > self.told {
            // The unit is for any rig: how long starting and stopping may take stands in the rig file.
            let longer = format!("EXTEND_TIMEOUT_USEC={}", deadline.as_micros());
            let text = match stands {
                Told::Stopping => format!("STOPPING=1\n{longer}"),
                Told::Ready => String::from("READY=1"),
                Told::Starting | Told::Nothing => longer,
            };
            if service.say(&text) {
                self.told = stands;
            }
        }
        if let Some(beat) = service.beat
            && answering
            && (self.beat == Time::ZERO || now.since(self.beat) >= beat)
            && service.say("WATCHDOG=1")
        {
            self.beat = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, sync::Arc};

    use killcord_core::{
        Cause, Mode, Now, Policy, Report, Rig, RunId,
        plan::Plan,
        rules::{Demand, Input},
    };

    use super::*;

    struct Manager {
        _dir: tempfile::TempDir,
        socket: UnixDatagram,
        path: std::path::PathBuf,
    }

    impl Manager {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("notify");
            let socket = UnixDatagram::bind(&path).unwrap();
            socket.set_nonblocking(true).unwrap();
            Self { _dir: dir, socket, path }
        }

        fn notices(&self, silence: Option<Duration>) -> Notices {
            Notices::to(Some(Service::at(self.path.as_os_str().as_bytes(), silence).unwrap()))
        }

        fn heard(&self) -> Option<String> {
            let mut block = [0; 256];
            let n = self.socket.recv(&mut block).ok()?;
            Some(String::from_utf8_lossy(&block[..n]).into_owned())
        }
    }

    fn state() -> State {
        let rig = Rig {
            plan: Plan {
                rig: "bench".into(),
                deadline: Duration::from_secs(10),
                links: Vec::new(),
                devices: Vec::new(),
                app: None,
            },
            policy: Policy::default(),
            readings: Vec::new(),
            controls: Vec::new(),
            messages: BTreeMap::new(),
            source: Default::default(),
            remote: None,
            ui: None,
        };
        State::new(Arc::new(rig), RunId(1), false, Now::default())
    }

    fn done(state: &mut State, extent: Extent) {
        let report = Report {
            causes: vec![(Time::ZERO, Cause::Requested)],
            mode: Mode::Safe,
            extent,
            began: Time::ZERO,
            took: Duration::ZERO,
            out_of_time: false,
            devices: Vec::new(),
            notes: Vec::new(),
        };
        state.handle(Now::default(), Input::Done(Box::new(report)));
    }

    #[test]
    fn it_is_ready_when_the_first_teardown_is_over_and_says_how_long_stopping_may_take() {
        let (manager, mut state) = (Manager::new(), state());
        let mut notices = manager.notices(None);
        let at = Time::from_millis(1);
        state.handle(Now::default(), Input::Open);
        notices.turn(&state, at, true);
        assert_eq!(manager.heard().as_deref(), Some("EXTEND_TIMEOUT_USEC=15000000"));
        done(&mut state, Extent::Stay);
        notices.turn(&state, at, true);
        assert_eq!(manager.heard().as_deref(), Some("READY=1"));
        let demand = |extent| {
            let (cause, mode) = (Cause::Requested, Mode::Safe);
            Input::Demand(Demand { cause, mode, extent, deadline: None, epoch: 9 })
        };
        state.handle(Now::default(), demand(Extent::Stay));
        notices.turn(&state, at, true);
        done(&mut state, Extent::Stay);
        notices.turn(&state, at, true);
        assert_eq!(manager.heard(), None, "a safe stop is no end");
        state.handle(Now::default(), demand(Extent::End));
        notices.turn(&state, at, true);
        notices.turn(&state, at, true);
        assert_eq!(manager.heard().as_deref(), Some("STOPPING=1\nEXTEND_TIMEOUT_USEC=15000000"));
        assert_eq!(manager.heard(), None, "once");
    }

    #[test]
    fn a_beat_comes_twice_in_the_time_that_is_granted_and_only_while_the_links_answer() {
        let (manager, state) = (Manager::new(), state());
        let mut notices = manager.notices(Some(Duration::from_secs(10)));
        notices.turn(&state, Time::from_millis(100), true);
        assert_eq!(manager.heard().as_deref(), Some("READY=1"));
        assert_eq!(manager.heard().as_deref(), Some("WATCHDOG=1"));
        notices.turn(&state, Time::from_millis(5_099), true);
        assert_eq!(manager.heard(), None);
        notices.turn(&state, Time::from_millis(5_100), false);
        assert_eq!(manager.heard(), None, "a stuck link would be missed");
        notices.turn(&state, Time::from_millis(5_101), true);
        assert_eq!(manager.heard().as_deref(), Some("WATCHDOG=1"));
    }

    #[test]
    fn a_teardown_within_its_deadline_beats_whatever_a_link_does_and_beyond_it_no_more() {
        let (manager, mut state) = (Manager::new(), state());
        let mut notices = manager.notices(Some(Duration::from_nanos(2)));
        state.handle(Now::default(), Input::Open);
        while manager.heard().is_some() {}
        notices.turn(&state, Time::from_millis(9_999), false);
        let heard: Vec<_> = std::iter::from_fn(|| manager.heard()).collect();
        assert_eq!(heard.last().map(String::as_str), Some("WATCHDOG=1"));
        notices.turn(&state, Time::from_millis(10_000), false);
        assert_eq!(manager.heard(), None);
    }

    #[test]
    fn a_service_manager_that_does_not_read_stops_nobody_and_hears_it_later() {
        let (manager, mut state) = (Manager::new(), state());
        let mut notices = manager.notices(Some(Duration::from_nanos(2)));
        state.handle(Now::default(), Input::Open);
        // Its queue is filled with beats until none fits.
        let mut at = 1;
        let mut sent = Time::ZERO;
        loop {
            notices.turn(&state, Time::from_millis(at), true);
            if notices.beat == sent {
                break;
            }
            (sent, at) = (notices.beat, at + 1);
        }
        done(&mut state, Extent::Stay);
        notices.turn(&state, Time::from_millis(at), true);
        assert_eq!(notices.told, Told::Starting, "not said yet");
        while manager.heard().is_some() {}
        notices.turn(&state, Time::from_millis(at), true);
        assert_eq!(manager.heard().as_deref(), Some("READY=1"));
    }

    #[test]
    fn an_abstract_socket_is_spoken_to_as_well() {
        let name = format!("killcord-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(name.as_bytes()).unwrap();
        let socket = UnixDatagram::bind_addr(&address).unwrap();
        assert!(Service::at(format!("@{name}").as_bytes(), None).unwrap().say("READY=1"));
        let mut block = [0; 16];
        assert_eq!(socket.recv(&mut block).unwrap(), 7);
    }
}
