//! The panel's files, taken in by the build script. None where it was not built.

use std::borrow::Cow;

use crate::{Asset, Assets};

static FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/panel.rs"));

impl Assets {
    /// The built-in panel, its pairing page, and the client for pages of others.
    #[must_use]
    pub fn panel() -> Self {
        let file = |&(path, bytes)| Asset { path: Cow::Borrowed(path), bytes: Cow::Borrowed(bytes) };
        Self::new(FILES.iter().map(file).collect())
    }
}
