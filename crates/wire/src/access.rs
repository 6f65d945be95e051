//! Who is let in, as an operator sees it.

use std::fmt;

use killcord_core::Role;
use serde::{Deserialize, Serialize};

/// All tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct TokensView {
    /// By name.
    pub tokens: Vec<TokenView>,
    /// SHA-256 of the host's certificate, as browsers show it; absent where nothing is encrypted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "generate", ts(optional))]
    pub fingerprint: Option<String>,
}

/// What may come in by one secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct TokenView {
    /// Unique; it is revoked by it.
    pub name: String,
    /// The cookie of one browser; else a key that `killcord token add` has made.
    pub is_browser: bool,
    /// What it may do.
    pub role: Role,
    /// By which token it was let in; it goes with that one. Absent: by a link of the host's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "generate", ts(optional))]
    pub by: Option<String>,
    /// Which browser, where it is one that is known, such as `Firefox on Linux`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "generate", ts(optional))]
    pub agent: Option<String>,
    /// When it was made, in milliseconds since 1970.
    #[cfg_attr(feature = "generate", ts(type = "number"))]
    pub made_unix_ms: u64,
    /// When it is worth nothing any more; absent: not by time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "generate", ts(optional, type = "number"))]
    pub expires_unix_ms: Option<u64>,
    /// It is the asker's own.
    pub here: bool,
}

/// By what a browser comes in. A secret: it is never printed.
#[derive(Deserialize)]
#[cfg_attr(feature = "generate", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PairBody {
    /// The code of a link, or a key.
    pub code: String,
}

impl fmt::Debug for PairBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PairBody").finish_non_exhaustive()
    }
}

/// For whom a link is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct LinkBody {
    /// What the browser that opens it may do.
    pub role: Role,
}

/// A link that lets one browser in, once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct LinkView {
    /// What to open.
    pub link: String,
    /// The same for a camera.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "generate", ts(optional))]
    pub qr: Option<QrView>,
    /// It is worth nothing after so many milliseconds.
    #[cfg_attr(feature = "generate", ts(type = "number"))]
    pub expires_ms: u64,
    /// SHA-256 of the host's certificate, as browsers show it; absent where nothing is encrypted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "generate", ts(optional))]
    pub fingerprint: Option<String>,
}

/// A QR code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct QrView {
    /// Its side, in units of the path, with the white around it.
    pub size: u32,
    /// The `d` of an SVG path that fills what is dark.
    pub path: String,
}
