//! Starting: a free address, a reaper, and the command with the address filled in.

use std::{
    fmt::Write as _,
    io,
    os::fd::OwnedFd,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use killcord_watchdog::{
    pipe::Pipe,
    reaper::{ARGUMENT, MARK, ToReaper, Tree, started_at},
};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::{AppAddress, Post, Wishes, output::Output};
use crate::watchdog::StandbyError;

/// A reaper that was told to start the app.
pub(super) struct Started {
    pub(super) child: Child,
    /// Readable once the reaper has ended.
    pub(super) life: OwnedFd,
    pub(super) pipe: Pipe,
    pub(super) tree: Tree,
    pub(super) address: AppAddress,
    pub(super) outputs: [Output; 2],
}

/// Why there is no app.
#[derive(Debug, thiserror::Error)]
pub(super) enum StartError {
    /// Its folder is not there.
    #[error("the app's folder {folder} is not there; write `directory` in [app] so that it is")]
    Folder { folder: PathBuf },
    /// No address, no process, no memory.
    #[error("the app could not be started")]
    System(#[from] io::Error),
    /// No program for the reaper.
    #[error("the app could not be started")]
    Reaper(#[from] StandbyError),
}

/// Starts it, unless it was called off meanwhile.
pub(super) fn start(post: &Post, wishes: &Wishes) -> Result<Option<Started>, StartError> {
    let app = &post.app;
    if !app.directory.is_dir() {
        return Err(StartError::Folder { folder: app.directory.clone() });
    }
    let address = AppAddress::free(&app.command, &post.sockets)?;
    let mark = new_mark();
    let (program, arguments) = post.program.find()?;
    let (pipe, its_end) = Pipe::pair()?;
    let mut child = Command::new(program)
        .args(arguments)
        .arg(ARGUMENT)
        .env(MARK, &mark)
        .current_dir(&app.directory)
        .stdin(Stdio::from(OwnedFd::from(its_end)))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let (out, err) = (child.stdout.take().map(OwnedFd::from), child.stderr.take().map(OwnedFd::from));
    // Not waited for yet, so the number is its own.
    let reaper = child.id();
    let started = started_at(reaper).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
    let life = pidfd_open(Pid::from_child(&child), PidfdFlags::empty()).map_err(io::Error::from)?;
    let tree = Tree { reaper, started, mark };
    let outputs = [Output::of("stdout", out)?, Output::of("stderr", err)?];
    let command = app.command.iter().map(|word| address.filled(word)).collect();
    if let Some(ledger) = &post.ledger {
        ledger.app_started(&tree);
    }
    {
        // Under one lock: whoever stops it from here on finds it.
        let mut wish = wishes.wish();
        if wish.stop.is_some() {
            drop(wish);
            // It leaves with the pipe.
            drop(pipe);
            let _gone = child.wait();
            return Ok(None);
        }
        (wish.tree, wish.address) = (Some(tree.clone()), Some(address.clone()));
        pipe.send(&ToReaper::Start { command }, &[])?;
    }
    Ok(Some(Started { child, life, pipe, tree, address, outputs }))
}

/// A mark that no other app has. Where the system gives no random numbers, this process and moment have to do.
fn new_mark() -> String {
    let mut bytes = [0; 16];
    if getrandom::fill(&mut bytes).is_err() {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        bytes = (now.as_nanos() ^ (u128::from(std::process::id()) << 96)).to_le_bytes();
    }
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into memory never fails.
        let _written = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_start_has_a_mark_of_its_own() {
        assert_ne!(new_mark(), new_mark());
    }
}
