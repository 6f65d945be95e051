//! Debian packages: which are needed for what, which of them are missing, and installing those.
//!
//! Only as root; for anyone else the exact command is printed and nothing is done.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Result, bail};

use crate::shell;

/// To build the command line: a C compiler, for the bundled SQLite.
pub(crate) const COMMAND_LINE: &[&str] = &["build-essential", "pkg-config"];

/// To build and open the desktop window (Tauri 2 on WebKitGTK 4.1).
pub(crate) const WINDOW: &[&str] = &[
    "build-essential",
    "file",
    "libayatana-appindicator3-dev",
    "librsvg2-dev",
    "libssl-dev",
    "libwebkit2gtk-4.1-dev",
    "libxdo-dev",
    "pkg-config",
];

/// Besides [`WINDOW`], what the tests start: a display with a window manager, two browsers and WebKit's driver, buses,
/// serial lines, a Modbus master, two proxies, a check of TLS, systemd's own check of units, networks that can be cut,
/// Prometheus with promtool, and Python for the instruments of others. Debian has no driver for Firefox; it is driven
/// without one.
pub(crate) const TESTS: &[&str] = &[
    "caddy",
    "chromium",
    "dbus",
    "dbus-x11",
    "firefox-esr",
    "fonts-dejavu-core",
    "imagemagick",
    "iproute2",
    "mbpoll",
    "nginx-light",
    "openbox",
    "openssl",
    "prometheus",
    "python3",
    "python3-dbusmock",
    "python3-venv",
    "socat",
    "sslscan",
    "systemd",
    "util-linux",
    "webkit2gtk-driver",
    "wmctrl",
    "x11-utils",
    "xauth",
    "xdotool",
    "xvfb",
];

/// The packages of `wanted` that are not installed, sorted, each once. `None`: this is no Debian, and nobody knows.
pub(crate) fn missing(wanted: &[&'static str]) -> Option<Vec<&'static str>> {
    // It fails as soon as one package is unknown, and still prints the others: an empty answer is an answer.
    let output = shell::command("dpkg-query", &["-W", "-f", "${Package} ${db:Status-Status}\n"])
        .args(wanted)
        .output()
        .ok()?;
    Some(not_installed(wanted, &String::from_utf8_lossy(&output.stdout)))
}

/// `answer` holds lines of "name status", as dpkg-query prints them.
fn not_installed(wanted: &[&'static str], answer: &str) -> Vec<&'static str> {
    let installed: BTreeSet<&str> = answer
        .lines()
        .filter_map(|line| line.split_once(' '))
        .filter(|(_, status)| *status == "installed")
        .map(|(name, _)| name)
        .collect();
    let wanted: BTreeSet<&'static str> = wanted.iter().copied().collect();
    wanted.into_iter().filter(|name| !installed.contains(name)).collect()
}

/// The one command that installs `packages`.
fn install_words(packages: &[&str]) -> Vec<String> {
    let words = ["apt-get", "install", "-y", "--no-install-recommends"];
    words.iter().chain(packages).map(|word| (*word).to_owned()).collect()
}

/// Installs them; without root it stops and says what to type.
pub(crate) fn install(packages: &[&'static str]) -> Result<()> {
    if packages.is_empty() {
        return Ok(());
    }
    let words = install_words(packages);
    if !is_root() {
        bail!(
            "Debian packages are missing, and only root can install them. Type this as root (`sudo -i` or `su -`), \
             then start again:\n\n  apt-get update && {}\n",
            words.join(" ")
        );
    }
    let quiet = |args: &[&str]| {
        let mut command = shell::command("apt-get", args);
        command.env("DEBIAN_FRONTEND", "noninteractive");
        command
    };
    shell::run(&mut quiet(&["update", "-q"]))?;
    let args: Vec<&str> = words.iter().skip(1).map(String::as_str).collect();
    shell::run(quiet(&args).args(["-q", "-o", "Dpkg::Use-Pty=0"]))
}

/// How much would be fetched and how much disk it would take, in apt's words; `None` when apt's lists are empty
/// or too old to know the packages. Needs no root and changes nothing.
pub(crate) fn size(packages: &[&'static str]) -> Option<String> {
    let args = ["install", "--no-install-recommends", "--assume-no", "-o", "Debug::NoLocking=1"];
    // It ends with "Abort." and a status that says so: only what it printed counts.
    let output = shell::command("apt-get", &args).args(packages).env("LC_ALL", "C").output().ok()?;
    size_in(&String::from_utf8_lossy(&output.stdout))
}

fn size_in(answer: &str) -> Option<String> {
    let between = |from: &str, to: &str| Some(answer.split_once(from)?.1.split_once(to)?.0);
    let fetched = between("Need to get ", " of archives")?;
    let disk = between("After this operation, ", " of additional disk space")?;
    Some(format!("{fetched} to fetch, {disk} on disk"))
}

fn is_root() -> bool {
    // /proc/self belongs to the effective user: no call into C, no dependency.
    use std::os::unix::fs::MetadataExt;
    Path::new("/proc/self").metadata().is_ok_and(|meta| meta.uid() == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_counts_as_there_only_when_fully_installed() {
        let answer = "file installed\nxvfb config-files\nsocat not-installed\n";
        assert_eq!(not_installed(&["xvfb", "file", "socat", "mbpoll"], answer), ["mbpoll", "socat", "xvfb"]);
    }

    #[test]
    fn each_missing_package_is_named_once() {
        assert_eq!(not_installed(&["file", "file"], ""), ["file"]);
    }

    #[test]
    fn nothing_is_missing_when_all_is_there() {
        assert!(not_installed(&["file"], "file installed\n").is_empty());
    }

    #[test]
    fn the_size_is_read_from_apt() {
        let answer = "0 upgraded, 88 newly installed, 0 to remove.\nNeed to get 46.6 MB of archives.\n\
                      After this operation, 236 MB of additional disk space will be used.\nAbort.\n";
        assert_eq!(size_in(answer).as_deref(), Some("46.6 MB to fetch, 236 MB on disk"));
        assert_eq!(size_in("E: Unable to locate package npm\n"), None);
    }

    #[test]
    fn the_command_to_type_is_complete() {
        assert_eq!(
            install_words(&["file", "xvfb"]).join(" "),
            "apt-get install -y --no-install-recommends file xvfb"
        );
    }
}
