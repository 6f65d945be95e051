//! The panel's files, taken in by the build script. None where it was not built.

use std::borrow::Cow;

use killcord_server::{Asset, Assets};

static FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/panel.rs"));

/// What the server gives to paired browsers.
pub(crate) fn assets() -> Assets {
    let file = |&(path, bytes)| Asset { path: Cow::Borrowed(path), bytes: Cow::Borrowed(bytes) };
    Assets::new(FILES.iter().map(file).collect())
}
