//! The way for browsers: pages, WebSocket, pairing, and the wrapped app behind them. One listener on this machine, one
//! host behind it.
//!
//! [`Bound::to`] takes the address before anything is sent to a device; [`Bound::serve`] serves a host until that
//! has ended, its record written. Whoever has no cookie gets the pairing page and nothing else; the cookie is had
//! for the one-time code of [`Server::invite`].
//!
//! **Architecture Invariants.** The only crate that knows HTTP. Decides nothing about hardware or sessions: frames
//! go to [`killcord::Attachment`], goodbyes and asked-for documents to [`killcord::Host`]. Nothing that comes in is
//! unbounded: sizes, rates, times, connections. No task outlives the server.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod access;
mod addresses;
mod agent;
mod answer;
mod api;
mod bound;
mod bye;
mod codes;
mod connection;
mod from;
mod gate;
mod guests;
mod health;
mod held;
mod line;
mod metrics;
mod names;
mod pages;
mod pair;
mod panel;
mod places;
mod proxy;
mod pulse;
mod qr;
mod rate;
mod routes;
mod secret;
mod selfsigned;
mod server;
mod sessions;
mod socket;
mod teardowns;
mod tls;
mod tokens;
mod turns;
mod ui;
mod window;

pub use answer::Refusal;
pub use bound::{BindError, Bound};
pub use killcord::core::rig::Remote;
pub use pages::{Asset, Assets};
pub use qr::Qr;
pub use server::Server;
pub use tls::TlsError;
pub use tokens::{Kind, Token, TokenError, Tokens};
pub use ui::{Ui, UiError};
