//! For tests of drivers and of whatever stands on links: plans in one line, and a scripted transport.
//!
//! Part of the library, not of its tests: whoever writes a driver of their own tests it with this.

mod plan;
mod script;

pub use self::{
    plan::{device, link, plan},
    script::{Exchange, Script},
};
