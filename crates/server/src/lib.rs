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
mod answer;
mod api;
mod bound;
mod bye;
mod gate;
mod health;
mod line;
mod pages;
mod pair;
mod panel;
mod proxy;
mod pulse;
mod rate;
mod routes;
mod secret;
mod server;
mod sessions;
mod socket;
mod teardowns;

pub use bound::{BindError, Bound};
pub use killcord::core::rig::Remote;
pub use pages::{Asset, Assets};
pub use server::Server;
