//! What a host speaks to others on the network, by the word of a tool that was made to find fault with it.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use killcord_tests::instrument::Instrument;
use killcord_tests::place;
use killcord_tests::port::Port;
use killcord_tests::process::Launch;
use killcord_tests::rigs;
use killcord_tests::station::Station;
use killcord_tests::wait::{LONG, until};

#[test]
fn only_tls_1_2_and_1_3_are_spoken_by_suites_with_forward_secrecy_and_nothing_known_is_wrong_with_it() {
    let (psu, station, port) = (Instrument::start(), Station::new(), Port::free());
    let remote = format!("[remote]\nlisten = \"127.0.0.1:{}\"\ntls = \"self-signed\"\n", port.number());
    let rig = station.rig(&(rigs::head("5s", "") + &remote + &rigs::switch("psu", &psu)));
    let serve = station.killcord(["serve"]).arg(&rig).start();
    until("the host to serve", LONG, || {
        serve.output().lines().iter().any(|line| line.text.contains("/killcord/pair#")).then_some(())
    });
    let scan = Launch::new(place::system("sslscan"))
        .args(["--no-colour", "--show-certificate", "--ipv4"])
        .arg(format!("127.0.0.1:{}", port.number()))
        .run(LONG);
    let found = &scan.stdout;
    assert_eq!(scan.code(), Some(0), "{found}{}", scan.stderr);
    for version in ["SSLv2", "SSLv3", "TLSv1.0", "TLSv1.1"] {
        let line = found.lines().find(|line| line.starts_with(version)).expect(version);
        assert!(line.contains("disabled"), "{found}");
    }
    for version in ["TLSv1.2", "TLSv1.3"] {
        let line = found.lines().find(|line| line.starts_with(version)).expect(version);
        assert!(line.contains("enabled"), "{found}");
    }
    let suites: Vec<&str> = found
        .lines()
        .filter(|line| line.starts_with("Preferred") || line.starts_with("Accepted"))
        .filter_map(|line| {
            line.split_whitespace().find(|word| word.contains("TLS_") || word.contains("ECDHE-"))
        })
        .collect();
    assert!(suites.len() >= 4, "{found}");
    for suite in suites {
        let aead = suite.contains("GCM") || suite.contains("CHACHA20");
        assert!(aead && (suite.starts_with("TLS_") || suite.starts_with("ECDHE-")), "{suite}\n{found}");
    }
    // Debian's tool cannot ask for compression: its own library has none.
    assert_eq!(found.matches("not vulnerable to heartbleed").count(), 2, "{found}");
    assert!(found.contains("renegotiation not supported"), "{found}");
}
