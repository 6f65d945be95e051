//! The reaper with real processes: nothing of an app gets away from it, whatever that does.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::{
    fs,
    os::fd::OwnedFd,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use killcord_watchdog::{
    pipe::{Pipe, Received},
    reaper::{ARGUMENT, FromReaper, MARK, ToReaper, Tree, started_at},
};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, Signal, kill_process},
};

const SOON: Duration = Duration::from_secs(20);

/// Leaves its parent, its group and its session twice over, and ignores what can be ignored.
const ESCAPES: &str = "trap '' TERM HUP INT; (setsid sh -c 'trap \"\" TERM HUP INT; (setsid sleep 1000 &) ; sleep 1001' &) ; \
                       sh -c 'sleep 1002 & sleep 1003' & wait";

/// An app below a reaper, as a host has it.
struct App {
    pipe: Option<Pipe>,
    reaper: Child,
    tree: Tree,
}

impl App {
    fn start(name: &str, command: &[&str]) -> Self {
        let (pipe, its_end) = Pipe::pair().unwrap();
        let mark = format!("{name}-{}", std::process::id());
        let reaper = Command::new(env!("CARGO_BIN_EXE_killcord-watchdog"))
            .arg(ARGUMENT)
            .env(MARK, &mark)
            .stdin(Stdio::from(OwnedFd::from(its_end)))
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let tree = Tree { reaper: reaper.id(), started: started_at(reaper.id()).unwrap(), mark };
        let command = command.iter().map(ToString::to_string).collect();
        pipe.send(&ToReaper::Start { command }, &[]).unwrap();
        Self { pipe: Some(pipe), reaper, tree }
    }

    fn say(&self, what: &ToReaper) {
        self.pipe.as_ref().unwrap().send(what, &[]).unwrap();
    }

    /// The next word of the reaper's.
    fn hear(&self) -> FromReaper {
        let pipe = self.pipe.as_ref().unwrap();
        let end = Instant::now() + SOON;
        loop {
            match pipe.receive().unwrap() {
                Received::Message(said, _) => return said,
                Received::Nothing => assert!(Instant::now() < end, "it says nothing"),
                other => panic!("{other:?}"),
            }
            let _interrupted = poll(&mut [PollFd::new(pipe, PollFlags::IN)], Some(&tenth()));
        }
    }

    /// The living processes of the app, by name.
    fn living(&self) -> Vec<(u32, String)> {
        let wanted = format!("{MARK}={}", self.tree.mark);
        let all = fs::read_dir("/proc").unwrap().flatten();
        let all = all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        all.filter(|pid| *pid != self.tree.reaper)
            .filter(|pid| {
                fs::read(format!("/proc/{pid}/environ"))
                    .is_ok_and(|environ| environ.split(|byte| *byte == 0).any(|it| it == wanted.as_bytes()))
            })
            .filter_map(|pid| {
                Some((pid, fs::read_to_string(format!("/proc/{pid}/comm")).ok()?.trim().into()))
            })
            .collect()
    }

    #[track_caller]
    fn await_living(&self, what: &str, holds: impl Fn(&[(u32, String)]) -> bool) {
        let end = Instant::now() + SOON;
        while !holds(&self.living()) {
            assert!(Instant::now() < end, "in vain: {what}: {:?}", self.living());
            let _interrupted = poll(&mut [], Some(&tenth()));
        }
    }

    #[track_caller]
    fn stands(&self, sleepers: usize) {
        self.await_living("its tree to stand", |all| {
            all.iter().filter(|(_, name)| name == "sleep").count() >= sleepers
        });
    }

    #[track_caller]
    fn assert_wholly_gone(mut self) {
        self.reaper.wait().unwrap();
        assert_eq!(self.living(), [], "something of it is left");
    }
}

/// What a failed test leaves is ended by its mark.
impl Drop for App {
    fn drop(&mut self) {
        let _late = self.tree.end(SOON);
        let _over = self.reaper.wait();
    }
}

fn tenth() -> Timespec {
    Timespec { tv_sec: 0, tv_nsec: 10_000_000 }
}

fn signal(pid: u32, signal: Signal) {
    kill_process(Pid::from_raw(pid.cast_signed()).unwrap(), signal).unwrap();
}

#[test]
fn everything_that_left_its_parent_group_and_session_is_ended_upon_a_word() {
    let app = App::start("word", &["sh", "-c", ESCAPES]);
    app.stands(4);
    app.say(&ToReaper::Kill);
    assert!(matches!(app.hear(), FromReaper::Exited { .. }));
    assert_eq!(app.hear(), FromReaper::Gone);
    app.assert_wholly_gone();
}

#[test]
fn it_is_ended_when_the_host_is_gone() {
    let mut app = App::start("host-gone", &["sh", "-c", ESCAPES]);
    app.stands(4);
    app.pipe = None;
    app.assert_wholly_gone();
}

#[test]
fn what_a_program_leaves_behind_at_its_end_is_ended_too() {
    let app = App::start("exits", &["sh", "-c", "setsid sleep 1000 & exit 7"]);
    assert_eq!(app.hear(), FromReaper::Exited { how: "it ended with status 7".into() });
    assert_eq!(app.hear(), FromReaper::Gone);
    app.assert_wholly_gone();
}

#[test]
fn a_signal_goes_to_the_program_and_its_group_and_is_its_own_to_act_on() {
    let app = App::start("signal", &["sh", "-c", "trap 'exit 5' TERM; sleep 1000 & wait"]);
    app.stands(1);
    app.say(&ToReaper::Signal { signal: 15 });
    assert_eq!(app.hear(), FromReaper::Exited { how: "it ended with status 5".into() });
    assert_eq!(app.hear(), FromReaper::Gone);
    app.assert_wholly_gone();
}

#[test]
fn a_program_that_is_not_there_is_said_with_what_to_do() {
    let app = App::start("missing", &["killcord-no-such-program"]);
    let FromReaper::NotStarted { why } = app.hear() else { panic!("it was started") };
    assert!(why.contains("`killcord-no-such-program`") && why.contains("is it installed"), "{why}");
    app.assert_wholly_gone();
}

#[test]
fn a_stopped_reaper_keeps_nothing_of_it_alive() {
    let app = App::start("stopped", &["sh", "-c", ESCAPES]);
    app.stands(4);
    signal(app.tree.reaper, Signal::STOP);
    assert!(app.tree.end(SOON), "not by those who end it from outside");
    app.assert_wholly_gone();
}

#[test]
fn a_killed_reaper_takes_its_program_along_and_what_is_left_is_known_by_its_mark() {
    let app = App::start("killed", &["sh", "-c", ESCAPES]);
    app.stands(4);
    signal(app.tree.reaper, Signal::KILL);
    app.await_living("the program to die with it", |all| {
        !all.iter().any(|(pid, _)| {
            fs::read_to_string(format!("/proc/{pid}/cmdline")).is_ok_and(|it| it.contains("1003' & wait"))
        })
    });
    assert!(app.tree.end(SOON));
    app.assert_wholly_gone();
}

#[test]
fn a_program_has_no_descriptor_but_its_own_three_and_no_signal_blocked() {
    // Hang-up, interrupt, quit, a broken pipe and the end are not ignored, however the host was started.
    let script = "test \"$(ls /proc/self/fd | wc -l)\" = 4 || exit 1; \
                  grep -q 'SigBlk:.0000000000000000' /proc/self/status || exit 2; \
                  ignored=0x$(sed -n 's/SigIgn:.//p' /proc/self/status); \
                  test $((ignored & 0x5007)) = 0 || exit 3; \
                  test \"$(readlink /proc/self/fd/0)\" = /dev/null || exit 4; exit 9";
    let app = App::start("clean", &["sh", "-c", script]);
    assert_eq!(app.hear(), FromReaper::Exited { how: "it ended with status 9".into() });
    app.assert_wholly_gone();
}
