//! The stages of `cargo xtask test`, in the order in which they run: what is quick and tells most comes first.

use std::process::Command;

use anyhow::{Context, Result, bail};

use super::Outcome;
use super::count::{Counts, Runner};
use super::options::Options;
use crate::node::Need;
use crate::place::{PROFILE, UI};
use crate::{debian, generate, node, peers, place, shell, ui};

/// One stage.
pub(super) struct Stage {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    /// Whether a FILTER chooses among its tests.
    pub(super) heeds_filter: bool,
    /// Whether it takes longer than anybody waits who has not asked for it.
    pub(super) long: bool,
    pub(super) run: fn(&mut Task<'_>) -> Result<Outcome>,
}

const fn stage(name: &'static str, about: &'static str, run: fn(&mut Task<'_>) -> Result<Outcome>) -> Stage {
    Stage { name, about, heeds_filter: false, long: false, run }
}

pub(super) const ALL: &[Stage] = &[
    stage("install", "Debian packages that are missing", install),
    stage("peers", "the instruments of others, into target/peers", |_| done(peers::install())),
    stage("npm", "what the front end is built with", npm),
    stage("fmt", "formatting", |_| done(shell::run(&mut shell::cargo(&["fmt", "--all", "--check"])))),
    stage("tidy", "house rules and the chores' own tests", tidy),
    stage("generate", "generated files are up to date", |_| done(generate::check())),
    stage("ui", "the front end: types, unit tests, build", front_end),
    stage("clippy", "lints, of all targets", clippy),
    stage("docs", "the documentation builds without a warning", docs),
    Stage { heeds_filter: true, ..stage("unit", "tests of each crate, and of their documentation", unit) },
    Stage { heeds_filter: true, ..stage("processes", "the promises, against real processes", processes) },
    Stage { heeds_filter: true, ..stage("browser", "the promises, in Chromium and Firefox", browser) },
    Stage {
        heeds_filter: true,
        long: true,
        ..stage(
            "long",
            "what takes its real time, by --long: a page hidden for ten minutes, proxies that cut",
            long,
        )
    },
];

fn done(result: Result<()>) -> Result<Outcome> {
    result.map(|()| Outcome::Ran(Counts::default()))
}

/// A stage at work: what was asked, and what was counted so far.
pub(super) struct Task<'a> {
    options: &'a Options,
    counts: Counts,
}

impl<'a> Task<'a> {
    pub(super) fn new(options: &'a Options) -> Self {
        Self { options, counts: Counts::default() }
    }

    pub(super) fn counts(&self) -> Counts {
        self.counts
    }

    /// Runs a test runner and counts; fails when it fails.
    fn runner(&mut self, runner: Runner, command: &mut Command) -> Result<()> {
        let mut counts = Counts::default();
        let status = shell::watch(command, |line| {
            if let Some(found) = runner.read(line) {
                counts += found;
            }
        })?;
        if !status.success() {
            counts = counts.with_a_failure();
        }
        self.counts += counts;
        if status.success() { Ok(()) } else { bail!("`{}` ended with {status}", shell::shown(command)) }
    }

    /// Runs the tests of `packages` (those in `targets`, as cargo's arguments name them), by nextest where it is there.
    fn cargo_tests(
        &mut self,
        packages: &[&str],
        targets: &[String],
        nextest_profile: &str,
        threads: Option<&str>,
    ) -> Result<()> {
        let filter = self.options.filter.as_deref();
        if has_nextest() {
            let mut command =
                cargo(&["nextest", "run", "--cargo-profile", PROFILE, "--profile", nextest_profile]);
            command.args(["--no-tests", "pass", "--no-fail-fast"]).args(packages).args(targets).args(filter);
            return self.runner(Runner::Nextest, &mut command);
        }
        let mut command = cargo(&["test", "--profile", PROFILE, "--no-fail-fast"]);
        command.args(packages).args(targets).arg("--").args(filter);
        if let Some(threads) = threads {
            command.args(["--test-threads", threads]);
        }
        self.runner(Runner::Libtest, &mut command)
    }
}

/// Cargo, frugal where nobody will build again, and bound to the committed lock file there.
fn cargo(args: &[&str]) -> Command {
    let mut command = shell::cargo(args);
    if std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false") {
        command.env("CARGO_INCREMENTAL", "0").arg("--locked");
    }
    command
}

fn has_nextest() -> bool {
    shell::ask(&mut shell::cargo(&["nextest", "--version"])).is_some()
}

fn install(task: &mut Task<'_>) -> Result<Outcome> {
    if task.options.no_install {
        return Ok(Outcome::Skipped("--no-install"));
    }
    let mut wanted = [debian::WINDOW, debian::TESTS].concat();
    if matches!(node::need(), Need::Npm) {
        wanted.push("npm");
    }
    let missing = debian::missing(&wanted).context(
        "this is no Debian: install the like of the packages in xtask/src/debian.rs, then use --no-install",
    )?;
    if missing.is_empty() {
        println!("All Debian packages are there.");
    } else {
        // On a minimal Debian 12, when all of them are missing.
        let size =
            debian::size(&missing).unwrap_or_else(|| "up to 470 MB to fetch, 1.9 GB on disk".to_owned());
        println!("Missing, and now installed ({size}; up to 5 minutes): {}", missing.join(" "));
    }
    done(debian::install(&missing))
}

fn npm(_task: &mut Task<'_>) -> Result<Outcome> {
    done(ui::install(&node::ready()?))
}

fn front_end(task: &mut Task<'_>) -> Result<Outcome> {
    let node = node::ready()?;
    ui::install(&node)?;
    shell::run(&mut node.npm(UI, &["run", "check"]))?;
    task.runner(Runner::Vitest, node.npm(UI, &["run", "test"]).env("CI", "true"))?;
    shell::run(&mut node.npm(UI, &["run", "build"]))?;
    Ok(Outcome::Ran(task.counts))
}

fn tidy(task: &mut Task<'_>) -> Result<Outcome> {
    // By cargo's own runner and in xtask's own profile: these must not wait for anything else to be built.
    let mut command = cargo(&["test", "--package", "xtask", "--no-fail-fast"]);
    // A finding names its file and line; where the rule was called from says nothing.
    task.runner(Runner::Libtest, command.env("RUST_BACKTRACE", "0"))?;
    Ok(Outcome::Ran(task.counts))
}

fn clippy(_task: &mut Task<'_>) -> Result<Outcome> {
    let mut command = cargo(&["clippy", "--workspace", "--all-targets", "--profile", PROFILE]);
    done(shell::run(command.args(["--", "-D", "warnings"])))
}

fn docs(_task: &mut Task<'_>) -> Result<Outcome> {
    let mut command = cargo(&["doc", "--no-deps", "--workspace", "--profile", PROFILE]);
    done(shell::run(command.env("RUSTDOCFLAGS", "-D warnings")))
}

fn unit(task: &mut Task<'_>) -> Result<Outcome> {
    let packages = ["--workspace", "--exclude", "killcord-tests", "--exclude", "xtask"];
    let targets = ["--lib", "--bins", "--tests"].map(str::to_owned);
    task.cargo_tests(&packages, &targets, "default", None)?;
    let mut doc = cargo(&["test", "--doc", "--profile", PROFILE, "--no-fail-fast"]);
    doc.args(packages).arg("--").args(task.options.filter.as_deref());
    task.runner(Runner::Libtest, &mut doc)?;
    Ok(Outcome::Ran(task.counts))
}

/// Builds the programs that the tests start.
fn programs() -> Result<()> {
    ui::build()?;
    for packages in place::PROCESSES {
        shell::run(cargo(&["build", "--profile", PROFILE]).args(*packages))?;
    }
    Ok(())
}

fn processes(task: &mut Task<'_>) -> Result<Outcome> {
    programs()?;
    let mut targets = process_tests(|name| !in_browser(name) && !is_long(name))?;
    targets.extend(["--lib", "--bins"].map(str::to_owned));
    task.cargo_tests(PROCESS_TESTS, &targets, "processes", Some("2"))?;
    Ok(Outcome::Ran(task.counts))
}

fn browser(task: &mut Task<'_>) -> Result<Outcome> {
    programs()?;
    task.cargo_tests(PROCESS_TESTS, &process_tests(in_browser)?, "processes", Some("2"))?;
    Ok(Outcome::Ran(task.counts))
}

fn long(task: &mut Task<'_>) -> Result<Outcome> {
    programs()?;
    task.cargo_tests(PROCESS_TESTS, &process_tests(is_long)?, "long", Some("2"))?;
    Ok(Outcome::Ran(task.counts))
}

const PROCESS_TESTS: &[&str] = &["-p", "killcord-tests"];

/// Whether a test program of `killcord-tests` starts browsers.
fn in_browser(program: &str) -> bool {
    program.starts_with("browser_")
}

/// Whether one takes longer than anybody waits who has not asked for it.
fn is_long(program: &str) -> bool {
    program.starts_with("long_")
}

/// Those of the test programs, as cargo's arguments name them.
fn process_tests(wanted: fn(&str) -> bool) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(place::TESTS).with_context(|| format!("cannot read {}", place::TESTS))? {
        let file = entry.with_context(|| format!("cannot read {}", place::TESTS))?.file_name();
        names.extend(
            file.to_string_lossy().strip_suffix(".rs").filter(|name| wanted(name)).map(str::to_owned),
        );
    }
    names.sort();
    Ok(names.into_iter().flat_map(|name| ["--test".to_owned(), name]).collect())
}
