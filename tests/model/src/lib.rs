//! Host, watchdog and one device in every order in which they can meet.
//!
//! What decides is core's own: [`killcord_core::rules::State`], [`killcord_core::plan::Teardown`] and `Arming`, and
//! [`killcord_core::watchdog::State`]; there is no second description of the rules here. What is written down here
//! once more is the glue around them, step by step and in the code's own order; each module names the functions
//! that it mirrors.
//!
//! **Time.** Whoever runs is prompt: the clock stands until everybody has done what is due, then goes to the next
//! moment that somebody waits for. Being late is being stopped; a message is late when its reader is. Every state is
//! moved back to one moment (`State::representative`), so that a rig at rest is one state and the search ends.
//!
//! **Left out**: the numbers of beats; journal, pages' frames, process groups, descriptors and locks; a connection
//! that breaks; lines out of step (the tests of plan and device); that a killed process takes a moment until its
//! sockets are closed; that one thread of a living process is slow while the others run, except a link's. A page's
//! signs of life are heard until it is gone. Pauses end (`scope::PAUSED_MOST`), for by then everybody has noticed.
//! Two faults are nobody's fault: host and watchdog both lost before the next watchdog was told; the next start
//! recovers first.
//!
//! **It must never** decide anything that core decides.

pub mod device;
pub mod host;
pub mod keeper;
pub mod ledger;
pub mod line;
pub mod pipe;
pub mod property;
mod record;
pub mod run;
pub mod scope;
pub mod seen;
pub mod watchdog;
pub mod world;
