//! Random words: codes, cookies, nonces. Kept only as hashes where they are kept.

use sha2::{Digest as _, Sha256};

/// 128 random bits in hex; `None` where the system has no randomness, and then nothing is handed out.
pub(crate) fn word() -> Option<String> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).ok()?;
    Some(hex(&bytes))
}

/// What is kept of a word. Words are random and long: no salt is needed, and looking up a hash tells nothing by
/// the time that it takes.
pub(crate) fn kept(word: &str) -> String {
    hex(&Sha256::digest(word.as_bytes()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
