//! Connections that there are, and requests that were refused, by the code that they were refused with.
//!
//! The codes are the program's own: there is a place for each, and nothing that comes in makes another.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};

use crate::{answer::Refused, server::Shared};

/// More than there are codes.
const PLACES: usize = 64;

/// What the server counts itself.
#[derive(Debug)]
pub(crate) struct Counts {
    refused: [Place; PLACES],
    connections: AtomicU64,
    open: AtomicU64,
    started: SystemTime,
}

/// Of one code, named by the first that was refused with it.
#[derive(Debug, Default)]
struct Place {
    code: OnceLock<String>,
    count: AtomicU64,
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            refused: std::array::from_fn(|_| Place::default()),
            connections: AtomicU64::new(0),
            open: AtomicU64::new(0),
            started: SystemTime::now(),
        }
    }
}

impl Counts {
    fn refuse(&self, refused: Refused) {
        let Some(place) = self.refused.get(refused as usize) else { return };
        place.code.get_or_init(|| match serde_json::to_value(refused) {
            Ok(serde_json::Value::String(code)) => code,
            _ => String::new(),
        });
        place.count.fetch_add(1, Ordering::Relaxed);
    }

    /// Codes that requests were refused with so far, and how many.
    pub(super) fn refused(&self) -> impl Iterator<Item = (&str, u64)> {
        let named = |place: &'_ Place| place.count.load(Ordering::Relaxed);
        self.refused.iter().filter_map(move |place| Some((place.code.get()?.as_str(), named(place))))
    }

    /// When it began to count, in seconds since 1970.
    pub(super) fn started(&self) -> f64 {
        self.started.duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
    }

    /// Connections that were taken so far.
    pub(super) fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    /// Connections that there are.
    pub(super) fn open(&self) -> u64 {
        self.open.load(Ordering::Relaxed)
    }
}

/// A connection, counted for as long as this is kept.
pub(crate) struct Counted(Arc<Shared>);

impl Counted {
    pub(crate) fn new(shared: &Arc<Shared>) -> Self {
        shared.counts.connections.fetch_add(1, Ordering::Relaxed);
        shared.counts.open.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(shared))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.counts.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Around everything: sees each answer last.
pub(crate) async fn count(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    if let Some(refused) = response.extensions().get::<Refused>() {
        shared.counts.refuse(*refused);
    }
    response
}
