//! `cargo xtask run`: from a fresh Debian machine to the demo, in the desktop window or, with no display, in
//! this terminal.
//!
//! It must never install anything before it has said what, how large it is and how long it takes.

use std::os::unix::process::CommandExt;

use anyhow::{Context, Result, bail};

use crate::node::Need;
use crate::{debian, node, place, shell, ui};

/// One thing that has to be done before the demo opens.
#[derive(Debug, PartialEq, Eq)]
struct Chore {
    what: String,
    /// On disk; measured on Debian 12 with two cores, as is `time`.
    size: String,
    time: &'static str,
}

/// What the demo needs here.
struct Needs {
    window: bool,
    packages: Vec<&'static str>,
    /// As apt knows it.
    packages_size: Option<String>,
    node: bool,
    panel: bool,
    first_build: bool,
}

/// `run [-- ARGS]`; takes over this process.
pub(crate) fn run(args: &[String]) -> Result<()> {
    let demo = match args {
        [] => args,
        [dashes, rest @ ..] if dashes == "--" => rest,
        _ => bail!("`run` takes only `-- ARGS`, handed to `killcord demo`"),
    };
    let needs = look()?;
    announce(&needs);

    debian::install(&needs.packages)?;
    if needs.window {
        ui::build()?;
    }
    build(needs.window)?;

    let program = place::built("killcord");
    println!("$ {} demo {}", program.display(), demo.join(" "));
    let error = std::process::Command::new(&program).arg("demo").args(demo).exec();
    Err(error).with_context(|| format!("cannot start {}", program.display()))
}

fn look() -> Result<Needs> {
    let window = has_display();
    let mut wanted = if window { debian::WINDOW } else { debian::COMMAND_LINE }.to_vec();
    let panel = window && ui::is_stale()?;
    let need = if panel { node::need() } else { Need::Nothing };
    if matches!(need, Need::Npm) {
        wanted.push("npm");
    }
    let packages = debian::missing(&wanted).unwrap_or_else(|| {
        println!(
            "This is no Debian: if the build misses something, install the like of: {}",
            wanted.join(" ")
        );
        Vec::new()
    });
    let program = if window { "killcord-desktop" } else { "killcord" };
    Ok(Needs {
        window,
        packages_size: if packages.is_empty() { None } else { debian::size(&packages) },
        packages,
        node: !matches!(need, Need::Nothing),
        panel,
        first_build: !place::built(program).exists(),
    })
}

/// A display to open a window on: X11 or Wayland.
fn has_display() -> bool {
    ["DISPLAY", "WAYLAND_DISPLAY"]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

fn announce(needs: &Needs) {
    if needs.window {
        println!("Killcord's demo: a simulated bench, opened in the desktop window.");
    } else {
        println!(
            "There is no display here (DISPLAY and WAYLAND_DISPLAY are unset): the demo runs in this terminal,\n\
             through the same life. It needs no WebKit and no Node."
        );
    }
    let chores = chores(needs);
    if chores.is_empty() {
        println!("Nothing has to be installed; what has changed is built.");
    }
    for chore in chores {
        println!("  - {} ({}; about {})", chore.what, chore.size, chore.time);
    }
    println!();
}

fn chores(needs: &Needs) -> Vec<Chore> {
    let mut chores = Vec::new();
    let mut add = |what: String, size: &str, time| chores.push(Chore { what, size: size.to_owned(), time });
    if !needs.packages.is_empty() {
        // On a minimal Debian 12, with what they need in turn.
        let most = if needs.window {
            "up to 320 MB to fetch, 1.4 GB on disk"
        } else {
            "up to 80 MB to fetch, 320 MB on disk"
        };
        let size = needs.packages_size.as_deref().unwrap_or(most);
        add(format!("install Debian packages: {}", needs.packages.join(" ")), size, "1 to 3 minutes");
    }
    if needs.node {
        let what = format!("fetch a newer Node from the npm registry into {}, if needed", place::NODE);
        add(what, "190 MB", "20 seconds");
    }
    if needs.panel {
        add(
            "fetch the panel's npm packages into ui/node_modules and build it".to_owned(),
            "130 MB",
            "30 seconds",
        );
    }
    if needs.first_build {
        let (what, size, time) = if needs.window {
            ("fetch and build the Rust crates of the desktop app and the command line", "2.5 GB", "6 minutes")
        } else {
            ("fetch and build the Rust crates of the command line", "600 MB", "2 minutes")
        };
        add(format!("{what} into target"), size, time);
    }
    chores
}

fn build(window: bool) -> Result<()> {
    let mut command = shell::cargo(&["build", "--profile", place::PROFILE]);
    command.args(["-p", "killcord-cli", "-p", "killcord-watchdog"]);
    if window {
        command.args(["-p", "killcord-desktop"]);
    }
    shell::run(&mut command)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs() -> Needs {
        Needs {
            window: true,
            packages: vec![],
            packages_size: None,
            node: false,
            panel: false,
            first_build: false,
        }
    }

    #[test]
    fn a_machine_that_has_all_of_it_is_told_of_nothing() {
        assert_eq!(chores(&needs()), []);
    }

    #[test]
    fn everything_that_will_be_installed_is_said_first() {
        let packages = vec!["libwebkit2gtk-4.1-dev", "npm"];
        let fresh = Needs { packages, node: true, panel: true, first_build: true, ..needs() };
        let said: Vec<String> = chores(&fresh).into_iter().map(|chore| chore.what).collect();
        assert_eq!(said.len(), 4);
        assert!(said[0].contains("libwebkit2gtk-4.1-dev npm"), "{said:?}");
    }

    #[test]
    fn without_a_window_only_the_command_line_is_built() {
        let said = chores(&Needs { window: false, first_build: true, ..needs() });
        assert_eq!(said.len(), 1);
        assert!(!said[0].what.contains("desktop"), "{said:?}");
    }
}
