//! A terminal as a session: what is typed goes to the host, what happens is printed.
//!
//! Its lease is renewed by the loop that reads and prints, so that a loop that hangs is missed. Nothing in
//! the loop can block: input and frames come by a channel, printing is lossy.

mod input;
pub(crate) mod report;
mod screen;
mod seat;
mod typed;
mod words;

use std::{
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use killcord::{
    Cause, Host, Outcome, SessionEnd,
    core::Extent,
    wire::{ToHost, ToPage},
};

use self::{input::Typed, screen::Screen, seat::Seat, typed::Order};
use crate::console::Console;

/// Events that may wait for the loop.
const WAITING: usize = 1024;
/// What a host may take for its end beyond its deadline: threads, lock, journal.
const END: Duration = Duration::from_secs(5);
/// How long the last frames may be on their way once the host has ended.
const LAST_FRAMES: Duration = Duration::from_millis(200);

/// What the loop is told.
enum Event {
    /// A line was typed, or the input is over.
    Typed(Typed),
    /// The host said something to the seat of that number.
    Frame(u64, Arc<ToPage>),
    /// The host has ended.
    Ended(Arc<Outcome>),
}

/// Attends a host as its terminal until it has ended; gives the exit status. Whatever ends the terminal ends
/// the host.
pub(crate) fn attend(host: &Host, console: &Console, json: bool) -> u8 {
    let (events, inbox) = sync_channel(WAITING);
    let watched = watch_end(host, events.clone()) && input::start(events.clone());
    if !watched {
        console.error("the system gives no thread; raise `ulimit -u`. The rig is made safe.");
    }
    let mut terminal = Terminal {
        seat: Seat::take(host, &events, 1, None),
        screen: Screen::new(host, console.clone(), json),
        host: host.clone(),
        console: console.clone(),
        events,
        until: None,
    };
    if !watched {
        terminal.end(Cause::TerminalClosed);
    }
    match terminal.run(&inbox) {
        Some(outcome) => {
            terminal.screen.ended(&outcome);
            outcome.exit
        }
        None => {
            console.error(
                "Killcord itself did not end in time: look at the bench, no device is confirmed safe.",
            );
            4
        }
    }
}

/// Waits for the end of a host whose sessions are elsewhere; gives the exit status.
pub(crate) fn await_end(host: &Host, console: &Console, json: bool) -> u8 {
    let outcome = loop {
        if let Some(outcome) = host.ended().wait(Duration::from_hours(1)) {
            break outcome;
        }
    };
    Screen::new(host, console.clone(), json).ended(&outcome);
    outcome.exit
}

/// Has the end of the host told; false where the system gives no thread.
fn watch_end(host: &Host, events: SyncSender<Event>) -> bool {
    let ending = host.ended();
    let watch = move || {
        let outcome = loop {
            if let Some(outcome) = ending.wait(Duration::from_hours(1)) {
                break outcome;
            }
        };
        // The loop may have given up waiting.
        events.send(Event::Ended(outcome)).ok();
    };
    thread::Builder::new().name("killcord-end".into()).spawn(watch).is_ok()
}

struct Terminal {
    host: Host,
    console: Console,
    events: SyncSender<Event>,
    seat: Seat,
    screen: Screen,
    /// The end is not waited for any longer.
    until: Option<Instant>,
}

impl Terminal {
    /// Until the host has ended; `None` if it does not in time.
    fn run(&mut self, inbox: &Receiver<Event>) -> Option<Arc<Outcome>> {
        let beat = self.host.rig().policy.session.beat;
        let mut next = Instant::now() + beat;
        loop {
            let due = self.until.map_or(next, |until| until.min(next));
            match inbox.recv_timeout(due.saturating_duration_since(Instant::now())) {
                Ok(Event::Ended(outcome)) => {
                    self.last_frames(inbox);
                    return Some(outcome);
                }
                Ok(event) => self.take(event),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
            let now = Instant::now();
            if now >= next {
                self.beat();
                next = now + beat;
            }
            if self.until.is_some_and(|until| until <= now) {
                return self.host.ended().outcome();
            }
        }
    }

    /// What the host said before it ended and has not been shown yet; its word for that comes last.
    fn last_frames(&mut self, inbox: &Receiver<Event>) {
        while !self.seat.is_over() {
            match inbox.recv_timeout(LAST_FRAMES) {
                Ok(event @ Event::Frame(..)) => self.take(event),
                Ok(_) => {}
                Err(_) => return,
            }
        }
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Typed(Typed::Line(line)) => self.obey(&line),
            Event::Typed(Typed::TooLong) => self.console.error("That line is too long; type `help`."),
            Event::Typed(Typed::Over) => self.end(Cause::TerminalClosed),
            Event::Frame(number, frame) if number == self.seat.number() => self.frame(&frame),
            Event::Frame(..) | Event::Ended(_) => {}
        }
    }

    fn frame(&mut self, frame: &ToPage) {
        self.seat.heed(frame);
        if let ToPage::Teardown { extent: Extent::End, deadline_ms, done: false, .. } = frame {
            self.ends_within(Duration::from_millis(*deadline_ms));
        }
        if let ToPage::Ended { reason: SessionEnd::HostStopping, .. } = frame {
            self.ends_within(self.host.rig().plan.deadline);
        }
        self.screen.show(frame);
    }

    /// Renews the lease. Where the host has ended this session while the terminal is still there (the machine
    /// slept, say), or has lost sight of it, a new one begins; it arms nothing by itself.
    fn beat(&mut self) {
        let lost = self.seat.is_over() || self.seat.is_lost();
        if lost && self.until.is_none() && self.host.ended().outcome().is_none() {
            let number = self.seat.number() + 1;
            self.seat = Seat::take(&self.host, &self.events, number, self.seat.resume());
        }
        self.seat.renew();
    }

    fn obey(&mut self, line: &str) {
        let order = match typed::read(line, &self.host.view()) {
            Ok(Some(order)) => order,
            Ok(None) => return,
            Err(why) => return self.console.error(why),
        };
        match order {
            Order::Arm => self.command(line, |epoch, id| ToHost::Arm { epoch, id }),
            Order::Set { device, control, value } => {
                self.command(line, |epoch, id| ToHost::Set { epoch, id, device, control, value });
            }
            Order::Acknowledge => self.command(line, |epoch, _| ToHost::Acknowledge { epoch }),
            Order::Safe => self.seat.say(ToHost::Safe),
            Order::Stop => self.seat.say(ToHost::Stop),
            Order::Control => self.seat.say(ToHost::TakeControl { force: false }),
            Order::Status => self.screen.status(),
            Order::Help => self.console.say(typed::HELP),
            Order::Quit => self.end(Cause::TerminalClosed),
        }
    }

    fn command(&mut self, line: &str, frame: impl FnOnce(killcord::core::Epoch, String) -> ToHost) {
        let Some(epoch) = self.seat.epoch() else {
            return self.console.error("Not yet: the host has not answered.");
        };
        let id = self.screen.asked(line);
        self.seat.say(frame(epoch, id));
    }

    fn end(&mut self, cause: Cause) {
        // The host's one end is watched for already.
        drop(self.host.shutdown(cause));
        self.ends_within(self.host.rig().plan.deadline);
    }

    fn ends_within(&mut self, within: Duration) {
        let until = Instant::now() + within + END;
        self.until = Some(self.until.map_or(until, |before| before.min(until)));
    }
}
