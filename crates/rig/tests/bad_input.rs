//! No input makes the checks panic, hang or grow without bound, and every refusal can be shown.

#![allow(clippy::unwrap_used)] // helpers of tests: a failure is a failed test

mod common;

use common::DRIVERS;
use killcord_rig::{Diagnostic, Diagnostics, RigFile, Severity, Style};
use proptest::prelude::*;

/// What is read at most.
const LIMIT: usize = 256 << 10;

const BENCH: &str = include_str!("bench.toml");

/// Checks it and draws all that is told, in both styles.
fn survive(bytes: &[u8]) {
    let refused = match RigFile::parse("rig.toml", bytes) {
        Ok(file) => match file.check(DRIVERS) {
            Ok((_, warnings)) => {
                draw(&warnings);
                assert!(warnings.iter().all(|warning| warning.severity() == Severity::Warning));
                return;
            }
            Err(refused) => refused,
        },
        Err(refused) => refused,
    };
    assert!(refused.errors() > 0, "a refusal says why");
    assert!(refused.iter().count() <= 101, "bounded");
    draw(&refused.into_iter().collect::<Vec<_>>());
}

fn draw(problems: &[Diagnostic]) {
    for problem in problems {
        assert!(!problem.render(Style::Plain).is_empty());
        assert!(!problem.render(Style::Coloured).is_empty());
        serde_json::to_string(problem).unwrap();
    }
}

/// Pieces that a rig file is made of, and some that break it.
fn piece() -> impl Strategy<Value = String> {
    let lines: Vec<String> = BENCH.lines().map(str::to_owned).collect();
    prop_oneof![
        4 => proptest::sample::select(lines),
        2 => proptest::sample::select(vec![
            "[rig]", "[[device]]", "[[device.reading]]", "[[device.control]]", "[[link]]", "[session]", "= 1", "}",
            "name = 1", "safe = [{ ramp = 1 }]", "safe = [[]]", "verify = [{}]", "a.b.c = 1", "[a.b]", "\"\" = 1",
            "safe_after = [\"psu\"]", "connect = \"tcp://[\"", "connect = \"serial://?=&&=\"", "unit = 1e999",
            "budget = \"1ms\"", "timeout = \"0.0000001s\"", "deadline = \"1h\"", "'''", "\"\"\"", "\u{feff}",
            "arm = [{ write_register = 65535, type = \"f32\", scale = 1e-300, value = 1e300 }]",
            "verify = [{ query = \"?\", matches = \"(((\", within = \"9000h\" }]",
        ])
        .prop_map(str::to_owned),
        1 => "\\PC{0,20}",
        1 => "[a-z_]{1,8} = \\PC{0,20}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_at_all_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        survive(&bytes);
    }

    #[test]
    fn no_mixture_of_the_pieces_of_rig_files_makes_it_panic(
        pieces in proptest::collection::vec(piece(), 0..60),
    ) {
        survive(pieces.join("\n").as_bytes());
    }

    #[test]
    fn no_damage_to_a_good_file_makes_it_panic(
        cuts in proptest::collection::vec((0..BENCH.len(), 0..40_usize, any::<Vec<u8>>()), 1..6),
    ) {
        let mut bytes = BENCH.as_bytes().to_vec();
        for (at, len, put) in cuts {
            let start = at.min(bytes.len());
            let end = (start + len).min(bytes.len());
            bytes.splice(start..end, put.into_iter().take(20));
        }
        survive(&bytes);
    }

    #[test]
    fn a_word_of_a_good_file_replaced_by_any_other_is_survived(
        at in 0..BENCH.len(), other in "\\PC{0,30}",
    ) {
        let words: Vec<&str> = BENCH.split_inclusive([' ', '\n', '"']).collect();
        let at = at % words.len();
        let text: String = words
            .iter()
            .enumerate()
            .map(|(n, word)| if n == at { format!("{other} ") } else { (*word).to_owned() })
            .collect();
        survive(text.as_bytes());
    }
}

#[test]
fn deep_long_and_wide_files_are_refused_in_time() {
    let begun = std::time::Instant::now();
    for text in [
        "[".repeat(LIMIT),
        format!("a = {}", "[".repeat(LIMIT - 10)),
        format!("a = {}", "{a=".repeat(LIMIT / 3 - 10)),
        "a.".repeat(LIMIT / 2),
        "\"".repeat(LIMIT),
        "[[device]]\n".repeat(LIMIT / 12),
        format!("[rig]\nname = \"{}\"", "x".repeat(LIMIT - 100)),
        "\n".repeat(LIMIT),
        (0..20_000).map(|n| format!("k{n} = 1\n")).collect(),
        format!("[rig]\nname = \"b\"\n{}", "[[device]]\nname = \"d\"\n[[device.reading]]\n".repeat(6_000)),
        format!("[rig]\n{} = 1", "k".repeat(LIMIT - 100)),
        "é\u{301}\u{200d}".repeat(LIMIT / 8),
    ] {
        assert!(text.len() <= LIMIT, "read, not refused for its size");
        survive(text.as_bytes());
    }
    assert!(begun.elapsed().as_secs() < 30, "{:?}", begun.elapsed());
}

#[test]
fn a_file_above_the_limit_is_refused_unread() {
    let refused = RigFile::parse("rig.toml", vec![b' '; LIMIT + 1]).unwrap_err();
    assert_eq!(refused.to_string().lines().next(), Some("error: the rig file is larger than 256 KiB"));
}

#[test]
fn a_file_that_is_not_utf_8_shows_the_place() {
    let refused = RigFile::parse("rig.toml", b"[rig]\nname = \"B\xe4nk\"\n").unwrap_err();
    expect_test::expect![[r#"
        error: the file is not UTF-8
         --> rig.toml:2:10
          |
        2 | name = "B�nk"
          |          ^ these bytes are no character
          |
          = help: save it as UTF-8"#]]
    .assert_eq(&refused.to_string());
}

#[test]
fn a_file_gives_no_orders_to_the_terminal_that_its_problems_are_shown_on() {
    for order in ["\u{9b}2J", "\u{1b}[2J", "\u{7f}", "\u{202e}"] {
        let refused = RigFile::parse("rig.toml", format!("[rig]\nname = '{order}' # {order}\nx = 1\n"));
        let refused = refused.and_then(|file| file.check(DRIVERS)).unwrap_err();
        let drawn = refused.to_string();
        assert!(!drawn.contains(|c: char| (c.is_control() && c != '\n') || c == '\u{202e}'), "{drawn:?}");
    }
}

fn read(path: &std::path::Path) -> Diagnostics {
    RigFile::read(path).unwrap_err()
}

#[test]
fn what_is_no_plain_file_is_not_opened() {
    let folder = tempfile::tempdir().unwrap();
    assert!(read(&folder.path().join("rig.toml")).to_string().contains("check its path"));
    assert!(read(folder.path()).to_string().contains("it is no plain file"));
    assert!(read("/dev/zero".as_ref()).to_string().contains("it is no plain file"));
    assert!(read("rig\0.toml".as_ref()).to_string().contains("cannot be read"));
}

#[test]
fn two_names_of_one_file_are_one_rig() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rig.toml");
    let link = folder.path().join("other.toml");
    std::fs::write(&file, BENCH).unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    let canonical = file.canonicalize().unwrap();
    for name in [file, link] {
        let read = RigFile::read(&name).unwrap();
        assert_eq!(read.path(), Some(canonical.as_path()));
        assert_eq!(read.name(), name.display().to_string(), "problems are told by the name that was given");
        assert_eq!(read.check(DRIVERS).unwrap().0.source, Some(canonical.clone()));
    }
}
