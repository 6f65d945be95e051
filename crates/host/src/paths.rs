//! Where a rig's state and its local door live.

use std::{
    env,
    path::{Path, PathBuf},
};

/// The platform's state folder for Killcord: `$XDG_STATE_HOME/killcord`, else `~/.local/state/killcord`.
#[must_use]
pub fn state_dir() -> PathBuf {
    folder("XDG_STATE_HOME")
        .or_else(|| folder("HOME").map(|home| home.join(".local/state")))
        .unwrap_or_else(env::temp_dir)
        .join("killcord")
}

/// The folder of sockets: `$XDG_RUNTIME_DIR/killcord`, else one in the temporary folder that carries the
/// user's number.
#[must_use]
pub fn runtime_dir() -> PathBuf {
    folder("XDG_RUNTIME_DIR").map_or_else(
        || env::temp_dir().join(format!("killcord-{}", rustix::process::getuid().as_raw())),
        |dir| dir.join("killcord"),
    )
}

/// The user's config folder for Killcord: `$XDG_CONFIG_HOME/killcord`, else `~/.config/killcord`.
#[must_use]
pub fn config_dir() -> PathBuf {
    folder("XDG_CONFIG_HOME")
        .or_else(|| folder("HOME").map(|home| home.join(".config")))
        .unwrap_or_else(env::temp_dir)
        .join("killcord")
}

/// The name of a rig's folder and socket: its file's stem for people, a hash of its canonical path for
/// machines.
#[must_use]
pub fn rig_key(file: &Path) -> String {
    let canonical = file.canonicalize().unwrap_or_else(|_| file.to_path_buf());
    let stem: String = canonical
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned())
        .unwrap_or_default()
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '-' || *c == '_')
        .take(24)
        .collect();
    format!("{stem}-{:016x}", fnv1a(canonical.as_os_str().as_encoded_bytes()))
}

/// FNV-1a, 64 bit: stable over versions of Rust, which the standard library's hasher is not.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

fn folder(variable: &str) -> Option<PathBuf> {
    env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_rigs_never_share_a_key_and_one_rig_keeps_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = (dir.path().join("a"), dir.path().join("b"));
        for folder in [&a, &b] {
            std::fs::create_dir(folder).unwrap();
            std::fs::write(folder.join("rig.toml"), "").unwrap();
        }
        let key = rig_key(&a.join("rig.toml"));
        assert_ne!(key, rig_key(&b.join("rig.toml")));
        assert_eq!(key, rig_key(&b.join("../a/rig.toml")), "one file, however it is named");
        assert!(key.starts_with("rig-"));
    }
}
