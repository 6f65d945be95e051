//! Who may depend on whom: the crates' invariants, read from `cargo tree`.

use crate::{none, output};

const TAURI: &[&str] =
    &["tauri", "tauri-plugin-killcord", "wry", "tao", "gtk", "webkit2gtk", "killcord-desktop"];
const HTTP: &[&str] = &["axum", "hyper", "tungstenite", "tokio-tungstenite"];
const LOGGING: &[&str] = &["tracing", "log"];

/// A crate, and what may be nowhere below it.
const ABSENT: &[(&str, &[&[&str]])] = &[
    ("killcord-core", &[TAURI, HTTP, LOGGING, &["tokio", "mio", "rustix", "libc"]]),
    ("killcord-wire", &[TAURI, HTTP, LOGGING, &["tokio", "mio", "rustix", "libc", "ts-rs"]]),
    ("killcord-device", &[TAURI, HTTP, &["tokio", "toml", "toml_edit", "rusqlite", "killcord-wire"]]),
    ("killcord-rig", &[TAURI, HTTP, &["tokio", "mio", "serial2", "rusqlite", "killcord-device", "killcord"]]),
    (
        "killcord-watchdog",
        &[TAURI, HTTP, LOGGING, &["tokio", "toml", "rusqlite", "killcord", "killcord-wire", "killcord-rig"]],
    ),
    ("killcord", &[TAURI, HTTP, &["killcord-sim", "killcord-server"]]),
    ("killcord-server", &[TAURI, &["killcord-rig", "killcord-sim", "toml", "native-tls", "openssl"]]),
    ("killcord-sim", &[TAURI, &["killcord", "killcord-device"]]),
    ("killcord-cli", &[TAURI]),
    ("tauri-plugin-killcord", &[&["killcord-sim", "killcord-cli", "killcord-desktop"]]),
    ("killcord-desktop", &[&["killcord-sim", "killcord-cli"]]),
];

/// What the frames may be made of.
const WIRE: &[&str] = &["killcord-core", "serde", "serde_json"];

/// The names in what `cargo tree --prefix none --format {p}` prints: "serde v1.0.229 (*)".
fn names(tree: &str) -> Vec<&str> {
    tree.lines().skip(1).filter_map(|line| line.split_whitespace().next()).collect()
}

fn tree(package: &str, more: &[&str]) -> String {
    let args = ["tree", "--edges", "normal", "--prefix", "none", "--format", "{p}", "--package", package];
    output(env!("CARGO"), &[&args, more].concat())
}

#[test]
fn no_crate_reaches_what_it_must_not() {
    let mut found = Vec::new();
    for (package, groups) in ABSENT {
        let tree = tree(package, &[]);
        let below = names(&tree);
        let banned = groups.concat();
        found.extend(banned.iter().filter(|name| below.contains(name)).map(|name| {
            format!("{package} must not depend on {name}: see `cargo tree -p {package} -e normal -i {name}`")
        }));
    }
    none(found);
}

#[test]
fn frames_are_made_of_serde_only() {
    let tree = tree("killcord-wire", &["--depth", "1"]);
    let others = names(&tree).into_iter().filter(|name| !WIRE.contains(name));
    none(others.map(|name| format!("killcord-wire must not depend on {name}")).collect());
}

#[test]
fn names_are_read_from_a_tree() {
    let tree = "killcord-core v0.1.0 (crates/core)\nserde v1.0.229\nserde_core v1.0.229 (*)\n";
    assert_eq!(names(tree), ["serde", "serde_core"]);
}
