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

#[derive(Serialize, Deserialize)]
struct Kept {
    names: Vec<String>,
    until_unix_ms: u64,
    cert: String,
    key: String,
}

/// The one that is kept, if it has these names and time left; else a new one. PEM of certificate and key.
pub(crate) fn certificate(state: &Path, names: &[String]) -> Result<(String, String), TlsError> {
    match read(state) {
        Some(kept) if kept.lasts() && names.iter().all(|name| kept.names.contains(name)) => {
            return Ok((kept.cert, kept.key));
        }
        _ => {}
    }
    let made = make(names).map_err(|error| TlsError::Make(error.to_string()))?;
    if let Err(error) = write(state, &made) {
        tracing::warn!(%error, "the certificate cannot be kept: it has another fingerprint after a restart");
    }
    Ok((made.cert, made.key))
}

/// Whether the one that is kept is to be made anew.
pub(crate) fn is_due(state: &Path) -> bool {
    read(state).is_some_and(|kept| !kept.lasts())
}

impl Kept {
    fn lasts(&self) -> bool {
        self.until_unix_ms > unix_ms().saturating_add(AHEAD.as_millis() as u64)
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
        let names = ["bench1".to_owned()];
        let first = certificate(state.path(), &names).unwrap();
        let mut kept = read(state.path()).unwrap();
        assert!(!is_due(state.path()));
        kept.until_unix_ms = unix_ms() + AHEAD.as_millis() as u64;
        write(state.path(), &kept).unwrap();
        assert!(is_due(state.path()));
        let second = certificate(state.path(), &names).unwrap();
        assert_ne!(first, second);
        fs::write(state.path().join(FILE), "{").unwrap();
        assert_ne!(certificate(state.path(), &names).unwrap(), second);
    }

    #[test]
    fn where_it_cannot_be_kept_there_is_one_all_the_same() {
        let state = tempfile::tempdir().unwrap();
        fs::write(state.path().join("file"), "").unwrap();
        certificate(&state.path().join("file"), &["bench1".into()]).unwrap();
    }
}
