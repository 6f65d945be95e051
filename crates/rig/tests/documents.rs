//! Rig files that people are given: each is read here as they would have it read.

#![allow(clippy::unwrap_used)] // helpers of tests: a failure is a failed test

mod common;

use common::*;

/// Checks without an error and without a warning.
fn clean(what: &str, text: &str) -> killcord_rig::Rig {
    match check(text) {
        Ok((rig, warnings)) if warnings.is_empty() => rig,
        _ => panic!("{what}:\n{}", problems(text)),
    }
}

#[test]
fn the_file_to_begin_with_is_clean() {
    let rig = clean("template", killcord_rig::template());
    assert_eq!(rig.plan.devices.len(), 2);
}

#[test]
fn the_demo_is_clean() {
    let rig = clean("demo", include_str!("../../../examples/demo/rig.toml"));
    assert_eq!(rig.plan.devices.len(), 3);
}

#[test]
fn the_rig_files_that_the_readme_explains_are_clean() {
    let mut devices = Vec::new();
    for (at, block) in blocks(include_str!("../../../README.md")) {
        let what = format!("README.md, block at line {at}");
        let is_whole = block.starts_with("[rig]");
        let text = if is_whole { block } else { around(&block) };
        devices.push((is_whole, clean(&what, &text).plan.devices.len()));
    }
    assert_eq!(devices, [(true, 2), (true, 1), (false, 1)]);
}

#[test]
fn every_rig_file_in_the_reference_is_clean_and_every_part_of_one_is_right() {
    let reference = include_str!("../../../docs/rig-file.md");
    let mut files = 0;
    let mut parts = 0;
    for (at, block) in blocks(reference) {
        let what = format!("docs/rig-file.md, block at line {at}");
        if block.starts_with("[rig]") {
            files += 1;
            clean(&what, &block);
        } else {
            parts += 1;
            // A part of a file stands in a rig that has what it refers to.
            clean(&what, &around(&block));
        }
    }
    assert!(files >= 1 && parts >= 5, "{files} whole files, {parts} parts");
}

#[test]
fn every_key_in_the_reference_is_one_that_is_read() {
    let reference = include_str!("../../../docs/rig-file.md");
    let mut source = String::from("\"unit\"");
    sources(concat!(env!("CARGO_MANIFEST_DIR"), "/src").as_ref(), &mut source);
    let mut keys = 0;
    for line in reference.lines().filter(|line| line.starts_with("| `")) {
        let Some(cell) = line.split('|').nth(1) else { continue };
        for key in cell.split('`').skip(1).step_by(2) {
            let key = key.trim_start_matches('{').split('=').next().unwrap_or(key).trim();
            if key.chars().all(|c| c.is_ascii_lowercase() || c == '_') && !key.is_empty() {
                keys += 1;
                assert!(source.contains(&format!("\"{key}\"")), "`{key}` of the reference is read nowhere");
            }
        }
    }
    assert!(keys > 40, "only {keys} keys found in the tables");
}

/// The ```toml blocks of a Markdown text, each with the line that it begins in.
fn blocks(markdown: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut block: Option<(usize, String)> = None;
    for (at, line) in markdown.lines().enumerate() {
        match &mut block {
            None if line == "```toml" => block = Some((at + 2, String::new())),
            None => {}
            Some(_) if line == "```" => found.extend(block.take()),
            Some((_, text)) => {
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    assert!(block.is_none(), "a block that is never closed");
    found
}

/// A part of a rig file with what it needs around it: a device where it has none, keys of a device where
/// it begins with some.
fn around(part: &str) -> String {
    let head = "[rig]\nname = \"Bench\"\ndeadline = \"30s\"\n";
    let device = "\n[[device]]\nname = \"psu\"\ndriver = \"scpi\"\nconnect = \"tcp://10.0.0.2:5025\"\n";
    let safe =
        "arm = [\"OUTP ON\"]\nsafe = [\"OUTP OFF\"]\nverify = [{ query = \"OUTP?\", equals = false }]\n";
    if ["[safety]", "[session]", "[messages]", "[app]"].iter().any(|section| part.starts_with(section)) {
        format!("{head}{part}{device}{safe}")
    } else if part.starts_with("[[device.") || part.starts_with("[device.") {
        format!("{head}{device}{safe}\n{part}")
    } else if part.starts_with("[[") {
        format!("{head}{part}")
    } else {
        format!("{head}{device}{part}")
    }
}

/// All source files below a folder, one behind the other.
fn sources(folder: &std::path::Path, all: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, all);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            all.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
}
