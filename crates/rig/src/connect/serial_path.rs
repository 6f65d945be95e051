//! Names of serial ports: which of them stay, and which move with the order of plugging in.

use std::path::{Path, PathBuf};

use crate::{node::Node, source::Span};

/// Where udev keeps a name for each port that is made of its maker and serial number.
const BY_ID: &str = "/dev/serial/by-id";

/// Two paths that lead to the same port are the same, whatever links lead there.
pub(super) fn identity(path: &str) -> String {
    let canonical = std::fs::canonicalize(path).unwrap_or_else(|_| PathBuf::from(path));
    format!("serial {}", canonical.display())
}

/// `/dev/ttyUSB0` is whichever adapter was plugged in first: another instrument tomorrow.
pub(super) fn warn_of_a_name_that_moves(node: Node<'_>, span: Span, path: &str) {
    let Some(name) = path.strip_prefix("/dev/") else { return };
    if !["ttyUSB", "ttyACM"].iter().any(|prefix| name.starts_with(prefix)) {
        return;
    }
    let draft = node
        .problems
        .warning(span, format!("{path} may be another instrument after the next start or plug"))
        .label("numbered in the order of plugging in");
    match by_id(Path::new(BY_ID), Path::new(path)) {
        Some(stays) => draft.help(format!("this port's lasting name is {}", stays.display())),
        None => draft.help("take its name under /dev/serial/by-id/ (`ls -l /dev/serial/by-id` shows which)"),
    }
    .tell();
}

/// The name in `folder` that leads to `port`; names are few, and more than a thousand are not looked at.
fn by_id(folder: &Path, port: &Path) -> Option<PathBuf> {
    let port = std::fs::canonicalize(port).ok()?;
    let mut names: Vec<PathBuf> =
        std::fs::read_dir(folder).ok()?.take(1000).filter_map(|entry| Some(entry.ok()?.path())).collect();
    names.sort();
    names.into_iter().find(|name| std::fs::canonicalize(name).is_ok_and(|target| target == port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lasting_name_of_a_port_is_the_link_that_leads_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let ids = folder.path().join("by-id");
        std::fs::create_dir(&ids).unwrap();
        for port in ["ttyUSB0", "ttyUSB1"] {
            std::fs::write(folder.path().join(port), "").unwrap();
        }
        std::os::unix::fs::symlink("../ttyUSB1", ids.join("usb-FTDI_A")).unwrap();
        std::os::unix::fs::symlink("../ttyUSB0", ids.join("usb-FTDI_B")).unwrap();
        assert_eq!(by_id(&ids, &folder.path().join("ttyUSB0")), Some(ids.join("usb-FTDI_B")));
        assert_eq!(by_id(&ids, &folder.path().join("ttyUSB7")), None);
        assert_eq!(by_id(Path::new("/nowhere"), &folder.path().join("ttyUSB0")), None);
    }
}
