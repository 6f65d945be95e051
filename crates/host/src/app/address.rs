//! Where the app answers: a port of this machine, which every user of it reaches, or a socket in a folder that no other
//! user enters.

use std::{
    fmt, fs, io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use crate::lock::private_folder;

/// The socket's name in its folder.
const SOCKET: &str = "app.sock";
/// The longest path that a socket has, in bytes (`sun_path` in unix(7), less its end).
const LONGEST: usize = 107;

/// Where a wrapped app answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppAddress {
    /// On loopback.
    Port(SocketAddr),
    /// A Unix socket of this user's own.
    Socket(PathBuf),
}

impl AppAddress {
    /// The names by which it knows itself, the first for `Host`.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        match self {
            Self::Port(address) => vec![address.to_string(), format!("localhost:{}", address.port())],
            Self::Socket(_) => vec!["localhost".into()],
        }
    }

    /// One that nobody has at the moment, of the kind that these words ask for; sockets are in that folder.
    pub(super) fn free(command: &[String], folder: &Path) -> io::Result<Self> {
        if command.iter().any(|word| word.contains("{socket}")) {
            return free_socket(folder).map(Self::Socket);
        }
        // Another program may take it before the app does; then the app ends, and that is said.
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr().map(Self::Port)
    }

    /// A word of the command, filled in.
    pub(super) fn filled(&self, word: &str) -> String {
        match self {
            Self::Port(address) => {
                word.replace("{port}", &address.port().to_string()).replace("{host}", &address.to_string())
            }
            Self::Socket(path) => word.replace("{socket}", &path.to_string_lossy()),
        }
    }
}

impl fmt::Display for AppAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port(address) => address.fmt(f),
            Self::Socket(path) => path.display().fmt(f),
        }
    }
}

/// The folder is entered by nobody else, nor replaced by anybody else; the last app's socket is gone.
fn free_socket(folder: &Path) -> io::Result<PathBuf> {
    private_folder(folder)?;
    let us = rustix::process::getuid().as_raw();
    for path in [Some(folder), folder.parent()].into_iter().flatten() {
        let there = fs::symlink_metadata(path)?;
        if there.uid() != us || !there.is_dir() {
            let why = format!(
                "{} belongs to somebody else; set XDG_RUNTIME_DIR to a folder of your own",
                path.display()
            );
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
        }
    }
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
    let socket = folder.join(SOCKET);
    if socket.as_os_str().len() > LONGEST {
        let why =
            format!("{} is too long for a socket; set XDG_RUNTIME_DIR to a shorter one", socket.display());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    }
    match fs::remove_file(&socket) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(socket),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn port_and_host_are_filled_in_wherever_they_stand() {
        let address = AppAddress::Port(SocketAddr::from(([127, 0, 0, 1], 4711)));
        assert_eq!(address.filled("--port={port}"), "--port=4711");
        assert_eq!(address.filled("http://{host}/{port}"), "http://127.0.0.1:4711/4711");
        assert_eq!(address.filled("{other}"), "{other}");
        assert_eq!(address.names(), ["127.0.0.1:4711", "localhost:4711"]);
    }

    #[test]
    fn a_socket_is_in_a_folder_that_nobody_else_enters_and_the_last_one_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("run/rig.app");
        let words = ["--uds={socket}".to_owned()];
        for mode in [0o700, 0o777] {
            let address = AppAddress::free(&words, &folder).unwrap();
            let AppAddress::Socket(path) = &address else { panic!("{address}") };
            assert_eq!(fs::metadata(&folder).unwrap().mode() & 0o777, 0o700);
            assert_eq!(address.filled(&words[0]), format!("--uds={}", path.display()));
            assert!(!path.exists());
            fs::write(path, "left over").unwrap();
            fs::set_permissions(&folder, fs::Permissions::from_mode(mode)).unwrap();
        }
        let long = dir.path().join("x".repeat(LONGEST));
        assert!(AppAddress::free(&words, &long).unwrap_err().to_string().contains("XDG_RUNTIME_DIR"));
        std::os::unix::fs::symlink(&folder, dir.path().join("link")).unwrap();
        assert!(AppAddress::free(&words, &dir.path().join("link")).is_err());
    }
}
