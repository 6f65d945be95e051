//! Says what a person has to know on stderr, and never waits for whoever reads it.

use std::{io::Write as _, sync::mpsc, time::Duration};

/// A reader of stderr has so long to take the lines; a full pipe must not keep the process from ending.
const PATIENCE: Duration = Duration::from_millis(500);

/// Writes the lines.
pub(crate) fn say(lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    let text = lines.join("\n");
    let (done, written) = mpsc::sync_channel(1);
    let writer = std::thread::Builder::new().name("killcord-stderr".into()).spawn(move || {
        writeln!(std::io::stderr(), "{text}").ok();
        done.try_send(()).ok();
    });
    if writer.is_ok() {
        written.recv_timeout(PATIENCE).ok();
    }
}
