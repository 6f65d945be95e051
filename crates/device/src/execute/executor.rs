//! The executor of a host: a thread of its own that runs one machine at a time, for as long as the host
//! lives.

use std::{
    io,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread::JoinHandle,
    time::Duration,
};

use killcord_core::{
    DeviceIx, Epoch, Plan, Report,
    plan::{ArmFailed, Arming, Machine, Order, Progress, Teardown},
};

use super::{
    Lines, Quiet, Run, Timeline,
    inbox::{Command, Inbox},
    open_devices,
};
use crate::Lane;

/// What the executor tells. Called on its thread; must not block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A teardown has begun.
    Started,
    /// Something happened within a teardown or an arming.
    Progress(Progress),
    /// A teardown is over. Its causes are those of every order that it took: an order that came too late is
    /// in the next report.
    Finished(Box<Report>),
    /// Every arm sequence went through.
    Armed {
        /// The epoch that it ran under.
        epoch: Epoch,
    },
    /// An arm sequence did not. Nothing is made safe by that alone.
    ArmFailed {
        /// The epoch that it ran under.
        epoch: Epoch,
        /// At which device.
        device: DeviceIx,
        /// What was seen, in words.
        why: String,
    },
    /// An arming was dropped where it stood, or not begun, because a teardown came or ran.
    Superseded {
        /// The epoch that it was to run under.
        epoch: Epoch,
    },
}

/// Tells an executor what to do. Cheap to clone; nothing of it blocks.
#[derive(Clone, Debug)]
pub struct Orders(Arc<Inbox>);

impl Orders {
    /// Runs a teardown, or raises the one that runs; an arming is dropped where it stands.
    pub fn teardown(&self, order: Order) {
        self.0.command(Command::Teardown(order, 1));
    }

    /// Nothing is left of the app that drives devices by itself: a teardown that waits for that goes on.
    pub fn app_gone(&self) {
        self.0.command(Command::AppGone);
    }

    /// Runs every arm sequence under `epoch`. The caller sees to it that nothing else runs; during a teardown
    /// or another arming it is [`Event::Superseded`].
    pub fn arm(&self, epoch: Epoch) {
        self.0.command(Command::Arm(epoch));
    }
}

/// The executor's thread.
#[derive(Debug)]
pub struct Executor {
    orders: Orders,
    ended: Receiver<()>,
    thread: JoinHandle<()>,
}

impl Executor {
    /// Starts it. `sink` must not block.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(
        plan: Arc<Plan>,
        lines: Arc<dyn Lines>,
        timeline: Timeline,
        sink: impl FnMut(Event) + Send + 'static,
    ) -> io::Result<Self> {
        let inbox = Arc::new(Inbox::default());
        let (end, ended) = sync_channel(1);
        let desk = Desk { inbox: inbox.clone(), plan, lines, timeline, runs: 0, sink };
        let thread = std::thread::Builder::new().name("executor".into()).spawn(move || desk.work(&end))?;
        Ok(Self { orders: Orders(inbox), ended, thread })
    }

    /// Tells it what to do.
    #[must_use]
    pub fn orders(&self) -> Orders {
        self.orders.clone()
    }

    /// Ends the thread: a teardown that runs or waits is finished first, an arming is dropped. Waits at most
    /// `within`; returns whether it has ended.
    pub fn stop(self, within: Duration) -> bool {
        self.orders.0.command(Command::Stop);
        let ended = !matches!(self.ended.recv_timeout(within), Err(RecvTimeoutError::Timeout));
        if ended {
            // It has said that it ends; a panic behind that has nobody to harm.
            let _ended = self.thread.join();
        }
        ended
    }
}

/// Told after what is due has gone out: nobody who listens delays a byte.
fn tell<M: Machine>(sink: &mut impl FnMut(Event), machine: &mut M) {
    machine.drain_events().into_iter().for_each(|progress| sink(Event::Progress(progress)));
}

/// What the thread works with.
struct Desk<S> {
    inbox: Arc<Inbox>,
    plan: Arc<Plan>,
    lines: Arc<dyn Lines>,
    timeline: Timeline,
    runs: u64,
    sink: S,
}

impl<S: FnMut(Event)> Desk<S> {
    fn work(mut self, end: &SyncSender<()>) {
        let mut stop = false;
        loop {
            match self.inbox.take_command() {
                Some(Command::Teardown(order, times)) => stop |= self.tear_down(order, times),
                Some(Command::Arm(epoch)) if stop => (self.sink)(Event::Superseded { epoch }),
                Some(Command::Arm(epoch)) => self.arm(epoch),
                // No teardown waits for it any more.
                Some(Command::AppGone) => {}
                Some(Command::Stop) => stop = true,
                None if stop => break,
                None => {
                    // Between two runs nobody waits for a result.
                    self.inbox.begin(0);
                    self.inbox.wait(&self.timeline, None);
                }
            }
        }
        // Whoever stops it may have given up waiting.
        let _nobody_waits = end.send(());
    }

    /// Returns whether it was told to stop meanwhile.
    fn tear_down(&mut self, order: Order, times: usize) -> bool {
        self.runs += 1;
        let lines = self.lines.as_ref();
        let open = open_devices(&self.plan, lines);
        let now = self.timeline.now();
        let mut teardown = Teardown::new(self.plan.clone(), order.clone(), &open, now);
        for _ in 1..times {
            let _taken = teardown.raise(now, order.clone(), &open);
        }
        let run = Run::begin(&self.inbox, self.runs, Lane::Safe, lines, &self.timeline);
        // The first bytes go out before anybody is told: a safe job goes ahead of polling by itself.
        let mut until = run.turn(&mut teardown);
        let quiet = Quiet::begin(lines);
        (self.sink)(Event::Started);
        let mut stop = false;
        loop {
            tell(&mut self.sink, &mut teardown);
            let Some(at) = until else { break };
            self.inbox.wait(&self.timeline, Some(at));
            while let Some(command) = self.inbox.take_command() {
                match command {
                    Command::Teardown(order, times) => {
                        let open = open_devices(&self.plan, lines);
                        for _ in 0..times {
                            // Taken: it is not over as long as this loop runs.
                            let _taken = teardown.raise(self.timeline.now(), order.clone(), &open);
                        }
                    }
                    Command::Arm(epoch) => (self.sink)(Event::Superseded { epoch }),
                    Command::AppGone => teardown.app_gone(),
                    Command::Stop => stop = true,
                }
            }
            until = run.turn(&mut teardown);
        }
        drop(quiet);
        (self.sink)(Event::Finished(Box::new(teardown.report(self.timeline.now()))));
        stop
    }

    fn arm(&mut self, epoch: Epoch) {
        self.runs += 1;
        let mut arming = Arming::new(self.plan.clone());
        let run = Run::begin(&self.inbox, self.runs, Lane::Act(epoch), self.lines.as_ref(), &self.timeline);
        loop {
            // Looked at before each step: a teardown that waits lets none of them out any more.
            if self.inbox.is_called() {
                (self.sink)(Event::Superseded { epoch });
                return;
            }
            let until = run.turn(&mut arming);
            tell(&mut self.sink, &mut arming);
            match until {
                Some(until) => self.inbox.wait(&self.timeline, Some(until)),
                None => break,
            }
            while let Some(Command::Arm(epoch)) = self.inbox.take_arm() {
                (self.sink)(Event::Superseded { epoch });
            }
        }
        (self.sink)(match arming.outcome() {
            Some(Err(ArmFailed { device, why })) => {
                Event::ArmFailed { epoch, device: *device, why: why.clone() }
            }
            Some(Ok(())) | None => Event::Armed { epoch },
        });
    }
}
