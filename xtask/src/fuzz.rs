//! The fuzzer: looks for inputs for which what `tests/bad-input` promises does not hold.
//!
//! What it finds lies in `fuzz/found` at once, where the ordinary tests replay it; nobody has to copy anything for a
//! finding to be kept. **It must never** change the kept corpus unasked.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::shell;

/// A program for each reader.
const PROGRAMS: &str = "fuzz/fuzz_targets";
/// What is kept in the repository: inputs that each reach something that no other does.
const CORPUS: &str = "fuzz/corpus";
/// Inputs that failed, once or now.
const FOUND: &str = "fuzz/found";
/// Words that a reader knows, for the fuzzer to try.
const WORDS: &str = "fuzz/words";
/// What the fuzzer builds, and the corpora of its runs.
const WORKING: &str = "target/fuzz";
/// How long each target is tried if nothing is said.
const USUAL: Duration = Duration::from_hours(1);
/// An input that takes longer is a finding: whoever sends it could stop us. Generous, for a busy machine.
const SLOWEST: &str = "-timeout=20";
/// So is one that takes more memory, in MiB.
const LARGEST: &str = "-rss_limit_mb=1024";
/// An input above this, in bytes, is not kept by itself: it reaches little that small ones do not, and the repository
/// would grow by megabytes. Put into the corpus by hand, it stays as long as it reaches something.
const SMALL: u64 = 1024;

/// `fuzz [TARGET] [--for TIME] [--keep]`.
pub(crate) fn fuzz(args: &[String]) -> Result<()> {
    let options = Options::parse(args, &targets()?)?;
    install()?;
    // The very versions that are shipped; what is missing (the fuzzer's library) is added by cargo.
    fs::copy("Cargo.lock", "fuzz/Cargo.lock").context("cannot copy Cargo.lock for the fuzzer")?;
    let mut failed = Vec::new();
    for target in &options.targets {
        println!("\n{target}: {} s", options.long.as_secs());
        failed.extend(try_out(target, options.long)?);
        if options.keep {
            keep(target)?;
        }
    }
    if failed.is_empty() {
        println!("\nNothing found.");
        return Ok(());
    }
    let list: Vec<String> = failed.iter().map(|path| format!("  {}", path.display())).collect();
    bail!(
        "found:\n{}\nEach is replayed by `cargo test -p killcord-bad-input` from now on, and fails there. Give it a name \
         that says what it is, mend what it shows, and commit both.",
        list.join("\n")
    )
}

#[derive(Debug, PartialEq, Eq)]
struct Options {
    targets: Vec<String>,
    long: Duration,
    keep: bool,
}

impl Options {
    fn parse(args: &[String], known: &[String]) -> Result<Self> {
        let mut options = Self { targets: Vec::new(), long: USUAL, keep: false };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--for" => options.long = time(args.next().context("--for needs a time, such as 15m")?)?,
                "--keep" => options.keep = true,
                target if known.iter().any(|name| name == target) => options.targets.push(target.to_owned()),
                other => bail!("`{other}` is no target; there are {}", known.join(", ")),
            }
        }
        if options.targets.is_empty() {
            options.targets = known.to_vec();
        }
        Ok(options)
    }
}

/// `90s`, `15m`, `1h`.
fn time(text: &str) -> Result<Duration> {
    let seconds = [("s", 1), ("m", 60), ("h", 3600)]
        .iter()
        .find_map(|(unit, seconds)| text.strip_suffix(unit)?.parse::<u64>().ok()?.checked_mul(*seconds));
    match seconds {
        // The fuzzer takes 0 for no end.
        Some(seconds @ 1..) => Ok(Duration::from_secs(seconds)),
        _ => bail!("`{text}` is no time: write 90s, 15m or 1h"),
    }
}

fn targets() -> Result<Vec<String>> {
    let mut names: Vec<String> = files(Path::new(PROGRAMS))?
        .iter()
        .filter_map(|path| Some(path.file_name()?.to_str()?.strip_suffix(".rs")?.to_owned()))
        .collect();
    names.sort();
    Ok(names)
}

fn install() -> Result<()> {
    if shell::ask(&mut shell::cargo(&["fuzz", "--version"])).is_some() {
        return Ok(());
    }
    println!("Missing, and now installed for you (1 MB to fetch, a minute or two): cargo-fuzz");
    shell::run(&mut shell::cargo(&["install", "cargo-fuzz", "--locked"]))
}

/// `cargo fuzz` on one target, with folders of inputs: the first is written to.
///
/// Without a sanitizer: what is tried has no `unsafe` code of its own, and runs several times faster so. It also does
/// with the stable compiler then, because the counting of what is reached is none of the options that need a nightly
/// one. Overflows are looked for, by the debug assertions.
fn cargo_fuzz(target: &str, folders: &[&Path]) -> Command {
    let mut command = shell::cargo(&["fuzz", "run", "--sanitizer", "none", "--debug-assertions"]);
    command.args(["--target-dir", WORKING, target]).args(folders).arg("--");
    command
}

/// Tries a target for so long. The inputs that failed.
fn try_out(target: &str, long: Duration) -> Result<Vec<PathBuf>> {
    let corpus = Path::new(CORPUS).join(target);
    let found = Path::new(FOUND).join(target);
    let own = Path::new(WORKING).join("corpus").join(target);
    for folder in [&corpus, &found, &own] {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let before = files(&found)?;
    let mut command = cargo_fuzz(target, &[&own, &corpus, &found]);
    // The prefix is one of names: without the slash at its end they would lie beside the folder.
    command.arg(format!("-artifact_prefix={}/", std::path::absolute(&found)?.display()));
    command.args([&format!("-max_total_time={}", long.as_secs()), SLOWEST, LARGEST, "-print_final_stats=1"]);
    let words = Path::new(WORDS).join(target);
    if words.exists() {
        command.arg(format!("-dict={}", words.display()));
    }
    let ended = shell::run(&mut command);
    let failed: Vec<PathBuf> = files(&found)?.into_iter().filter(|path| !before.contains(path)).collect();
    if failed.is_empty() {
        // One that is kept already, or a build that failed: it has told by itself.
        ended?;
    }
    Ok(failed)
}

/// Brings what this machine's runs have reached into the kept corpus: of all inputs the smallest that together reach
/// everything. How often each reaches it is not counted: that would keep five times as many, for little.
fn keep(target: &str) -> Result<()> {
    let corpus = Path::new(CORPUS).join(target);
    let own = Path::new(WORKING).join("corpus").join(target);
    let kept = Path::new(WORKING).join("kept").join(target);
    if kept.exists() {
        fs::remove_dir_all(&kept).with_context(|| format!("cannot empty {}", kept.display()))?;
    }
    fs::create_dir_all(&kept).with_context(|| format!("cannot make {}", kept.display()))?;
    shell::run(cargo_fuzz(target, &[&kept, &corpus, &own]).args(["-merge=1", "-use_counters=0"]))?;
    let mut wanted = Vec::new();
    for path in files(&kept)? {
        let size = fs::metadata(&path).with_context(|| format!("cannot read {}", path.display()))?.len();
        // The fuzzer names each by its content.
        let place = corpus.join(path.file_name().context("a file has a name")?);
        if size <= SMALL || place.exists() {
            fs::copy(&path, &place).with_context(|| format!("cannot keep {}", path.display()))?;
            wanted.push(place);
        }
    }
    for path in files(&corpus)?.into_iter().filter(|path| !wanted.contains(path)) {
        fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
    }
    Ok(())
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        paths.push(entry.with_context(|| format!("cannot read {}", folder.display()))?.path());
    }
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Options::parse(&words, &["frame".to_owned(), "rig".to_owned()])
    }

    #[test]
    fn without_words_every_target_is_tried_for_an_hour() {
        let options = parse("").unwrap();
        assert_eq!((options.targets.len(), options.long), (2, Duration::from_hours(1)));
        assert!(!options.keep);
    }

    #[test]
    fn a_target_and_a_time_may_be_named() {
        let options = parse("rig --for 15m --keep").unwrap();
        assert_eq!(
            options,
            Options { targets: vec!["rig".to_owned()], long: Duration::from_mins(15), keep: true }
        );
    }

    #[test]
    fn what_is_not_understood_is_said_before_anything_is_built() {
        for wrong in
            ["scope", "--for", "--for 0s", "--for 5", "--for xh", "--for 99999999999999999999h", "--fast"]
        {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_target_has_a_program_of_its_own_and_inputs_that_are_kept() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let programs = fs::read_to_string(root.join("fuzz/Cargo.toml")).unwrap();
        for path in files(&root.join(PROGRAMS)).unwrap() {
            let name = path.file_stem().unwrap().to_str().unwrap();
            assert!(
                programs.contains(&format!("name = \"{name}\"\n")),
                "{name} is missing in fuzz/Cargo.toml"
            );
            assert!(!files(&root.join(CORPUS).join(name)).unwrap().is_empty(), "{name} has no corpus");
        }
    }
}
