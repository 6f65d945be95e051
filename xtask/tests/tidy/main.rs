//! House rules, run as tests: how long a file may be, what it opens with, what may not be left in it, and who
//! may depend on whom.
//!
//! Each finding names file and line. A rule that is wrong is changed here, with its reason; nothing is exempted
//! elsewhere.
#![allow(clippy::unwrap_used, reason = "these are tests; their helpers fail them by unwrapping")]

mod graph;
mod source;
mod sources;

use std::path::Path;
use std::process::Command;

/// Runs a program in the workspace's root and returns what it printed.
fn output(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).current_dir(root()).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {} failed:\n{stderr}", args.join(" "));
    String::from_utf8(output.stdout).unwrap()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Fails with all findings at once.
#[track_caller]
fn none(findings: Vec<String>) {
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}
