//! A host without a window that is killed or stopped while armed: when the watchdog's first safe byte arrives;
//! and the processor time of a watchdog that has nothing to do.
//!
//! The signal's time is taken just before it is sent, the byte's when the instrument has read it.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use killcord_tests::clock::monotonic;
use killcord_tests::instrument::Instrument;
use killcord_tests::measure::{Figures, Row, Samples};
use killcord_tests::process::{Process, look};
use killcord_tests::station::Station;
use killcord_tests::wait::{LONG, pause, until, until_true};
use killcord_tests::watchdog::Watchdog;
use killcord_tests::{door, rigs};
use rustix::process::Signal;

use crate::options::Options;

/// The rig's, and the shortest that there is.
const HANG_AFTER: Duration = Duration::from_secs(1);
/// Killed, to the first safe byte: `[p50, p99]` in milliseconds.
const KILLED: [Option<f64>; 2] = [Some(20.0), Some(100.0)];
/// Stopped, to the first safe byte, beyond `hang_after`: the same.
const HUNG: [Option<f64>; 2] = [None, Some(100.0)];
/// Of one processor, in percent.
const SHARE: f64 = 0.1;
/// Processor time is counted so long: it is told in ticks of 10 ms.
const SPAN: Duration = Duration::from_secs(20);

/// A host that holds one supply armed.
struct Armed {
    instrument: Instrument,
    host: Process,
    watchdog: Watchdog,
    _station: Station,
}

impl Armed {
    fn now() -> Self {
        let (instrument, station) = (Instrument::start(), Station::new());
        let rig: PathBuf =
            station.rig(&(rigs::head("10s", r#"hang_after = "1s""#) + &rigs::switch("psu", &instrument)));
        let host = station.killcord(["serve", "--arm"]).arg(&rig).with_input().start();
        door::await_state(&station, "armed");
        let watchdog = Watchdog::await_of(&host);
        instrument.forget();
        Self { instrument, host, watchdog, _station: station }
    }

    /// From a signal to the host until the instrument has the safe command.
    fn after(mut self, signal: Signal) -> Duration {
        let sent = monotonic();
        self.host.signal(signal);
        let off = || self.instrument.arrivals().into_iter().find(|arrival| arrival.line == "OUTP OFF");
        let arrived = until("the safe command", LONG, off).at;
        self.host.wait(LONG);
        assert_eq!(self.watchdog.status(LONG), Some(5), "{}", self.host.output().all());
        arrived - sent
    }
}

pub(crate) fn run(options: &Options) -> Figures {
    let mut figures = Figures::new("dead-host");
    let (mut killed, mut hung) = (Samples::default(), Samples::default());
    for round in 0..options.count(100) {
        eprintln!("killed: {} of {}", round + 1, options.count(100));
        killed.add_time(Armed::now().after(Signal::KILL));
    }
    // A beat may be as old as the pause between two: so much sooner a hang is noticed.
    for round in 0..options.count(20) {
        eprintln!("stopped: {} of {}", round + 1, options.count(20));
        hung.add_time(Armed::now().after(Signal::STOP).saturating_sub(HANG_AFTER));
    }
    let armed = Armed::now();
    until_true("the first beats", LONG, || !look::cpu_time(armed.host.pid()).is_zero());
    let (before, began) = (look::cpu_time(armed.watchdog.pid()), Instant::now());
    pause(SPAN);
    let used = look::cpu_time(armed.watchdog.pid()) - before;
    let share = used.as_secs_f64() / began.elapsed().as_secs_f64() * 100.0;
    let resident = look::resident(armed.watchdog.pid()) as f64 / 1048576.0;
    armed.after(Signal::KILL);

    figures.row(Row::new("host killed, to the first safe byte", "ms", &killed, KILLED));
    figures.row(Row::new("host stopped, to the first safe byte, beyond hang_after", "ms", &hung, HUNG));
    figures.row(Row::single("processor, watchdog, armed", "%", share, Some(SHARE)));
    figures.row(Row::single("resident, watchdog", "MiB", resident, Some(6.0)));
    figures
}
