//! `rig.toml` to a checked, typed [`Rig`]: what the file says, or everything that is wrong with it at once.
//!
//! ```
//! # use killcord_rig::RigFile;
//! let file = RigFile::parse("rig.toml", "[rig]\nname = 12\n")?;
//! let refused = file.check(&[]).unwrap_err();
//! assert!(refused.to_string().contains("put it in quotes"));
//! # Ok::<(), killcord_rig::Diagnostics>(())
//! ```
//!
//! **Architecture Invariant:** no socket and no device is opened here, no name resolved, no driver linked:
//! drivers are known by their descriptions alone. No input, whatever its bytes, makes it panic.

mod connect;
mod device;
mod diagnostic;
mod duration;
mod fields;
mod file;
mod limits;
mod link;
mod node;
mod problems;
mod section;
mod source;
mod step;
mod suggest;
mod syntax;
mod template;
mod text;
mod whole;

pub use diagnostic::{Diagnostic, Diagnostics, Severity, Style};
pub use file::RigFile;
pub use killcord_core::Rig;
pub use template::template;
