//! The wrapped app: started, asked whether it answers, listened to, stopped, and its whole process tree ended.
//!
//! When it is started and stopped is the rules' word; here is what carries that out. Between host and app stands
//! the watchdog program's [`reaper`](killcord_watchdog::reaper), from which no process of it gets away. **It must
//! never** delay a safe byte: the app's thread waits for the app, and nobody waits for that thread. Only in an
//! emergency the kill goes first, on the thread of whoever wants it, and waits for nobody to be gone.

mod address;
mod http;
mod life;
mod output;
mod start;

use std::{
    io,
    os::fd::OwnedFd,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{Receiver, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use killcord_core::{
    App,
    rules::{AppNews, Input},
};
use killcord_watchdog::reaper::Tree;
use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};

pub use self::address::AppAddress;
use self::life::Life;
use crate::{
    engine::Item,
    queue::Queue,
    watchdog::{Ledger, Program},
};

/// How long the end of a host waits for a killed app to be gone.
pub(crate) const GONE_WITHIN: Duration = Duration::from_millis(500);

/// What an app is run with.
pub(crate) struct Post {
    pub(crate) app: App,
    /// The folder of its socket, where it has one.
    pub(crate) sockets: PathBuf,
    /// The watchdog's program, which is the reaper's.
    pub(crate) program: Program,
    pub(crate) ledger: Option<Arc<Ledger>>,
    pub(crate) queue: Arc<Queue<Item>>,
}

impl Post {
    fn news(&self, news: AppNews) {
        self.queue.push(Item::Input(Input::App(news)));
    }
}

/// What is wanted of the app's thread, and what it has at the moment.
#[derive(Default)]
struct Wish {
    start: bool,
    /// It is to be gone by then.
    stop: Option<Instant>,
    /// The host ends.
    over: bool,
    /// What has been started.
    tree: Option<Tree>,
    /// Where it is to answer.
    address: Option<AppAddress>,
}

struct Wishes {
    wish: Mutex<Wish>,
    bell: OwnedFd,
}

impl Wishes {
    fn wish(&self) -> MutexGuard<'_, Wish> {
        self.wish.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ring(&self) {
        // A full counter means that it has been rung already.
        let _already_rung = rustix::io::write(&self.bell, &1_u64.to_ne_bytes());
    }

    fn hush(&self) {
        let mut count = [0; 8];
        let _not_rung = rustix::io::read(&self.bell, &mut count);
    }
}

/// Where the app answers, for who serves it.
#[derive(Clone)]
pub(crate) struct Address(Arc<Wishes>);

impl Address {
    pub(crate) fn get(&self) -> Option<AppAddress> {
        self.0.wish().address.clone()
    }
}

/// The app's thread, as the rules' thread has it.
pub(crate) struct Wrapped {
    wishes: Arc<Wishes>,
    left: Receiver<()>,
}

impl Wrapped {
    pub(crate) fn new(post: Post) -> io::Result<Self> {
        let bell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let wishes = Arc::new(Wishes { wish: Mutex::default(), bell });
        let (leaving, left) = sync_channel(1);
        let own = Arc::clone(&wishes);
        thread::Builder::new().name("killcord-app".into()).spawn(move || {
            serve(&post, &own);
            // Nobody waits any more where the host's end was in a hurry.
            let _nobody = leaving.send(());
        })?;
        Ok(Self { wishes, left })
    }

    pub(crate) fn address(&self) -> Address {
        Address(Arc::clone(&self.wishes))
    }

    /// Has it started. Returns at once.
    pub(crate) fn start(&self) {
        let mut wish = self.wishes.wish();
        (wish.start, wish.stop) = (true, None);
        drop(wish);
        self.wishes.ring();
    }

    /// Has it stopped, and killed by then at the latest. Returns at once.
    pub(crate) fn stop(&self, kill_by: Instant) {
        let mut wish = self.wishes.wish();
        wish.stop = Some(wish.stop.map_or(kill_by, |before| before.min(kill_by)));
        drop(wish);
        self.wishes.ring();
    }

    /// Kills every process of it, here and now; waits for none of them to be gone.
    pub(crate) fn kill(&self) {
        self.stop(Instant::now());
        let tree = self.wishes.wish().tree.clone();
        if let Some(tree) = tree {
            tree.kill_at_once();
        }
    }

    /// The host ends: what is left of it is ended too.
    pub(crate) fn leave(self) {
        self.wishes.wish().over = true;
        self.stop(Instant::now());
        let _late = self.left.recv_timeout(GONE_WITHIN);
    }
}

/// Serves the wishes until the host ends.
fn serve(post: &Post, wishes: &Wishes) {
    loop {
        wishes.hush();
        let (start, over) = {
            let mut wish = wishes.wish();
            (std::mem::take(&mut wish.start), wish.over)
        };
        if over {
            return;
        }
        if !start {
            // An interrupted wait looks again.
            let _interrupted = poll(&mut [PollFd::new(&wishes.bell, PollFlags::IN)], None);
            continue;
        }
        let problem = match start::start(post, wishes) {
            Ok(Some(started)) => Life::new(post, wishes, started).until_gone(),
            // It was called off before it had begun.
            Ok(None) => None,
            Err(error) => {
                let source =
                    std::error::Error::source(&error).map_or_else(String::new, |it| format!(": {it}"));
                let why = format!("{error}{source}");
                tracing::error!(why, "the app cannot be started");
                post.news(AppNews::Exited { why });
                None
            }
        };
        {
            let mut wish = wishes.wish();
            (wish.tree, wish.address, wish.stop) = (None, None, None);
        }
        if let Some(ledger) = &post.ledger {
            ledger.app_gone();
        }
        post.news(AppNews::Gone { why: problem });
    }
}
