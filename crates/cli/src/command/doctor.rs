//! `killcord doctor`: what this machine has and lacks; each failed check says what mends it.

use std::{
    env, fs, io,
    os::unix::{fs::MetadataExt as _, net::UnixStream},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use killcord::system::Delay;
use serde::Serialize;

use super::{Scene, json, print};
use crate::{find, stop::Stop, table};

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    /// All well.
    Ok,
    /// Something that a person should know; nothing depends on it.
    Note,
    /// Something is missing.
    Failed,
}

#[derive(Debug, Serialize)]
struct Finding {
    check: &'static str,
    outcome: Outcome,
    found: String,
    /// What mends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

fn ok(check: &'static str, found: impl Into<String>) -> Finding {
    Finding { check, outcome: Outcome::Ok, found: found.into(), remedy: None }
}

fn note(check: &'static str, found: impl Into<String>, remedy: Option<&str>) -> Finding {
    Finding { check, outcome: Outcome::Note, found: found.into(), remedy: remedy.map(Into::into) }
}

fn failed(check: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Finding {
    Finding { check, outcome: Outcome::Failed, found: found.into(), remedy: Some(remedy.into()) }
}

/// The exit status is 3 where a check failed.
pub(super) fn run(scene: &Scene<'_>) -> Result<u8, Stop> {
    let options = scene.options(Path::new(""));
    let findings = [
        display(),
        webkit(),
        desktop(),
        session_bus(),
        serial(),
        folder("state folder", &options.state_dir, "name another one with --state-dir"),
        folder("runtime folder", &options.runtime_dir, "set XDG_RUNTIME_DIR to a folder of your own"),
        logind(),
        watchdog(),
    ];
    let status = if findings.iter().any(|finding| finding.outcome == Outcome::Failed) { 3 } else { 0 };
    print(&if scene.common.json { json(&findings) } else { text(&findings) });
    Ok(status)
}

fn text(findings: &[Finding]) -> String {
    let row = |finding: &Finding| {
        let mark = match finding.outcome {
            Outcome::Ok => "ok",
            Outcome::Note => "note",
            Outcome::Failed => "MISSING",
        };
        vec![String::from(mark), String::from(finding.check), finding.found.clone()]
    };
    let rows: Vec<_> = findings.iter().map(row).collect();
    let listed = table::columns(&["", "", ""], &rows);
    let mut lines = Vec::new();
    for (line, finding) in listed.lines().skip(1).zip(findings) {
        lines.push(line.to_owned());
        lines.extend(finding.remedy.iter().map(|remedy| format!("         -> {remedy}")));
    }
    lines.join("\n")
}

fn display() -> Finding {
    const NAME: &str = "display";
    const NEEDS: &str = "log in to a desktop; without one: killcord serve RIG";
    if let Some(name) = env::var_os("WAYLAND_DISPLAY").filter(|name| !name.is_empty()) {
        // An absolute path stands for itself.
        let socket = env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).unwrap_or_default().join(&name);
        return match UnixStream::connect(&socket) {
            Ok(_) => ok(NAME, format!("Wayland at {}", socket.display())),
            Err(error) => failed(NAME, format!("Wayland at {}: {error}", socket.display()), NEEDS),
        };
    }
    match env::var("DISPLAY") {
        Ok(name) if !name.is_empty() => match x_socket(&name) {
            Some(socket) => match UnixStream::connect(&socket) {
                Ok(_) => ok(NAME, format!("X11 {name}")),
                Err(error) => failed(NAME, format!("X11 {name}: {error}"), NEEDS),
            },
            None => ok(NAME, format!("X11 {name}, over the network")),
        },
        _ => failed(NAME, "DISPLAY and WAYLAND_DISPLAY are unset", NEEDS),
    }
}

/// The socket of a display on this machine: `:0`, `:0.1`, `unix:0`.
fn x_socket(display: &str) -> Option<PathBuf> {
    let number = display.strip_prefix("unix").unwrap_or(display).strip_prefix(':')?;
    let number = number.split('.').next()?;
    number.parse::<u32>().ok().map(|number| PathBuf::from(format!("/tmp/.X11-unix/X{number}")))
}

fn webkit() -> Finding {
    const NAME: &str = "WebKit";
    const LIBRARY: &str = "libwebkit2gtk-4.1.so.0";
    // Beside the usual folders: on Debian they are not in a user's PATH.
    let listed = ["/sbin/ldconfig", "/usr/sbin/ldconfig", "ldconfig"].iter().find_map(|program| {
        let output =
            Command::new(program).arg("-p").stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    });
    match listed {
        Some(listed) if listed.contains(LIBRARY) => ok(NAME, LIBRARY),
        Some(_) => {
            failed(NAME, format!("{LIBRARY} is not installed"), "sudo apt install libwebkit2gtk-4.1-0")
        }
        None => note(NAME, "ldconfig cannot be asked", Some("ldd killcord-desktop | grep 'not found'")),
    }
}

fn desktop() -> Finding {
    const NAME: &str = "killcord-desktop";
    match find::desktop() {
        Some(program) => ok(NAME, program.display().to_string()),
        None => failed(
            NAME,
            "not beside this program: no window",
            "install the killcord-desktop package, or in the source: cargo xtask run",
        ),
    }
}

fn session_bus() -> Finding {
    const NAME: &str = "D-Bus session";
    const WITHOUT: &str =
        "a second start raises the window through the local door instead; tray icons need the bus";
    let address = env::var("DBUS_SESSION_BUS_ADDRESS").ok().filter(|address| !address.is_empty());
    let path = match &address {
        Some(address) => {
            address.split([';', ',']).find_map(|part| part.strip_prefix("unix:path=")).map(PathBuf::from)
        }
        None => env::var_os("XDG_RUNTIME_DIR").map(|dir| PathBuf::from(dir).join("bus")),
    };
    match (path, address) {
        (Some(path), _) if UnixStream::connect(&path).is_ok() => ok(NAME, path.display().to_string()),
        (None, Some(address)) => note(NAME, format!("{address}: not looked at"), None),
        _ => note(NAME, "none", Some(WITHOUT)),
    }
}

fn serial() -> Finding {
    const NAME: &str = "serial ports";
    let ports: Vec<PathBuf> = fs::read_dir("/dev")
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            ["ttyUSB", "ttyACM", "ttyAMA"].iter().any(|prefix| name.starts_with(prefix))
        })
        .collect();
    let may_use = |path: &&PathBuf| {
        rustix::fs::access(path.as_path(), rustix::fs::Access::READ_OK | rustix::fs::Access::WRITE_OK).is_ok()
    };
    if let Some(port) = ports.iter().find(|port| !may_use(port)) {
        return failed(NAME, format!("{} may not be opened by this user", port.display()), join_group(port));
    }
    if !ports.is_empty() {
        return ok(NAME, format!("{}, all may be opened", ports.len()));
    }
    match in_group("dialout") {
        Some(true) => ok(NAME, "none plugged in; this user may open them"),
        Some(false) => failed(NAME, "none plugged in; this user could not open one", join("dialout")),
        None => note(NAME, "none plugged in; there is no group dialout here", None),
    }
}

fn join(group: &str) -> String {
    format!("sudo usermod -aG {group} \"$USER\", then log in again")
}

/// How a user gets at a port: by the group that it belongs to.
fn join_group(port: &Path) -> String {
    let group = fs::metadata(port).ok().and_then(|port| group_name(port.gid()));
    join(group.as_deref().unwrap_or("dialout"))
}

fn groups() -> String {
    fs::read_to_string("/etc/group").unwrap_or_default()
}

fn group_name(gid: u32) -> Option<String> {
    groups().lines().find_map(|line| {
        let fields: Vec<_> = line.split(':').collect();
        (fields.get(2)?.parse() == Ok(gid)).then(|| fields[0].to_owned())
    })
}

/// Whether this process is in a group; root needs none. `None` where there is no such group.
fn in_group(name: &str) -> Option<bool> {
    let groups = groups();
    let gid = groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(name)).then(|| fields.nth(1)?.parse::<u32>().ok())?
    })?;
    let own = rustix::process::getgroups().unwrap_or_default();
    let own = own.into_iter().chain([rustix::process::getegid()]);
    Some(rustix::process::geteuid().is_root() || own.into_iter().any(|own| own.as_raw() == gid))
}

fn folder(check: &'static str, folder: &Path, otherwise: &str) -> Finding {
    match write(folder) {
        Ok(()) => ok(check, folder.display().to_string()),
        Err(error) => failed(
            check,
            format!("{} cannot be written: {error}", folder.display()),
            format!("df -h, ls -ld {}; or {otherwise}", folder.display()),
        ),
    }
}

/// Writes, syncs and removes a file there: permissions, a full disk and a read-only mount show.
fn write(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let path = folder.join(format!(".doctor-{}", std::process::id()));
    let written = fs::File::create_new(&path).and_then(|mut file| {
        io::Write::write_all(&mut file, &[b'x'; 4096])?;
        file.sync_all()
    });
    let removed = fs::remove_file(&path);
    written.and(removed)
}

fn logind() -> Finding {
    const NAME: &str = "logind";
    const WITHOUT: &str =
        "nothing waits for the hardware before this machine sleeps or shuts down: disarm before";
    const REFUSED: &str = "let this user take delay locks: polkit, actions org.freedesktop.login1.inhibit-delay-sleep \
                           and inhibit-delay-shutdown";
    match killcord::system::probe() {
        Delay::Granted { at_most } => {
            let at_most = at_most.as_secs_f64();
            ok(NAME, format!("delays sleep and shutdown for {at_most} s at most, while a rig is armed"))
        }
        Delay::Refused { why } => {
            failed(NAME, format!("gives no delay lock, so nothing arms: {why}"), REFUSED)
        }
        Delay::Nobody { why } => note(NAME, format!("not reachable: {why}"), Some(WITHOUT)),
    }
}

/// It is asked what the system gives it: without a host it watches over nothing.
fn watchdog() -> Finding {
    const NAME: &str = "watchdog";
    const NEEDS: &str = "put killcord-watchdog beside killcord; without it no rig arms, unless it says \
                         watchdog = \"off\"";
    let found = killcord::watchdog::Program::Beside.find();
    let (program, arguments) = match found {
        Ok(found) => found,
        Err(error) => return failed(NAME, error.to_string(), NEEDS),
    };
    let asked = Command::new(&program).args(arguments).arg("check").stdin(Stdio::null()).output();
    match asked {
        Ok(output) if output.status.success() => {
            let lacks = String::from_utf8_lossy(&output.stdout);
            let lacks: Vec<_> = lacks.lines().collect();
            if lacks.is_empty() {
                ok(NAME, program.display().to_string())
            } else {
                note(NAME, format!("{}, not fully protected", program.display()), Some(&lacks.join("; ")))
            }
        }
        Ok(output) => failed(NAME, format!("{} ended with {}", program.display(), output.status), NEEDS),
        Err(error) => failed(NAME, format!("{}: {error}", program.display()), NEEDS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_display_on_this_machine_has_a_socket() {
        for (display, socket) in [
            (":0", Some("/tmp/.X11-unix/X0")),
            (":12.1", Some("/tmp/.X11-unix/X12")),
            ("host:0", None),
            (":x", None),
        ] {
            assert_eq!(x_socket(display), socket.map(PathBuf::from), "{display}");
        }
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named_with_what_mends_it() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        let found = folder("state folder", &file.join("state"), "name another one with --state-dir");
        assert_eq!(found.outcome, Outcome::Failed);
        assert!(found.remedy.unwrap().contains("--state-dir"));
        assert_eq!(folder("state folder", &dir.path().join("new"), "").outcome, Outcome::Ok);
    }
}
