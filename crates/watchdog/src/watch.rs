//! The loop: what the host says, its end and the clock go into the rules; what they want is carried out.

use std::{
    fs::File,
    io::{Read as _, Seek as _},
    os::fd::OwnedFd,
    sync::Arc,
};

use killcord_core::{
    Plan,
    watchdog::{Answered, Brief, Effect, Input, Said, State, Told, Why},
};
use killcord_device::{Registry, execute::Timeline};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::{
    account::{Book, unix_ms},
    act::Bench,
    door::Door,
    given::Given,
    pipe::{Pipe, Received},
    protect, stderr,
};

/// The most messages that are read before the clock is looked at again.
const TURN: usize = 1024;

/// A watchdog at its post.
pub(crate) struct Watch {
    state: State,
    timeline: Timeline,
    drivers: Registry,
    unprotected: Vec<String>,
    /// `None` once the host is not listened to any more.
    pipe: Option<Pipe>,
    given: Given,
    plan: Option<Arc<Plan>>,
    bench: Option<Bench>,
    book: Option<Book>,
    door: Option<Door>,
    over: Option<u8>,
}

impl Watch {
    pub(crate) fn new(pipe: Pipe, drivers: Registry, unprotected: Vec<String>) -> Self {
        let timeline = Timeline::starting_now();
        Self {
            state: State::new(timeline.now()),
            timeline,
            drivers,
            unprotected,
            pipe: Some(pipe),
            given: Given::default(),
            plan: None,
            bench: None,
            book: None,
            door: None,
            over: None,
        }
    }

    /// Watches until it is sent home or its work is done; gives the exit status.
    pub(crate) fn until_over(mut self) -> u8 {
        loop {
            // Read, then judge: what was said in time counts, although we were late.
            let exited = self.host_has_exited();
            self.listen();
            if exited {
                self.input(Input::HostExited);
            }
            self.attend_door();
            self.input(Input::Tick);
            if let Some(status) = self.over {
                self.answer();
                return status;
            }
            self.wait();
        }
    }

    fn input(&mut self, input: Input) {
        if self.over.is_some() {
            return;
        }
        for effect in self.state.handle(self.timeline.now(), input) {
            self.carry_out(effect);
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Say(said) => {
                if let Some(pipe) = &self.pipe {
                    // A host that does not read will miss it, and judge by that.
                    let _unheard = pipe.send(&said, &[]);
                }
            }
            Effect::EndHost => {
                self.given.end_host();
                self.pipe = None;
            }
            Effect::Act { order, why } => self.act(order, why),
            Effect::Exit(status) => self.over = Some(status),
        }
    }

    fn act(&mut self, order: killcord_core::plan::Order, why: Why) {
        let (began, began_ms) = (self.timeline.now(), unix_ms());
        let Some(plan) = self.plan.clone() else { return };
        if self.bench.is_none() {
            match Bench::take_over(&plan, &self.drivers, self.given.take_links()) {
                Ok(bench) => self.bench = Some(bench),
                Err(error) => {
                    stderr::tell(&format!(
                        "killcord-watchdog: {error}; LOOK AT THE BENCH, nothing was made safe"
                    ));
                    self.over = Some(killcord_core::watchdog::EXIT_UNSAFE);
                    return;
                }
            }
        }
        let Some(bench) = &self.bench else { return };
        let report = bench.pass(order, began);
        // One that was not gone before the first byte.
        self.given.end_app();
        self.given.sign_lock();
        self.tell(&why, &report);
        if let Some(book) = &mut self.book
            && let Err(error) = book.enter(why, began_ms, report.clone())
        {
            stderr::tell(&format!("killcord-watchdog: its report could not be written: {error}"));
        }
        stderr::close();
        self.input(Input::Done(Box::new(report)));
        self.answer();
    }

    /// To whoever looks at the terminal that the host was started in.
    fn tell(&self, why: &Why, report: &killcord_core::Report) {
        let took = report.took.as_millis();
        if report.confirmed() {
            stderr::tell(&format!(
                "killcord-watchdog: {why}; it made the rig safe and released it within {took} ms"
            ));
        } else {
            let names: Vec<_> = report.unconfirmed().map(|device| device.name.as_str()).collect();
            stderr::tell(&format!(
                "killcord-watchdog: {why}; NOT confirmed safe: {}. Look at the bench; it goes on trying",
                names.join(", ")
            ));
        }
    }

    /// Everything that the host has said.
    fn listen(&mut self) {
        for _ in 0..TURN {
            let Some(pipe) = &self.pipe else { return };
            match pipe.receive::<Told>() {
                Ok(Received::Message(told, fds)) => self.told(told, fds),
                Ok(Received::Nothing) => return,
                Ok(Received::Ended) | Err(_) => {
                    self.pipe = None;
                    self.input(Input::PipeEnded);
                }
                Ok(Received::Nonsense(why)) => {
                    stderr::tell(&format!("killcord-watchdog: a message of the host's made no sense: {why}"));
                }
            }
        }
    }

    fn told(&mut self, told: Told, fds: Vec<OwnedFd>) {
        if let Told::Rig(brief) = told {
            self.take_rig(brief, fds);
            return;
        }
        self.given.keep(&told, fds);
        self.input(Input::Told(told));
    }

    fn take_rig(&mut self, brief: Brief, fds: Vec<OwnedFd>) {
        let Ok([plan, host, lock]) = <[OwnedFd; 3]>::try_from(fds) else {
            stderr::tell("killcord-watchdog: the host gave no plan; is it of another version?");
            return;
        };
        let plan = match read_plan(plan) {
            Ok(plan) => Arc::new(plan),
            Err(error) => {
                stderr::tell(&format!("killcord-watchdog: the host's plan cannot be read: {error}"));
                return;
            }
        };
        self.given.rig(host, lock);
        let door = Door::open(&brief.door);
        if let Err(error) = &door {
            self.unprotected.push(format!("nobody can ask the watchdog to take over: {error}"));
        }
        self.door = door.ok();
        let lacks = plan.devices.iter().map(|device| &device.driver);
        let mut lacks: Vec<_> = lacks.filter(|name| self.drivers.get(name).is_none()).cloned().collect();
        lacks.dedup();
        self.plan = Some(Arc::clone(&plan));
        let hang_after = brief.hang_after;
        self.book = Some(Book::new(brief));
        // What the plan took of it as well. Where it was refused before, that has been said.
        let _unlocked = protect::lock_memory();
        self.input(Input::Rig { plan, hang_after });
        let unprotected = self.unprotected.clone();
        self.carry_out(Effect::Say(Said::Ready { lacks, unprotected }));
    }

    fn attend_door(&mut self) {
        let Some(door) = &mut self.door else { return };
        let asked = door.look();
        for wish in asked {
            self.input(Input::Asked(wish));
            let watching = matches!(self.state.phase(), killcord_core::watchdog::Phase::Watching);
            if let Some(door) = self.door.as_mut().filter(|_| watching) {
                door.answer(&Answered::HostLives);
            }
        }
    }

    fn answer(&mut self) {
        let account = self.book.as_ref().and_then(Book::account).cloned().map(Box::new);
        if let Some(door) = &mut self.door {
            door.answer(&Answered::Done { account });
        }
    }

    fn host_has_exited(&self) -> bool {
        let Some(host) = self.given.host().filter(|_| self.pipe.is_some()) else { return false };
        let mut fds = [PollFd::new(host, PollFlags::IN)];
        matches!(poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })), Ok(1))
    }

    /// Until something comes, or the rules want to be asked again.
    fn wait(&self) {
        let left = self.timeline.until(self.state.next_wake());
        let left = Timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(left.subsec_nanos()),
        };
        let mut fds = Vec::new();
        if let Some(pipe) = &self.pipe {
            fds.push(PollFd::new(pipe, PollFlags::IN));
            fds.extend(self.given.host_fd().map(|host| PollFd::from_borrowed_fd(host, PollFlags::IN)));
        }
        let door = self.door.iter().flat_map(Door::fds);
        fds.extend(door.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)));
        // A signal, or a system without memory: the clock is looked at, and it is waited for again.
        let _interrupted = poll(&mut fds, Some(&left));
    }
}

fn read_plan(memory: OwnedFd) -> std::io::Result<Plan> {
    let mut file = File::from(memory);
    file.rewind()?;
    let mut text = Vec::new();
    file.read_to_end(&mut text)?;
    Ok(serde_json::from_slice(&text)?)
}
