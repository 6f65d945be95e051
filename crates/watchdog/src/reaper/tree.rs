//! A process tree: found by descent, and ended.
//!
//! A process that made a session of its own, or whose parent has left it, is still below the nearest subreaper
//! (prctl(2)): so the reaper's descendants are the whole of an app. Where the reaper itself is gone, its app's
//! processes are known by the mark in their environment. **It must never** signal a process that only has the
//! number of one that was meant, or wait for one that does not go.

use std::{
    collections::BTreeMap,
    fs,
    time::{Duration, Instant},
};

use rustix::{
    event::{Timespec, poll},
    process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal},
};

/// The variable that marks the processes of an app.
pub const MARK: &str = "KILLCORD_APP";
/// The most processes that one look finds; the next one finds the rest.
const MOST: usize = 4096;
/// Between two looks at processes that were killed and are not gone yet.
const LOOK_EVERY: Duration = Duration::from_millis(1);
/// Looks in a row that have to find nobody with the mark.
const UNMARKED_LOOKS: u8 = 3;

/// What a process is (proc_pid_stat(5)).
struct Stat {
    /// Whether it runs no instruction any more: it only waits to be taken note of.
    over: bool,
    parent: u32,
    started: u64,
}

fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in field 2 may hold anything, parentheses and spaces too.
    let (_, rest) = text.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace();
    let over = matches!(fields.next()?, "Z" | "X");
    let parent = fields.next()?.parse().ok()?;
    Some(Stat { over, parent, started: fields.nth(17)?.parse().ok()? })
}

/// When a process was started, in clock ticks since boot (proc_pid_stat(5), field 22); `None` if there is none.
#[must_use]
pub fn started_at(pid: u32) -> Option<u64> {
    Some(stat(pid)?.started)
}

/// An app that was started: all that is needed to end it, from whichever process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    /// The reaper's process.
    pub reaper: u32,
    /// When that was started: another process that got the number later is not meant.
    pub started: u64,
    /// The value of [`MARK`] in the environment of every process of the app.
    pub mark: String,
}

impl Tree {
    /// Kills every process of the app that is found now. Waits for none of them; says how many there were.
    pub fn kill(&self) -> usize {
        if self.has_reaper() { kill_below(self.reaper) } else { kill_marked(&self.mark) }
    }

    /// The same for who has no time to look again: whatever is forked meanwhile dies too, and an app that is just
    /// being started.
    pub fn kill_at_once(&self) {
        let found = self.kill();
        if self.kill().max(found) == 0 {
            send(self.reaper, |stat| stat.started == self.started);
        }
    }

    /// Kills it until nothing of it is left, the reaper last; says whether it is so `within` this time.
    pub fn end(&self, within: Duration) -> bool {
        let until = Instant::now() + within;
        let mut unmarked = 0;
        loop {
            if self.kill() == 0 {
                if !self.has_reaper() {
                    // One that is just being executed shows no environment for a moment.
                    unmarked += 1;
                    if unmarked >= UNMARKED_LOOKS {
                        return true;
                    }
                }
                // Whom it was just starting dies with it, and so does one that does not answer.
                send(self.reaper, |stat| stat.started == self.started);
            }
            if Instant::now() >= until {
                return false;
            }
            pause(LOOK_EVERY);
        }
    }

    fn has_reaper(&self) -> bool {
        stat(self.reaper).is_some_and(|stat| !stat.over && stat.started == self.started)
    }
}

/// Kills every living process below `root`, parents first; says how many there were.
pub(super) fn kill_below(root: u32) -> usize {
    // Where the kernel lists no children (CONFIG_PROC_CHILDREN), everybody is asked for a parent.
    let lists = fs::exists("/proc/thread-self/children").unwrap_or_default();
    let all = if lists { BTreeMap::new() } else { by_parent() };
    let (mut waiting, mut living) = (vec![root], 0);
    let mut seen = 0;
    while let Some(parent) = waiting.pop() {
        let children = if lists { listed(parent) } else { all.get(&parent).cloned().unwrap_or_default() };
        for pid in children {
            seen += 1;
            if seen > MOST {
                return living;
            }
            // Between the two looks it may have been left by its parent.
            living += usize::from(send(pid, |stat| stat.parent == parent || stat.parent == root));
            waiting.push(pid);
        }
    }
    living
}

/// Kills every living process of this user with the mark, but this one; says how many there were.
fn kill_marked(mark: &str) -> usize {
    let wanted = format!("{MARK}={mark}");
    let own = std::process::id();
    let marked = |pid: u32| {
        fs::read(format!("/proc/{pid}/environ"))
            .is_ok_and(|environ| environ.split(|byte| *byte == 0).any(|entry| entry == wanted.as_bytes()))
    };
    let of_it = processes().filter(|pid| *pid != own && marked(*pid));
    of_it.filter(|pid| send(*pid, |_| marked(*pid))).take(MOST).count()
}

/// Sends SIGKILL to a process that `is` the one that is meant; says whether it was, and was alive.
fn send(pid: u32, is: impl Fn(&Stat) -> bool) -> bool {
    let Some(raw) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return false };
    // Held first, looked at then: the number cannot pass to another process in between.
    let Ok(held) = pidfd_open(raw, PidfdFlags::empty()) else { return false };
    let meant = stat(pid).is_some_and(|stat| !stat.over && is(&stat));
    meant && pidfd_send_signal(held, Signal::KILL).is_ok()
}

/// What the kernel lists as the children of a process, by all of its threads.
fn listed(pid: u32) -> Vec<u32> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let lists = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists.flat_map(|list| list.split_ascii_whitespace().flat_map(str::parse).collect::<Vec<_>>()).collect()
}

fn by_parent() -> BTreeMap<u32, Vec<u32>> {
    let mut all = BTreeMap::<u32, Vec<u32>>::new();
    for pid in processes() {
        if let Some(stat) = stat(pid) {
            all.entry(stat.parent).or_default().push(pid);
        }
    }
    all
}

fn processes() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn pause(within: Duration) {
    let within = Timespec { tv_sec: 0, tv_nsec: i64::from(within.subsec_nanos()) };
    let _interrupted = poll(&mut [], Some(&within));
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command, Stdio};

    use super::*;

    const SOON: Duration = Duration::from_secs(20);

    /// A shell that stands in for a reaper (it reaps nobody), and has started `script`.
    fn shell(script: &str, mark: &str) -> (Child, Tree) {
        let child = Command::new("sh")
            .args(["-c", script])
            .env(MARK, mark)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let tree = Tree { reaper: child.id(), started: started_at(child.id()).unwrap(), mark: mark.into() };
        (child, tree)
    }

    fn until(what: &str, holds: impl Fn() -> bool) {
        let end = Instant::now() + SOON;
        while !holds() {
            assert!(Instant::now() < end, "in vain: {what}");
            pause(LOOK_EVERY);
        }
    }

    fn descendants(root: u32) -> Vec<u32> {
        let mut found = listed(root);
        let below: Vec<u32> = found.iter().flat_map(|pid| descendants(*pid)).collect();
        found.extend(below);
        found
    }

    #[test]
    fn a_process_is_told_from_a_later_one_of_the_same_number() {
        let (mut child, tree) = shell("read line", "same-number");
        let other = Tree { started: tree.started + 1, mark: "nobody".into(), ..tree.clone() };
        assert!(other.end(SOON), "there is nothing of it");
        assert!(child.try_wait().unwrap().is_none(), "another process was killed");
        assert!(!send(child.id(), |stat| stat.started == tree.started + 1));
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn all_below_are_killed_sessions_of_their_own_and_those_that_ignore_signals_too() {
        let script = "(trap '' TERM HUP INT; setsid sh -c 'sleep 1000 & sleep 1001') & sh -c 'sleep 1002 & wait' & read line";
        let (mut child, tree) = shell(script, "all-below");
        until("the tree to stand", || descendants(child.id()).len() >= 5);
        let all = descendants(child.id());
        let over = |pid: &u32| stat(*pid).is_none_or(|stat| stat.over);
        // A shell that reaps keeps no place for them; nobody is left once it is gone itself.
        assert!(tree.end(SOON) && all.iter().all(over));
        child.wait().unwrap();
    }

    #[test]
    fn those_whose_reaper_is_gone_are_known_by_their_mark() {
        let mark = format!("gone-{}", std::process::id());
        let (mut child, tree) = shell("setsid sleep 1003 & read line", &mark);
        until("the child to stand", || !listed(child.id()).is_empty());
        let sleeper = listed(child.id())[0];
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(stat(sleeper).is_some_and(|stat| !stat.over), "nothing was left to be found");
        assert!(tree.end(SOON));
        assert!(stat(sleeper).is_none_or(|stat| stat.over));
    }
}
