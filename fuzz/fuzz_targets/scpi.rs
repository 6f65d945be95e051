//! Bytes for `killcord_bad_input::scpi`: what has to hold is written there.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| killcord_bad_input::scpi(bytes));
