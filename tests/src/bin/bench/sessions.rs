//! A thousand pages at one host on one processor, each beating once a second (`--count` takes more): none of them may
//! be taken for gone, each ends in its own time when all fall silent, and the one in control is served as if it were
//! alone.

use std::time::Duration;

use killcord::wire::ToHost;
use killcord_tests::clock::monotonic;
use killcord_tests::measure::{Figures, Row, Samples};
use killcord_tests::wait::{LONG, until};

use crate::crowd::{Crowd, EXPIRE_AFTER};
use crate::options::Options;

/// All beat so long.
const SPAN: Duration = Duration::from_secs(20);
/// A session's share of the host's memory, in KiB.
const SHARE: f64 = 16.0;
/// Beyond its lease, in milliseconds: every session.
const SPREAD: [Option<f64>; 2] = [None, Some(50.0)];
/// A control's command, to its byte at the instrument: `[p50, p99]` in milliseconds.
const COMMAND: [Option<f64>; 2] = [None, Some(5.0)];

pub(crate) fn run(options: &Options) -> Figures {
    let count = options.count(1000);
    let (mut crowd, alone) = Crowd::of(count);
    let began = monotonic();
    while monotonic() - began < SPAN {
        crowd.turn(Duration::from_millis(5));
    }
    let share = (crowd.resident() - alone) / count as f64;

    // The first is in control: it opened the rig.
    let mut commands = Samples::default();
    for n in 0..200 {
        crowd.turn(Duration::from_millis(5));
        let (line, id) = (format!("VOLT {}", 1000 + n), format!("set{n}"));
        let epoch = crowd.pages[0].epoch;
        let value = killcord::core::Value::Number(killcord::core::Number(f64::from(1000 + n)));
        let at = monotonic();
        let (device, control) = ("psu".to_owned(), "volts".to_owned());
        crowd.pages[0].say(&ToHost::Set { epoch, id, device, control, value });
        let arrived = || crowd.instrument.arrivals().into_iter().find(|arrival| arrival.line == line);
        commands.add_time(until("the command", LONG, arrived).at - at);
    }
    let false_ends = crowd.lost();

    eprintln!("all fall silent");
    let by = monotonic() + EXPIRE_AFTER + LONG;
    while crowd.ended.iter().any(Option::is_none) && monotonic() < by {
        crowd.hear(Duration::from_millis(5));
    }
    let mut spread = Samples::default();
    let mut early = 0;
    for (ended, beaten) in crowd.ended.iter().zip(&crowd.beaten) {
        let due = *beaten + EXPIRE_AFTER;
        let ended = ended.expect("a session that fell silent has not ended");
        early += usize::from(ended < due);
        spread.add_time(ended.saturating_sub(due));
    }

    let mut figures = Figures::new("sessions");
    let all = |what: &str| format!("{what}, {count} pages on one processor");
    figures.row(Row::single(all("false ends"), "", false_ends as f64, Some(0.0)));
    figures.row(Row::single("of the host's memory, a page", "KiB", share, Some(SHARE)));
    figures.row(Row::new("a control's command, to its byte at the instrument", "ms", &commands, COMMAND));
    figures.row(Row::single("ended too early", "", early as f64, Some(0.0)));
    figures.row(Row::new("silence, beyond expire_after", "ms", &spread, SPREAD));
    figures
}
