//! The host's side of the watchdog: it is started, told all that it would have to know, listened to, and
//! replaced when it dies or stops.
//!
//! `Ledger` is what the watchdog knows, written ahead; `Keeper` is the thread that keeps one alive. When the
//! rig is made safe for want of one is the rules' word. **It must never** make a link, the rules or a teardown
//! wait for the watchdog: a message that does not go out at once means that it does not keep up.

pub(crate) mod door;
mod dying;
mod keeper;
mod ledger;
mod start;

pub use self::start::{Program, Standby, StandbyError, speak_json};
pub(crate) use self::{
    keeper::{Keeper, Left, Post},
    ledger::Ledger,
};

/// The system ends the host before it ends the watchdog when memory runs out (proc(5), `oom_score_adj`): its score
/// is raised by this, in thousandths of the machine's memory.
const FIRST_TO_BE_KILLED: i32 = 300;

/// Makes this process the likelier one to be ended when memory runs out.
pub(crate) fn give_way_to_the_watchdog() {
    const SCORE: &str = "/proc/self/oom_score_adj";
    let raised = std::fs::read_to_string(SCORE).and_then(|text| {
        let score = text.trim().parse::<i32>().unwrap_or_default();
        if score >= FIRST_TO_BE_KILLED {
            Ok(())
        } else {
            std::fs::write(SCORE, FIRST_TO_BE_KILLED.to_string())
        }
    });
    if let Err(error) = raised {
        tracing::debug!(%error, "the out-of-memory score was not raised");
    }
}
