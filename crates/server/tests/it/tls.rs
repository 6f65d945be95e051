//! Encrypted: what is spoken, by which certificate, and what becomes of whoever speaks something else.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::TcpStream,
    sync::{Arc, Mutex},
    time::Instant,
};

use killcord::core::rig::Tls;
use killcord_server::Remote;
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned,
    SupportedProtocolVersion,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::ring,
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use sha2::{Digest as _, Sha256};

use crate::bench::{Bench, SOON, get, post, remote};

/// Takes any certificate, and keeps its fingerprint.
#[derive(Debug, Default)]
struct Seen(Mutex<String>);

impl ServerCertVerifier for Seen {
    fn verify_server_cert(
        &self,
        cert: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let bytes: Vec<_> = Sha256::digest(cert).iter().map(|byte| format!("{byte:02X}")).collect();
        *self.0.lock().unwrap() = bytes.join(":");
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = ring::default_provider().signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, signed, &algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = ring::default_provider().signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, signed, &algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ring::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

fn encrypted(tls: Tls) -> Remote {
    Remote { tls, ..remote() }
}

/// Asks over TLS of that version: the answer, and the fingerprint of the certificate.
fn ask(
    bench: &Bench,
    version: &'static SupportedProtocolVersion,
    request: &str,
) -> Result<(String, String), Box<dyn std::error::Error>> {
    let seen = Arc::new(Seen::default());
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[version])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&seen) as _)
        .with_no_client_auth();
    let client = ClientConnection::new(Arc::new(config), "bench1.lab".try_into()?)?;
    let stream = TcpStream::connect(bench.at())?;
    stream.set_read_timeout(Some(SOON))?;
    let mut stream = StreamOwned::new(client, stream);
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let spoken = stream.conn.protocol_version();
    assert_eq!(spoken.map(u16::from), Some(u16::from(version.version)), "{spoken:?}");
    let fingerprint = seen.0.lock().unwrap().clone();
    Ok((answer, fingerprint))
}

fn over_https(text: &str) -> String {
    text.replace("Origin: http:", "Origin: https:")
}

#[test]
fn the_certificate_is_the_one_whose_fingerprint_is_shown_and_the_cookie_never_leaves_in_plain_text() {
    let bench = Bench::at_remote(&encrypted(Tls::SelfSigned));
    let shown = bench.server.fingerprint().unwrap();
    let link = bench.server.invite().unwrap();
    assert!(link.starts_with(&format!("https://{}/killcord/pair#", bench.at())), "{link}");
    for version in [&rustls::version::TLS13, &rustls::version::TLS12] {
        let (page, seen) = ask(&bench, version, &get(bench.at(), "/killcord/pair", "")).unwrap();
        assert_eq!(seen, shown);
        assert!(page.contains(&format!(r#"<meta name="killcord-fingerprint" content="{shown}">"#)), "{page}");
    }
    let body = format!("{{\"code\":\"{}\"}}", link.split_once('#').unwrap().1);
    let pair = over_https(&post(bench.at(), "/killcord/pair", "", &body));
    let (answer, _) = ask(&bench, &rustls::version::TLS13, &pair).unwrap();
    assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
    assert!(answer.contains("set-cookie: __Host-killcord-") && answer.contains("; Secure"), "{answer}");
    let plain_page = post(bench.at(), "/killcord/bye", "", "{}");
    let (answer, _) = ask(&bench, &rustls::version::TLS13, &plain_page).unwrap();
    assert!(answer.contains("wrong_origin"), "a page in plain text is none of ours: {answer}");
}

#[test]
fn plain_text_is_answered_with_what_to_write_and_old_versions_not_at_all() {
    let bench = Bench::at_remote(&encrypted(Tls::SelfSigned));
    let answer = bench.ask(&get(bench.at(), "/", ""));
    assert!(answer.status == 400 && answer.body.contains("https://"), "{answer:?}");
    // Client hellos as of SSL 3.0, TLS 1.0 and TLS 1.1: one suite of their time, no extensions.
    for minor in [0, 1, 2] {
        let body = [&[3, minor][..], &[7; 32], &[0, 0, 2, 0, 0x2f, 1, 0]].concat();
        let length = u8::try_from(body.len()).unwrap();
        let hello = [&[22, 3, minor, 0, length + 4, 1, 0, 0, length][..], &body].concat();
        let mut stream = TcpStream::connect(bench.at()).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        stream.write_all(&hello).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).ok();
        // An alert (RFC 8446 section 6), or nothing.
        assert!(answer.first().is_none_or(|kind| *kind == 21), "3.{minor}: {answer:?}");
    }
}

#[test]
fn a_handshake_that_never_ends_takes_no_place_from_others() {
    let bench = Bench::at_remote(&encrypted(Tls::SelfSigned));
    // The first byte of a record, and no more.
    let slow: Vec<_> = (0..200)
        .map_while(|_| {
            let mut stream = TcpStream::connect(bench.at()).ok()?;
            stream.write_all(&[22]).ok()?;
            Some(stream)
        })
        .collect();
    assert_eq!(slow.len(), 200);
    let asked = get(bench.at(), "/killcord/healthz", "");
    ask(&bench, &rustls::version::TLS13, &asked).unwrap();
    // Those of one address beyond its places were shown out at once, the rest when their time was over.
    for mut stream in slow {
        stream.set_read_timeout(Some(SOON)).unwrap();
        let ended = stream.read(&mut [0; 64]);
        assert!(!matches!(&ended, Err(error) if error.kind() == ErrorKind::WouldBlock), "{ended:?}");
    }
}

#[test]
fn a_certificate_that_is_renewed_is_served_without_a_restart() {
    let (folder, made) = (tempfile::tempdir().unwrap(), Bench::at_remote(&encrypted(Tls::SelfSigned)));
    let kept = |bench: &Bench| -> serde_json::Value {
        serde_json::from_str(&bench.kept("certificate.json")).unwrap()
    };
    let put = |bench: &Bench| {
        let kept = kept(bench);
        std::fs::write(folder.path().join("bench.key"), kept["key"].as_str().unwrap()).unwrap();
        std::fs::write(folder.path().join("bench.pem"), kept["cert"].as_str().unwrap()).unwrap();
    };
    put(&made);
    let own = Tls::Own { cert: folder.path().join("bench.pem"), key: folder.path().join("bench.key") };
    let bench = Bench::at_remote(&encrypted(own));
    assert_eq!(bench.server.fingerprint(), made.server.fingerprint());
    let renewed = Bench::at_remote(&encrypted(Tls::SelfSigned));
    put(&renewed);
    let until = Instant::now() + SOON;
    while bench.server.fingerprint() != renewed.server.fingerprint() {
        assert!(Instant::now() < until);
        std::thread::yield_now();
    }
    let (_, seen) = ask(&bench, &rustls::version::TLS13, &get(bench.at(), "/killcord/healthz", "")).unwrap();
    assert_eq!(Some(seen), renewed.server.fingerprint());
}
