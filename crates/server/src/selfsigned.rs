//! The certificate of a host that was given none. It is kept, so that whoever has compared its fingerprint once has it
//! for as long as it lives.

use std::{
    fs, io,
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    time::{Duration, SystemTime},
};

use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair};
use serde::{Deserialize, Serialize};

use crate::{tls::TlsError, tokens::unix_ms};

/// Its file, in the folder of the rig's state.
pub(crate) const FILE: &str = "certificate.json";
/// The longest that Apple's systems take a certificate for (support.apple.com/en-us/103769).
const LIVES: Duration = Duration::from_hours(825 * 24 - 1);
/// So long before its end another is made.
const AHEAD: Duration = Duration::from_hours(30 * 24);
/// A machine's clock may be behind ours by so much.
const BEHIND: Duration = Duration::from_hours(24);

/// A certificate with its key, both as PEM.
#[derive(Serialize, Deserialize)]
pub(crate) struct Kept {
    names: Vec<String>,
    until_unix_ms: u64,
    pub(crate) cert: String,
    pub(crate) key: String,
}

/// The one that is kept, if it has these names and time left; else a new one.
pub(crate) fn certificate(state: &Path, names: &[String]) -> Result<Kept, TlsError> {
    if let Some(kept) = read(state)
        && unix_ms() < kept.due()
        && names.iter().all(|name| kept.names.contains(name))
    {
        return Ok(kept);
    }
    let made = make(names).map_err(|error| TlsError::Make(error.to_string()))?;
    if let Err(error) = write(state, &made) {
        tracing::warn!(%error, "the certificate cannot be kept: it has another fingerprint after a restart");
    }
    Ok(made)
}

impl Kept {
    /// From when another takes its place, in milliseconds since 1970.
    pub(crate) const fn due(&self) -> u64 {
        self.until_unix_ms.saturating_sub(AHEAD.as_millis() as u64)
    }
}

fn read(state: &Path) -> Option<Kept> {
    serde_json::from_str(&fs::read_to_string(state.join(FILE)).ok()?).ok()
}

fn make(names: &[String]) -> Result<Kept, rcgen::Error> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, names.first().map_or("killcord", String::as_str));
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let now = SystemTime::now();
    params.not_before = (now - BEHIND).into();
    params.not_after = (now - BEHIND + LIVES).into();
    Ok(Kept {
        names: names.to_vec(),
        until_unix_ms: unix_ms() + (LIVES - BEHIND).as_millis() as u64,
        cert: params.self_signed(&key)?.pem(),
        key: key.serialize_pem(),
    })
}

/// Whole or not at all, and for nobody else's eyes.
fn write(state: &Path, kept: &Kept) -> io::Result<()> {
    fs::create_dir_all(state)?;
    let next = state.join("certificate.new");
    let mut options = fs::OpenOptions::new();
    let mut out = options.write(true).create(true).truncate(true).mode(0o600).open(&next)?;
    io::Write::write_all(&mut out, &serde_json::to_vec(kept)?)?;
    out.sync_all()?;
    fs::rename(next, state.join(FILE))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn its_key_is_for_nobody_else_s_eyes() {
        let state = tempfile::tempdir().unwrap();
        certificate(state.path(), &["bench1".into(), "192.0.2.1".into(), "::1".into()]).unwrap();
        let mode = fs::metadata(state.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn one_that_ends_soon_is_made_anew_and_one_that_cannot_be_read_too() {
        let state = tempfile::tempdir().unwrap();
        let certificate = || certificate(state.path(), &["bench1".to_owned()]).unwrap();
        let first = certificate();
        assert_eq!(certificate().cert, first.cert);
        let mut kept = read(state.path()).unwrap();
        kept.until_unix_ms = unix_ms() + AHEAD.as_millis() as u64;
        write(state.path(), &kept).unwrap();
        let second = certificate();
        assert_ne!(first.cert, second.cert);
        fs::write(state.path().join(FILE), "{").unwrap();
        assert_ne!(certificate().cert, second.cert);
    }

    #[test]
    fn where_it_cannot_be_kept_there_is_one_all_the_same() {
        let state = tempfile::tempdir().unwrap();
        fs::write(state.path().join("file"), "").unwrap();
        certificate(&state.path().join("file"), &["bench1".into()]).unwrap();
    }
}
