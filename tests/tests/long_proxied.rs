//! nginx as Debian has it, in its own times: the 60 s after which it cuts what is silent, and somebody's hard 30 s. It runs
//! by `cargo xtask test --long`.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod browser;

use std::time::{Duration, Instant};

use browser::behind::Behind;
use killcord_tests::proxy::Kind;
use killcord_tests::wait::let_pass;

/// Beyond nginx's `proxy_read_timeout` and `proxy_send_timeout`, of 60 s each.
const QUIET: Duration = Duration::from_secs(150);
/// What some proxies give any connection.
const HARD: Duration = Duration::from_secs(30);

#[test]
fn nginx_never_finds_a_page_silent_that_nobody_uses() {
    let behind = Behind::armed(Kind::Nginx);
    let cut = behind.proxy.cuts();
    let began = Instant::now();
    while began.elapsed() < QUIET {
        let_pass(Duration::from_secs(5));
        behind.is_as_it_was();
    }
    assert_eq!(behind.proxy.cuts(), cut, "a page's socket was cut");
    behind.close();
}

#[test]
fn a_page_whose_every_connection_is_cut_after_30_s_keeps_the_bench() {
    let behind = Behind::armed(Kind::Nginx);
    for _ in 0..5 {
        let began = Instant::now();
        while began.elapsed() < HARD {
            let_pass(Duration::from_secs(5));
            behind.is_as_it_was();
        }
        behind.proxy.cut();
        behind.await_resumed();
        behind.is_as_it_was();
    }
    behind.close();
}
