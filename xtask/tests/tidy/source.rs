//! The rules for one file, as functions of its path and text: each returns its findings.

/// The longest a source file may be. Most have 100 to 300 lines: one idea each.
const LONGEST: usize = 450;
/// The longest a file of tests may be: many cases with what is expected of them are one idea still.
const LONGEST_TEST: usize = 900;

/// A file of the project.
pub(crate) struct Source {
    /// Relative to the workspace's root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Source {
    fn is(&self, endings: &[&str]) -> bool {
        endings.iter().any(|ending| self.path.ends_with(ending))
    }

    /// In a folder of tests, as opposed to tests inside a module.
    fn is_test(&self) -> bool {
        ["/tests/", "/test/"].iter().any(|folder| self.path.contains(folder))
    }

    fn is_code(&self) -> bool {
        self.is(&[".rs", ".ts", ".svelte"]) && !self.path.contains("/generated/")
    }

    /// This very folder: it has to name what it looks for.
    fn is_tidy(&self) -> bool {
        self.path.starts_with("xtask/tests/tidy/")
    }

    /// "path:line: what" for each line that holds one of `words`.
    fn lines_with(&self, words: &[&str], what: &str) -> Vec<String> {
        let hits = |line: &str| words.iter().find(|word| line.contains(*word)).copied();
        let lines = self.text.lines().enumerate();
        lines
            .filter_map(|(n, line)| Some(format!("{}:{}: {what}: {}", self.path, n + 1, hits(line)?)))
            .collect()
    }
}

pub(crate) fn too_long(file: &Source) -> Vec<String> {
    let lines = file.text.lines().count();
    let most = if file.is_test() { LONGEST_TEST } else { LONGEST };
    if !file.is_code() || lines <= most {
        return Vec::new();
    }
    vec![format!("{}: {lines} lines, at most {most}: one idea a file", file.path)]
}

/// Left unfinished, or a test that does not run.
pub(crate) fn left_over(file: &Source) -> Vec<String> {
    if !file.is_code() || file.is_tidy() {
        return Vec::new();
    }
    let mut found =
        file.lines_with(&["todo!(", "unimplemented!(", "FIXME", "XXX", "HACK"], "left unfinished");
    let silenced: &[&str] = if file.is(&[".rs"]) {
        &["#[ignore"]
    } else {
        &["it.skip(", "it.only(", "test.skip(", "test.only(", "describe.skip(", "describe.only("]
    };
    found.extend(file.lines_with(silenced, "a test that is not run"));
    found
}

/// A module opens with what it is for.
pub(crate) fn without_docs(file: &Source) -> Vec<String> {
    let first = file.text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("");
    let (asked, opening): (bool, &[&str]) = if file.is(&[".rs"]) {
        (true, &["//!"])
    } else {
        let is_test = file.is(&[".test.ts", ".d.ts"]);
        (
            file.path.starts_with("ui/") && file.is(&[".ts"]) && file.path.contains("/src/") && !is_test,
            &["//", "/*"],
        )
    };
    if !asked || opening.iter().any(|word| first.starts_with(word)) {
        return Vec::new();
    }
    vec![format!("{}:1: opens with no words on what it is for: {}", file.path, opening.join(" or "))]
}

/// A path that exists on one person's machine only.
pub(crate) fn machine_path(file: &Source) -> Vec<String> {
    if file.is_tidy() || file.is(&["Cargo.lock", "package-lock.json"]) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (n, line) in file.text.lines().enumerate() {
        for start in ["/home/", "/Users/", "/root/", "/work/"] {
            // Only where a path begins: `ui/work/` is a folder of ours.
            let begins = line.match_indices(start).any(|(at, _)| {
                line.get(..at).and_then(|head| head.chars().next_back()).is_none_or(|c| !is_part_of_a_path(c))
            });
            if begins {
                found.push(format!("{}:{}: a path of one machine: {start}", file.path, n + 1));
            }
        }
    }
    found
}

fn is_part_of_a_path(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '~' | '}' | '*')
}

/// The page knows Tauri in one file only; everywhere else it must run in a browser too.
pub(crate) fn tauri_elsewhere(file: &Source) -> Vec<String> {
    let asked = file.path.starts_with("ui/") && file.is(&[".ts", ".js", ".svelte"]);
    if !asked || file.is_test() || file.path == "ui/client/src/tauri.ts" {
        return Vec::new();
    }
    file.lines_with(&["\"@tauri-apps/", "'@tauri-apps/"], "only ui/client/src/tauri.ts may import")
}

/// The rules are pure: told the time, never asking for it.
pub(crate) fn impure_core(file: &Source) -> Vec<String> {
    if !file.path.starts_with("crates/core/src/") {
        return Vec::new();
    }
    let words = ["Instant::now", "SystemTime", "std::fs", "std::net", "std::thread", "std::io", "std::env"];
    file.lines_with(&words, "core has no clock and no I/O")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> Source {
        Source { path: path.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn only_files_over_the_limit_are_too_long() {
        assert!(too_long(&file("a.rs", &"x\n".repeat(LONGEST))).is_empty());
        assert_eq!(too_long(&file("a.rs", &"x\n".repeat(LONGEST + 1))).len(), 1);
        assert!(too_long(&file("crates/rig/tests/a.rs", &"x\n".repeat(LONGEST_TEST))).is_empty());
        assert_eq!(too_long(&file("crates/rig/tests/a.rs", &"x\n".repeat(LONGEST_TEST + 1))).len(), 1);
        assert!(too_long(&file("ui/client/src/generated/wire.ts", &"x\n".repeat(999))).is_empty());
        assert!(too_long(&file("README.md", &"x\n".repeat(999))).is_empty());
    }

    #[test]
    fn what_is_left_over_is_named_with_its_line() {
        let found = left_over(&file("a.rs", "//! a\nfn f() { todo!() }\n#[ignore = \"slow\"]\n"));
        assert_eq!(found, ["a.rs:2: left unfinished: todo!(", "a.rs:3: a test that is not run: #[ignore"]);
        assert!(left_over(&file("a.rs", "iter.skip(1)")).is_empty());
        assert_eq!(left_over(&file("ui/a.test.ts", "it.only('x')")).len(), 1);
    }

    #[test]
    fn a_module_opens_with_its_docs() {
        assert!(without_docs(&file("a.rs", "\n//! What it is for.\nfn f() {}")).is_empty());
        assert_eq!(without_docs(&file("a.rs", "use std::fmt;")).len(), 1);
        assert_eq!(without_docs(&file("ui/client/src/a.ts", "import x from 'y';")).len(), 1);
        assert!(without_docs(&file("ui/client/src/a.ts", "/** What. */")).is_empty());
        assert!(without_docs(&file("ui/client/src/a.test.ts", "import x from 'y';")).is_empty());
    }

    #[test]
    fn a_machines_path_is_found_only_where_a_path_begins() {
        assert_eq!(machine_path(&file("a.md", "see /home/anna/rig.toml")).len(), 1);
        assert_eq!(machine_path(&file("a.toml", "path = \"/work/x\"")).len(), 1);
        assert!(machine_path(&file("a.md", "https://example.org/home/ and ui/work/x")).is_empty());
    }

    #[test]
    fn tauri_is_imported_in_one_file() {
        let line = "import { invoke } from \"@tauri-apps/api/core\";";
        assert!(tauri_elsewhere(&file("ui/client/src/tauri.ts", line)).is_empty());
        assert_eq!(tauri_elsewhere(&file("ui/panel/src/App.svelte", line)).len(), 1);
        assert_eq!(tauri_elsewhere(&file("ui/panel/src/a.ts", &line.replace('"', "'"))).len(), 1);
    }

    #[test]
    fn the_core_asks_no_clock() {
        assert_eq!(impure_core(&file("crates/core/src/rules/mod.rs", "let now = Instant::now();")).len(), 1);
        assert!(impure_core(&file("crates/host/src/clock.rs", "let now = Instant::now();")).is_empty());
    }
}
