//! How many tests passed and failed, read from what the runners print: cargo-nextest, libtest and vitest.

use std::ops::AddAssign;

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) passed: u64,
    pub(super) failed: u64,
}

impl Counts {
    /// For a command that failed: something failed in it, whatever its output said.
    pub(super) fn with_a_failure(self) -> Self {
        Self { failed: self.failed.max(1), ..self }
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

/// Who prints the summary line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Runner {
    /// `cargo nextest run`
    Nextest,
    /// `cargo test`
    Libtest,
    /// `vitest run`, for each package of the front end
    Vitest,
}

impl Runner {
    /// The counts of a summary line; `None` for any other line.
    pub(super) fn read(self, line: &str) -> Option<Counts> {
        let line = plain(line);
        let line = line.trim();
        match self {
            //      Summary [   0.123s] 12 tests run: 11 passed (1 slow), 1 failed, 2 skipped
            Self::Nextest => {
                let rest = line.strip_prefix("Summary [")?.split_once(']')?.1;
                Some(listed(rest.split_once(" run: ")?.1, ','))
            }
            // test result: FAILED. 11 passed; 1 failed; 0 ignored; 0 measured; 3 filtered out; finished in 0.10s
            Self::Libtest => Some(listed(line.strip_prefix("test result: ")?.split_once(". ")?.1, ';')),
            //       Tests  1 failed | 11 passed (12)
            Self::Vitest => Some(listed(line.strip_prefix("Tests ")?, '|')),
        }
    }
}

/// Sums "11 passed (1 slow), 1 failed, 1 timed out".
fn listed(text: &str, separator: char) -> Counts {
    let mut counts = Counts::default();
    for part in without_parentheses(text).split(separator) {
        let Some((number, word)) = part.trim().split_once(' ') else { continue };
        let Ok(number) = number.parse::<u64>() else { continue };
        match word.trim() {
            "passed" => counts.passed += number,
            "failed" | "timed out" | "exec failed" => counts.failed += number,
            _ => {}
        }
    }
    counts
}

fn without_parentheses(text: &str) -> String {
    let mut depth = 0_u32;
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ if depth == 0 => out.push(c),
            _ => {}
        }
    }
    out
}

/// The line without its colours (ECMA-48 control sequences, `ESC [ … letter`).
fn plain(line: &str) -> String {
    let mut out = String::new();
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' {
            chars.by_ref().skip(1).find(char::is_ascii_alphabetic);
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(runner: Runner, line: &str, expected: Option<(u64, u64)>) {
        let counts = runner.read(line).map(|counts| (counts.passed, counts.failed));
        assert_eq!(counts, expected, "{line}");
    }

    #[test]
    fn nextest_summaries_are_read() {
        let cases = [
            ("     Summary [   0.123s] 12 tests run: 12 passed, 0 skipped", (12, 0)),
            (
                "     Summary [  61.0s] 12 tests run: 9 passed (1 slow, 2 leaky), 2 failed, 1 timed out, 4 skipped",
                (9, 3),
            ),
            ("     Summary [   0.1s] 1 test run: 0 passed, 1 exec failed, 0 skipped", (0, 1)),
            ("     Summary [   0.1s] 3/12 tests run: 2 passed, 1 failed, 9 skipped", (2, 1)),
            ("     Summary [   0.000s] 0 tests run: 0 passed, 5 skipped", (0, 0)),
            (
                "\u{1b}[32;1m     Summary\u{1b}[0m [   0.004s] \u{1b}[1m2\u{1b}[0m tests run: \u{1b}[1m2\u{1b}[0m \u{1b}[32;1mpassed\u{1b}[0m, \u{1b}[1m0\u{1b}[0m \u{1b}[33;1mskipped\u{1b}[0m",
                (2, 0),
            ),
        ];
        for (line, expected) in cases {
            check(Runner::Nextest, line, Some(expected));
        }
    }

    #[test]
    fn libtest_summaries_are_read() {
        let tail = "0 measured; 0 filtered out; finished in 0.10s";
        check(
            Runner::Libtest,
            &format!("test result: ok. 3 passed; 0 failed; 1 ignored; {tail}"),
            Some((3, 0)),
        );
        check(
            Runner::Libtest,
            &format!("test result: FAILED. 3 passed; 2 failed; 0 ignored; {tail}"),
            Some((3, 2)),
        );
    }

    #[test]
    fn vitest_summaries_are_read() {
        check(Runner::Vitest, "      Tests  12 passed (12)", Some((12, 0)));
        check(Runner::Vitest, "      Tests  1 failed | 11 passed | 2 skipped (14)", Some((11, 1)));
        check(
            Runner::Vitest,
            "\u{1b}[2m      Tests \u{1b}[22m \u{1b}[1m\u{1b}[32m4 passed\u{1b}[39m\u{1b}[22m\u{1b}[90m (4)\u{1b}[39m",
            Some((4, 0)),
        );
        check(Runner::Vitest, "      Tests  no tests", Some((0, 0)));
    }

    #[test]
    fn other_lines_are_no_summaries() {
        for line in [
            "",
            "test lease::expires ... ok",
            " Test Files  2 passed (2)",
            "12 tests run: 12 passed",
            "Summary [",
        ] {
            for runner in [Runner::Nextest, Runner::Libtest, Runner::Vitest] {
                check(runner, line, None);
            }
        }
    }

    #[test]
    fn a_failed_command_counts_as_a_failure_at_least() {
        assert_eq!(Counts { passed: 3, failed: 0 }.with_a_failure().failed, 1);
        assert_eq!(Counts { passed: 3, failed: 2 }.with_a_failure().failed, 2);
    }
}
