//! Encryption: the certificate, its fingerprint, and the next one when its files change.
//!
//! **It must never** serve without a certificate that fits its key: a new one that cannot be used is told, and the one
//! before it stays.

use std::{
    fs, io,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::SystemTime,
};

use killcord::core::rig;
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use sha2::{Digest as _, Sha256};
use tokio_rustls::TlsAcceptor;

use crate::{selfsigned, tokens::unix_ms};

/// Why nothing can be encrypted.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{path} cannot be read: {source}; `tls` in [remote] names it")]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is no certificate in it, or no key.
    #[error("{path} holds no {what} in PEM form; write the file that your certificate's issuer gave you")]
    Pem {
        /// Which.
        path: PathBuf,
        /// What was looked for.
        what: &'static str,
    },
    /// They do not belong together, or cannot be used.
    #[error(
        "{cert} and its key cannot be used: {source}; the key must be the one that the certificate was made for"
    )]
    Unfit {
        /// The certificate's file.
        cert: PathBuf,
        /// What rustls said.
        source: rustls::Error,
    },
    /// None could be made.
    #[error(
        "no certificate could be made: {0}; write tls = {{ cert = \"…\", key = \"…\" }} with one of your own"
    )]
    Make(String),
}

/// Where the certificate is from.
enum Source {
    Files {
        cert: PathBuf,
        key: PathBuf,
    },
    /// For the folder of the rig's state, and these names.
    Own {
        state: PathBuf,
        names: Vec<String>,
    },
}

/// What tells that another certificate is there, or wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Seen {
    /// When its files were changed last.
    changed: [Option<SystemTime>; 2],
    /// From when the host's own is to be made anew, in milliseconds since 1970.
    due: Option<u64>,
}

/// The certificate that is served, and where the next one comes from.
pub(crate) struct Certificate {
    source: Source,
    current: RwLock<Arc<CertifiedKey>>,
    seen: Mutex<Seen>,
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Certificate").field("fingerprint", &self.fingerprint()).finish_non_exhaustive()
    }
}

impl Certificate {
    /// By the rig file; `None` where nothing is encrypted. `names` are those that browsers may ask for.
    pub(crate) fn open(
        tls: &rig::Tls,
        state: &Path,
        names: &[String],
        addresses: &[IpAddr],
    ) -> Result<Option<Arc<Self>>, TlsError> {
        let source = match tls {
            rig::Tls::Off => return Ok(None),
            rig::Tls::Own { cert, key } => Source::Files { cert: cert.clone(), key: key.clone() },
            rig::Tls::SelfSigned => {
                let addresses = addresses.iter().map(IpAddr::to_string);
                let names = names.iter().cloned().chain(addresses).collect();
                Source::Own { state: state.to_owned(), names }
            }
        };
        // Before it is read: a file that changes meanwhile is read once more.
        let changed = source.changed();
        let (current, due) = source.read()?;
        let seen = Mutex::new(Seen { changed, due });
        Ok(Some(Arc::new(Self { source, current: RwLock::new(Arc::new(current)), seen })))
    }

    fn current(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// SHA-256 of the certificate, as browsers show it: `AB:CD:…`.
    pub(crate) fn fingerprint(&self) -> String {
        let current = self.current();
        let digest = current.end_entity_cert().map(|cert| Sha256::digest(cert.as_ref()));
        let bytes = digest.map(|digest| digest.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>());
        bytes.unwrap_or_default().join(":")
    }

    /// Looks whether the files have changed, or another is due; whether another certificate is served from here on.
    pub(crate) fn look(&self) -> bool {
        self.look_at(unix_ms())
    }

    fn look_at(&self, now_unix_ms: u64) -> bool {
        let changed = self.source.changed();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.changed == changed && seen.due.is_none_or(|due| now_unix_ms < due) {
            return false;
        }
        seen.changed = changed;
        match self.source.read() {
            Ok((next, due)) if next.cert == self.current().cert => {
                seen.due = due;
                false
            }
            Ok((next, due)) => {
                seen.due = due;
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
                tracing::info!(fingerprint = self.fingerprint(), "another certificate is served");
                true
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "the new certificate cannot be used; the one before it stays");
                false
            }
        }
    }

    /// What encrypts connections: TLS 1.3 and 1.2 with the suites that rustls has, HTTP/1.1 alone.
    pub(crate) fn acceptor(self: &Arc<Self>) -> Result<TlsAcceptor, TlsError> {
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError::Make(error.to_string()))?;
        let mut config = config.with_no_client_auth().with_cert_resolver(Arc::clone(self) as _);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        // A page that is left for a while comes back without a full handshake; nothing is sent before it is over.
        config.max_early_data_size = 0;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current())
    }
}

impl Source {
    /// The certificate, and from when the host's own is to be made anew.
    fn read(&self) -> Result<(CertifiedKey, Option<u64>), TlsError> {
        match self {
            Self::Files { cert, key } => {
                let error = |path: &Path| {
                    let path = path.to_owned();
                    move |source| TlsError::Read { path, source }
                };
                let chain = fs::read(cert).map_err(error(cert))?;
                let secret = fs::read(key).map_err(error(key))?;
                Ok((certified(cert, &chain, key, &secret)?, None))
            }
            Self::Own { state, names } => {
                let kept = selfsigned::certificate(state, names)?;
                let path = state.join(selfsigned::FILE);
                let certified = certified(&path, kept.cert.as_bytes(), &path, kept.key.as_bytes())?;
                Ok((certified, Some(kept.due())))
            }
        }
    }

    fn changed(&self) -> [Option<SystemTime>; 2] {
        let modified = |path: &Path| fs::metadata(path).and_then(|file| file.modified()).ok();
        match self {
            Self::Files { cert, key } => [modified(cert), modified(key)],
            Self::Own { .. } => [None, None],
        }
    }
}

fn certified(cert: &Path, chain: &[u8], key: &Path, secret: &[u8]) -> Result<CertifiedKey, TlsError> {
    let pem = |path: &Path, what| TlsError::Pem { path: path.to_owned(), what };
    let unfit = |source| TlsError::Unfit { cert: cert.to_owned(), source };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(chain)
        .collect::<Result<_, _>>()
        .map_err(|_| pem(cert, "certificate"))?;
    if chain.is_empty() {
        return Err(pem(cert, "certificate"));
    }
    let secret = PrivateKeyDer::from_pem_slice(secret).map_err(|_| pem(key, "private key"))?;
    let certified = CertifiedKey::from_der(chain, secret, &ring::default_provider()).map_err(unfit)?;
    certified.keys_match().map_err(unfit)?;
    Ok(certified)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(state: &Path, names: &[&str]) -> Arc<Certificate> {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        Certificate::open(&rig::Tls::SelfSigned, state, &names, &[]).unwrap().unwrap()
    }

    fn files(folder: &Path, name: &str) -> (PathBuf, PathBuf) {
        let made = tempfile::tempdir().unwrap();
        let made = selfsigned::certificate(made.path(), &[name.into()]).unwrap();
        let (cert, key) = (folder.join("bench.pem"), folder.join("bench.key"));
        fs::write(&cert, made.cert).unwrap();
        fs::write(&key, made.key).unwrap();
        (cert, key)
    }

    #[test]
    fn the_host_s_own_certificate_is_the_same_after_a_restart_until_it_gets_another_name() {
        let state = tempfile::tempdir().unwrap();
        let first = own(state.path(), &["bench1", "localhost"]).fingerprint();
        assert_eq!(first.len(), 32 * 3 - 1, "{first}");
        assert_eq!(own(state.path(), &["bench1"]).fingerprint(), first);
        assert_ne!(own(state.path(), &["bench2"]).fingerprint(), first);
    }

    #[test]
    fn the_host_s_own_certificate_is_made_anew_when_it_is_due_and_not_before() {
        let state = tempfile::tempdir().unwrap();
        let served = own(state.path(), &["bench1"]);
        let due = served.seen.lock().unwrap().due.unwrap();
        assert!(due > unix_ms());
        assert!(!served.look_at(due - 1));
        // What is kept has time left by the machine's own clock: it is read, and stays.
        assert!(!served.look_at(due));
        fs::remove_file(state.path().join(selfsigned::FILE)).unwrap();
        let first = served.fingerprint();
        assert!(!served.look_at(due - 1));
        assert!(served.look_at(due));
        assert_ne!(served.fingerprint(), first);
    }

    #[test]
    fn a_certificate_whose_file_changes_is_served_and_one_that_is_none_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let (cert, key) = files(folder.path(), "one");
        let tls = rig::Tls::Own { cert: cert.clone(), key: key.clone() };
        let open = || Certificate::open(&tls, folder.path(), &[], &[]);
        let served = open().unwrap().unwrap();
        let first = served.fingerprint();
        assert!(!served.look());
        files(folder.path(), "two");
        assert!(served.look());
        let second = served.fingerprint();
        assert_ne!(first, second);

        let chain = fs::read(&cert).unwrap();
        fs::write(&cert, "no certificate").unwrap();
        assert!(!served.look());
        assert!(matches!(open(), Err(TlsError::Pem { .. })));
        fs::write(&cert, chain).unwrap();
        fs::remove_file(&key).unwrap();
        assert!(!served.look());
        assert!(open().unwrap_err().to_string().contains("bench.key cannot be read"));
        assert_eq!(served.fingerprint(), second);
    }

    #[test]
    fn a_key_of_another_certificate_is_refused() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let ((cert, _), (_, key)) = (files(one.path(), "one"), files(two.path(), "two"));
        let error = Certificate::open(&rig::Tls::Own { cert, key }, one.path(), &[], &[]).unwrap_err();
        assert!(matches!(error, TlsError::Unfit { .. }), "{error}");
    }
}
