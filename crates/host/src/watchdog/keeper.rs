//! Keeping a watchdog: a thread that listens to it, notices its end, and starts the next one once the last is
//! dead.

use std::{
    fs::File,
    io::{self, Seek as _, Write as _},
    os::fd::{AsFd, OwnedFd},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use killcord_core::{
    Plan,
    rules::{Input, News, SILENT},
    watchdog::{Brief, Said, Told},
};
use killcord_watchdog::pipe::{Pipe, Received};
use rustix::{
    event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll},
    fs::{MemfdFlags, memfd_create},
    process::{PidfdFlags, getpid, pidfd_open},
};

use super::{Ledger, Program, Standby, StandbyError, dying};
use crate::{engine::Item, queue::Queue};

/// The pause before a watchdog that could not be started is tried again.
const AGAIN: Duration = Duration::from_millis(500);
/// How long the end of a host waits for its watchdog's.
const LEAVES_WITHIN: Duration = Duration::from_millis(500);

/// What a watchdog is started with, each time.
pub(crate) struct Post {
    pub(crate) program: Program,
    pub(crate) plan: Arc<Plan>,
    pub(crate) brief: Brief,
    /// A copy of the rig's lock, to be handed on.
    pub(crate) lock: OwnedFd,
}

/// How the watchdog took the host's goodbye.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// It has left.
    Gone,
    /// It stays: devices are not safe.
    Staying,
}

/// The thread's handle.
pub(crate) struct Keeper {
    wishes: Arc<Wishes>,
    left: Mutex<Option<Receiver<Left>>>,
}

/// What the host wants of the thread.
struct Wishes {
    bell: OwnedFd,
    /// It took no more messages.
    overrun: AtomicBool,
    /// The rules have given it up.
    replace: AtomicBool,
    leave: AtomicBool,
}

impl Wishes {
    fn ring(&self) {
        // A full counter means that it has been rung already.
        let _already_rung = rustix::io::write(&self.bell, &1_u64.to_ne_bytes());
    }

    fn hush(&self) {
        let mut count = [0; 8];
        let _not_rung = rustix::io::read(&self.bell, &mut count);
    }
}

impl Keeper {
    /// Starts the thread, with the watchdog that there is already, if there is one.
    pub(crate) fn start(
        post: Post,
        standby: Option<Standby>,
        ledger: &Arc<Ledger>,
        queue: &Arc<Queue<Item>>,
    ) -> io::Result<Self> {
        let bell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let [overrun, replace, leave] = [const { AtomicBool::new(false) }; 3];
        let wishes = Arc::new(Wishes { bell, overrun, replace, leave });
        let overrun = Arc::clone(&wishes);
        ledger.on_overrun(move || {
            overrun.overrun.store(true, Ordering::SeqCst);
            overrun.ring();
        });
        let own = Own {
            host: pidfd_open(getpid(), PidfdFlags::empty())?,
            plan: in_memory(&post.plan)?,
            post,
            ledger: Arc::clone(ledger),
            queue: Arc::clone(queue),
            wishes: Arc::clone(&wishes),
        };
        let (leaving, left) = sync_channel(1);
        thread::Builder::new().name("killcord-keeper".into()).spawn(move || {
            // Nobody waits any more where the host's end was in a hurry.
            let _nobody = leaving.send(own.keep(standby));
        })?;
        Ok(Self { wishes, left: Mutex::new(Some(left)) })
    }

    /// Ends the watchdog that there is, and starts another. Returns at once.
    pub(crate) fn replace(&self) {
        self.wishes.replace.store(true, Ordering::SeqCst);
        self.wishes.ring();
    }

    /// After [`Ledger::goodbye`]: waits until the watchdog has left or said that it stays.
    pub(crate) fn leave(&self) -> Left {
        self.wishes.leave.store(true, Ordering::SeqCst);
        self.wishes.ring();
        let left = self.left.lock().unwrap_or_else(PoisonError::into_inner).take();
        left.and_then(|left| left.recv_timeout(LEAVES_WITHIN * 2).ok()).unwrap_or(Left::Gone)
    }
}

/// A host that could not be started, or that ends without a goodbye: the thread goes, and the watchdog with it.
impl Drop for Keeper {
    fn drop(&mut self) {
        self.wishes.leave.store(true, Ordering::SeqCst);
        self.wishes.ring();
    }
}

/// The plan, for a process that reads it from a descriptor.
fn in_memory(plan: &Plan) -> io::Result<File> {
    let mut file = File::from(memfd_create("killcord-plan", MemfdFlags::CLOEXEC)?);
    file.write_all(&serde_json::to_vec(plan)?)?;
    file.rewind()?;
    Ok(file)
}

/// What the thread works with.
struct Own {
    post: Post,
    /// This process, for the watchdog to watch and to end.
    host: OwnedFd,
    plan: File,
    ledger: Arc<Ledger>,
    queue: Arc<Queue<Item>>,
    wishes: Arc<Wishes>,
}

/// Why a watchdog is not listened to any more.
enum Over {
    Lost(String),
    Left(Left),
}

impl Own {
    fn keep(&self, mut standby: Option<Standby>) -> Left {
        let mut last = false;
        loop {
            let started = match standby.take() {
                Some(standby) => Ok(standby),
                None => Standby::start(&self.post.program),
            };
            let why = match started.and_then(|watchdog| Ok(self.brief(watchdog)?)) {
                Ok((watchdog, pipe)) => match self.listen(watchdog, &pipe) {
                    Over::Left(left) => return left,
                    Over::Lost(why) => why,
                },
                Err(error) => words(&error),
            };
            tracing::warn!(why, "there is no watchdog");
            self.news(News::Gone { why });
            if self.rest() {
                // Whoever leaves a device that is not safe starts one more watchdog, to leave it to.
                if last || !self.ledger.leaves_a_device() {
                    return Left::Gone;
                }
                last = true;
            }
        }
    }

    fn news(&self, news: News) {
        self.queue.push(Item::Input(Input::Watchdog(news)));
    }

    /// Waits a moment before the next try; `true` where the host ends meanwhile.
    fn rest(&self) -> bool {
        let until = Instant::now() + AGAIN;
        loop {
            if self.wishes.leave.load(Ordering::SeqCst) {
                return true;
            }
            let Some(left) = until.checked_duration_since(Instant::now()) else { return false };
            self.wishes.hush();
            wait(&mut [PollFd::new(&self.wishes.bell, PollFlags::IN)], left);
        }
    }

    /// Tells it what it has to watch over.
    fn brief(&self, watchdog: Standby) -> io::Result<(Standby, Arc<Pipe>)> {
        self.wishes.overrun.store(false, Ordering::SeqCst);
        self.wishes.replace.store(false, Ordering::SeqCst);
        let fds = [self.plan.as_fd(), self.host.as_fd(), self.post.lock.as_fd()];
        watchdog.pipe.send(&Told::Rig(self.post.brief.clone()), &fds)?;
        let pipe = Arc::new(watchdog.pipe.try_clone()?);
        self.ledger.tell_all(Arc::clone(&pipe));
        dying::says_to(&pipe);
        Ok((watchdog, pipe))
    }

    fn listen(&self, mut watchdog: Standby, pipe: &Pipe) -> Over {
        loop {
            match self.hear(pipe) {
                Ok(None) => {}
                Ok(Some(left)) => return Over::Left(left),
                // It goes at the goodbye, maybe before its host has come to wait for it.
                Err(_) if self.ledger.is_over() => return Over::Left(self.see_off(watchdog, pipe)),
                Err(why) => return self.lost(watchdog, why),
            }
            if self.wishes.overrun.swap(false, Ordering::SeqCst) {
                return self.lost(watchdog, "it did not keep up".into());
            }
            if self.wishes.replace.swap(false, Ordering::SeqCst) {
                return self.lost(watchdog, SILENT.into());
            }
            if self.wishes.leave.load(Ordering::SeqCst) {
                return Over::Left(self.see_off(watchdog, pipe));
            }
            if let Some(status) = watchdog.wait(Duration::ZERO) {
                if self.ledger.is_over() {
                    return Over::Left(Left::Gone);
                }
                return self.lost(watchdog, format!("it ended ({status})"));
            }
            let mut fds = [
                PollFd::new(pipe, PollFlags::IN),
                PollFd::from_borrowed_fd(watchdog.life(), PollFlags::IN),
                PollFd::new(&self.wishes.bell, PollFlags::IN),
            ];
            wait(&mut fds, Duration::from_secs(3600));
            self.wishes.hush();
        }
    }

    /// Takes what it says; `Some` once it has said that it stays.
    fn hear(&self, pipe: &Pipe) -> Result<Option<Left>, String> {
        loop {
            match pipe.receive::<Said>() {
                Ok(Received::Message(Said::Echo { n }, _)) => self.ledger.echo(n),
                Ok(Received::Message(Said::Beat { .. }, _)) => self.news(News::Beat),
                Ok(Received::Message(Said::Ready { lacks, unprotected }, _)) => {
                    self.queue.push(Item::Unprotected(unprotected));
                    // It watches all the same; what it lacks it could not make safe.
                    self.news(if lacks.is_empty() {
                        News::Ready
                    } else {
                        News::Gone { why: format!("it lacks the driver {}", lacks.join(", ")) }
                    });
                }
                Ok(Received::Message(Said::Staying, _)) => return Ok(Some(Left::Staying)),
                Ok(Received::Nothing) => return Ok(None),
                Ok(Received::Ended) => return Err("it closed the pipe".into()),
                Ok(Received::Nonsense(why)) => return Err(format!("it spoke nonsense: {why}")),
                Err(error) => return Err(error.to_string()),
            }
        }
    }

    /// It is dead before the next one is started, and the pipe open until then.
    fn lost(&self, mut watchdog: Standby, why: String) -> Over {
        dying::says_to_nobody();
        self.ledger.detach();
        watchdog.end();
        Over::Lost(why)
    }

    /// The host has said goodbye.
    fn see_off(&self, mut watchdog: Standby, pipe: &Pipe) -> Left {
        let owed = self.ledger.leaves_a_device();
        if owed {
            // It may have come behind the goodbye.
            self.ledger.say_goodbye();
        }
        let until = Instant::now() + LEAVES_WITHIN;
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            match self.hear(pipe) {
                Ok(Some(staying)) => return staying,
                Err(_) => break,
                Ok(None) => {}
            }
            let mut fds =
                [PollFd::new(pipe, PollFlags::IN), PollFd::from_borrowed_fd(watchdog.life(), PollFlags::IN)];
            wait(&mut fds, left);
        }
        // It leaves within a moment of closing the pipe, and the rig's lock with it. One that is stopped while a
        // device is left to it is not ended: continued, it finds us gone and acts.
        if !owed && watchdog.wait(LEAVES_WITHIN).is_none() {
            watchdog.end();
        }
        Left::Gone
    }
}

fn wait(fds: &mut [PollFd<'_>], within: Duration) {
    let within = Timespec {
        tv_sec: i64::try_from(within.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(within.subsec_nanos()),
    };
    // Interrupted, it is waited for again by whoever called.
    let _interrupted = poll(fds, Some(&within));
}

/// An error with its cause.
fn words(error: &StandbyError) -> String {
    match error {
        StandbyError::System(source) => format!("{error}: {source}"),
        other => other.to_string(),
    }
}
