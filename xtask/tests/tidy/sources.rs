//! The rules of [`source`](crate::source), held against every file of the project.

use std::sync::LazyLock;

use crate::source::{self, Source};
use crate::{none, output, root};

/// Every text file that git knows or would take in.
static FILES: LazyLock<Vec<Source>> = LazyLock::new(|| {
    let listed = output("git", &["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let paths = listed.split('\0').filter(|path| !path.is_empty());
    // A file that was deleted and not committed, and one that is no text, cannot break these rules.
    let read = |path: &str| {
        Some(Source { path: path.to_owned(), text: std::fs::read_to_string(root().join(path)).ok()? })
    };
    paths.filter_map(read).collect()
});

#[track_caller]
fn hold(rule: fn(&Source) -> Vec<String>) {
    none(FILES.iter().flat_map(rule).collect());
}

#[test]
fn the_files_are_found() {
    for path in ["Cargo.toml", "crates/core/src/lib.rs", "xtask/tests/tidy/sources.rs"] {
        assert!(FILES.iter().any(|file| file.path == path), "{path} is not among {} files", FILES.len());
    }
}

#[test]
fn no_file_is_too_long() {
    hold(source::too_long);
}

#[test]
fn nothing_is_left_unfinished_or_not_run() {
    hold(source::left_over);
}

#[test]
fn every_module_opens_with_what_it_is_for() {
    hold(source::without_docs);
}

#[test]
fn no_path_of_one_machine_is_written_down() {
    hold(source::machine_path);
}

#[test]
fn only_one_file_of_the_page_knows_tauri() {
    hold(source::tauri_elsewhere);
}

#[test]
fn the_core_has_no_clock_and_no_io() {
    hold(source::impure_core);
}

#[test]
fn each_test_that_the_threat_model_names_is_there() {
    let named = |text: &str| -> Vec<String> {
        let words = text.split('`').skip(1).step_by(2);
        words
            .filter(|word| word.len() > 20 && word.contains('_') && !word.contains(['/', '.']))
            .map(str::to_owned)
            .collect()
    };
    let model = FILES.iter().find(|file| file.path == "docs/security.md").expect("docs/security.md is gone");
    let names = named(&model.text);
    assert!(names.len() > 30, "{} names", names.len());
    let is_there = |name: &String| FILES.iter().any(|file| file.text.contains(&format!("fn {name}(")));
    none(names.into_iter().filter(|name| !is_there(name)).collect());
}
