//! One life of the app, from its start until nothing of it is left.

use std::time::{Duration, Instant};

use killcord_core::{app::StopSignal, rules::AppNews};
use killcord_watchdog::{
    pipe::Received,
    reaper::{FromReaper, ToReaper},
};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::{
    Post, Wishes,
    http::{Exchange, is_ready},
    output::Output,
    start::Started,
};

/// Between two questions whether it answers.
const ASK_EVERY: Duration = Duration::from_millis(100);
/// A question that is not answered within it is asked again.
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);
/// Between two looks at what does not go although it was killed.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Where it stands.
enum Stage {
    /// It does not answer yet.
    Starting {
        until: Instant,
        ask: Instant,
        question: Option<Exchange>,
    },
    Ready,
    /// `before_stop` is out, at most so long.
    Asked {
        until: Instant,
        question: Exchange,
    },
    /// It was sent its signal.
    Signalled,
    /// It was killed.
    Killed,
}

/// A life.
pub(super) struct Life<'a> {
    post: &'a Post,
    wishes: &'a Wishes,
    started: Started,
    stage: Stage,
    /// Whoever listens was told that it ended by itself.
    exited: bool,
    /// The reaper has said that nothing is left, or is gone itself.
    reaped: bool,
    /// What did not go well when it was stopped.
    problem: Option<String>,
}

impl<'a> Life<'a> {
    pub(super) fn new(post: &'a Post, wishes: &'a Wishes, started: Started) -> Self {
        let now = Instant::now();
        let stage =
            Stage::Starting { until: now + post.app.ready_within, ask: now + ASK_EVERY, question: None };
        tracing::info!(address = %started.address, "the app is started");
        Self { post, wishes, started, stage, exited: false, reaped: false, problem: None }
    }

    /// Until nothing of it is left; what did not go well when it was stopped.
    pub(super) fn until_gone(mut self) -> Option<String> {
        while !self.reaped {
            self.wishes.hush();
            self.started.outputs.iter_mut().for_each(Output::take_in);
            self.listen();
            let stop = self.wishes.wish().stop;
            let until = match stop {
                Some(kill_by) => self.stopping(kill_by),
                None => self.running(),
            };
            if !self.reaped {
                self.wait(until);
            }
        }
        self.started.outputs.iter_mut().for_each(Output::take_in);
        // It leaves with its last word. Whatever became of it, nothing is taken for gone before it is.
        while !self.started.tree.end(LOOK_EVERY) {
            let _reaped = self.started.child.try_wait();
            wait(&mut [], LOOK_EVERY);
        }
        let _reaped = self.started.child.wait();
        tracing::info!("nothing is left of the app");
        self.problem
    }

    /// What the reaper says, and whether it is there.
    fn listen(&mut self) {
        loop {
            match self.started.pipe.receive::<FromReaper>() {
                Ok(Received::Message(FromReaper::NotStarted { why }, _)) => {
                    self.ended(why);
                    self.reaped = true;
                }
                Ok(Received::Message(FromReaper::Exited { how }, _)) => {
                    let last = self.started.outputs.iter().rev().map(Output::last);
                    let last = last.into_iter().find(|line| !line.is_empty());
                    let how = last.map_or_else(|| how.clone(), |line| format!("{how}: {line}"));
                    self.ended(how);
                }
                Ok(Received::Message(FromReaper::Gone, _)) => self.reaped = true,
                Ok(Received::Nothing) => return,
                Ok(Received::Nonsense(_)) => {}
                Ok(Received::Ended) | Err(_) => {
                    self.ended("its reaper was ended from outside".into());
                    self.reaped = true;
                }
            }
            if self.reaped {
                return;
            }
        }
    }

    /// It has ended. Where nobody had told it to, that is a cause.
    fn ended(&mut self, why: String) {
        let by_itself = matches!(self.stage, Stage::Starting { .. } | Stage::Ready);
        if by_itself && !self.exited {
            self.exited = true;
            tracing::error!(why, "the app has ended by itself");
            self.post.news(AppNews::Exited { why });
        }
        self.stage = Stage::Killed;
    }

    /// Goes on until it answers; gives the time to come back at the latest.
    fn running(&mut self) -> Option<Instant> {
        let Stage::Starting { until, ask, question } = &mut self.stage else { return None };
        let now = Instant::now();
        if now >= *until {
            let app = &self.post.app;
            let why = format!(
                "it did not answer GET {} within {} s; raise `ready_within` in [app], or look at what it printed",
                app.ready,
                app.ready_within.as_secs_f64()
            );
            self.ended(why);
            self.kill();
            return None;
        }
        if let Some(asked) = question {
            match asked.turn() {
                Some(Ok(status)) if is_ready(status) => {
                    self.stage = Stage::Ready;
                    tracing::info!("the app is ready");
                    self.post.news(AppNews::Ready);
                    return None;
                }
                Some(_) => *question = None,
                None if now >= *ask => *question = None,
                None => {}
            }
            if question.is_none() {
                *ask = now + ASK_EVERY;
            }
        } else if now >= *ask {
            // Refused as long as nobody listens there.
            *question = Exchange::begin(&self.started.address, "GET", &self.post.app.ready).ok();
            *ask = now + if question.is_some() { ANSWERS_WITHIN } else { ASK_EVERY };
        }
        Some((*ask).min(*until))
    }

    /// Goes on until it is gone; gives the time to come back at the latest.
    fn stopping(&mut self, kill_by: Instant) -> Option<Instant> {
        let now = Instant::now();
        match &mut self.stage {
            Stage::Killed => return None,
            _ if now >= kill_by => {
                self.kill();
                return None;
            }
            Stage::Ready => self.ask_to_release(now, kill_by),
            Stage::Starting { .. } => self.signal(),
            Stage::Asked { until, question } => {
                let late = now >= *until;
                match question.turn() {
                    Some(Ok(status)) if status < 400 => self.signal(),
                    Some(Ok(status)) => self.unreleased(&format!("it answered with status {status}")),
                    Some(Err(error)) => self.unreleased(&error.to_string()),
                    None if late => self.unreleased("it did not answer in time"),
                    None => {}
                }
            }
            Stage::Signalled => {}
        }
        match &self.stage {
            Stage::Asked { until, .. } => Some((*until).min(kill_by)),
            _ => Some(kill_by),
        }
    }

    /// Asks it to release by itself, for half of the time that there is.
    fn ask_to_release(&mut self, now: Instant, kill_by: Instant) {
        let Some(path) = &self.post.app.before_stop else { return self.signal() };
        match Exchange::begin(&self.started.address, "POST", path) {
            Ok(mut question) => match question.turn() {
                Some(Err(error)) => self.unreleased(&error.to_string()),
                _ => {
                    self.stage =
                        Stage::Asked { until: now + kill_by.saturating_duration_since(now) / 2, question };
                }
            },
            Err(error) => self.unreleased(&error.to_string()),
        }
    }

    fn unreleased(&mut self, why: &str) {
        let path = self.post.app.before_stop.as_deref().unwrap_or_default();
        tracing::warn!(why, path, "the app did not take `before_stop`");
        self.problem = Some(format!("POST {path}: {why}"));
        self.signal();
    }

    fn signal(&mut self) {
        let signal = match self.post.app.stop.signal {
            StopSignal::Hup => libc::SIGHUP,
            StopSignal::Int => libc::SIGINT,
            StopSignal::Quit => libc::SIGQUIT,
            StopSignal::Term => libc::SIGTERM,
        };
        self.stage = Stage::Signalled;
        self.say(&ToReaper::Signal { signal });
    }

    fn kill(&mut self) {
        self.stage = Stage::Killed;
        self.say(&ToReaper::Kill);
        // A reaper that is stopped would keep it alive.
        self.started.tree.kill();
    }

    fn say(&self, what: &ToReaper) {
        if let Err(error) = self.started.pipe.send(what, &[]) {
            tracing::warn!(%error, "the app's reaper took no word");
        }
    }

    /// Until something comes, or it is time to come back. One that was killed is looked at again: its reaper may be
    /// stopped.
    fn wait(&mut self, until: Option<Instant>) {
        let killed = matches!(self.stage, Stage::Killed);
        let mut within =
            until.map_or(Duration::from_secs(3600), |until| until.saturating_duration_since(Instant::now()));
        if killed {
            within = LOOK_EVERY;
        }
        let question = match &self.stage {
            Stage::Starting { question: Some(question), .. } | Stage::Asked { question, .. } => {
                Some(question)
            }
            _ => None,
        };
        let mut fds = vec![
            PollFd::new(&self.wishes.bell, PollFlags::IN),
            PollFd::new(&self.started.pipe, PollFlags::IN),
            PollFd::new(&self.started.life, PollFlags::IN),
        ];
        let outputs = self.started.outputs.iter().filter_map(Output::open);
        fds.extend(outputs.map(|output| PollFd::new(output, PollFlags::IN)));
        fds.extend(question.map(|question| PollFd::new(question.stream(), question.waits_for())));
        let quiet = wait(&mut fds, within);
        drop(fds);
        if killed && quiet {
            self.started.tree.end(LOOK_EVERY);
        }
    }
}

/// Waits; `true` where nothing came.
fn wait(fds: &mut [PollFd<'_>], within: Duration) -> bool {
    let within = Timespec {
        tv_sec: i64::try_from(within.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(within.subsec_nanos()),
    };
    // Interrupted, whoever called looks and waits again.
    matches!(poll(fds, Some(&within)), Ok(0))
}
