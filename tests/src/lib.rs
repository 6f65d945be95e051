//! Real parts for the tests: instruments of others, the programs of this workspace as processes, a display
//! with a window manager, a browser driver, a journal reader.
//!
//! What stands here starts something, shows a state of it, waits for a state, and ends it. It must never judge
//! (the tests do that, and [`campaign`], which is one), never wait by sleeping a guessed time, and never leave a
//! process behind.
//!
//! What cannot go on panics, with what to do next: this is only ever used in tests and measurements.
#![cfg(target_os = "linux")]
// A harness that cannot start its parts has nobody to hand an error to: the test fails there, with the text.
#![allow(clippy::unwrap_used, clippy::expect_used)]

pub mod blackhole;
pub mod bus;
pub mod campaign;
pub mod chromium;
pub mod clock;
pub mod demo;
pub mod desktop;
pub mod display;
pub mod door;
pub mod elsewhere;
pub mod example;
pub mod firefox;
pub mod framework;
pub mod instrument;
pub mod journal;
pub mod line;
pub mod load;
pub mod logind;
pub mod measure;
pub mod network;
pub mod page;
pub mod peers;
pub mod place;
pub mod port;
pub mod process;
pub mod prometheus;
pub mod proxy;
pub mod rigs;
pub mod session_manager;
pub mod station;
pub mod storage;
pub mod terminal;
pub mod wait;
pub mod watchdog;
pub mod webdriver;
pub mod wrapped;
