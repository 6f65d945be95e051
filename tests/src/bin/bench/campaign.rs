//! The fault campaign, any number of runs: every one safe.

use std::sync::atomic::{AtomicU64, Ordering};

use killcord_tests::campaign::Campaign;
use killcord_tests::measure::{Figures, Row};

use crate::options::Options;

/// Side by side, where nothing else was asked for.
const JOBS: usize = 8;

pub(crate) fn run(options: &Options) -> Figures {
    let count = options.count(200) as u64;
    let campaign =
        Campaign { seed: options.seed(), count, jobs: options.jobs(JOBS), windows: options.windows() };
    let done = AtomicU64::new(0);
    let tally = campaign.run(|ending| {
        let done = done.fetch_add(1, Ordering::Relaxed) + 1;
        eprintln!(
            "{done} of {count}: {} ({:?}, {:.1} s)",
            ending.plan,
            ending.outcome,
            ending.took.as_secs_f64()
        );
        // Of a single one everything is of interest: somebody looks into it.
        if count == 1 || !ending.is_plain() {
            eprintln!("{}", ending.account());
        }
    });
    println!("{}", tally.table());
    match tally.keep() {
        Ok(path) => println!("  every run is kept in {}\n", path.display()),
        Err(error) => eprintln!("  the runs are not kept: {error}"),
    }
    let mut figures = Figures::new("campaign");
    let unsafe_ends: Vec<u64> = tally.unsafe_ends().map(|ending| ending.plan.seed).collect();
    let row =
        |what: &str, runs: usize, most| Row::single(format!("of {count} runs {what}"), "", runs as f64, most);
    figures.row(row("not safe", unsafe_ends.len(), Some(0.0)));
    figures.row(row("safe, and said to be less", tally.odd_ends().count(), None));
    for (cause, [well, ill]) in tally.times() {
        for (samples, what) in [(well, "to safe"), (ill, "to safe, with a device's fault")] {
            if !samples.is_empty() {
                figures.row(Row::new(format!("{cause}, {what}"), "ms", &samples, [None, None]));
            }
        }
    }
    if !unsafe_ends.is_empty() {
        figures.note(format!("not safe: seeds {unsafe_ends:?}; again: bench campaign --count 1 --seed SEED"));
    }
    figures
}
