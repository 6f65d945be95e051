//! A commented rig file to begin with.

/// A complete rig file with a comment on each part, for `killcord init` and the README: it checks without a
/// problem, and its addresses are to be replaced.
#[must_use]
pub fn template() -> &'static str {
    include_str!("template.toml")
}
