//! What is counted of a host, for whoever watches the program ([`Host::metrics`](crate::Host::metrics)).
//!
//! Each number is written by whoever does the thing, mostly the rules' thread behind what it does, and read from any
//! thread at any time: a reader costs the host nothing. There is a cell for each word that a number is counted by;
//! the words are the program's own, and nothing that comes over a network makes another.

mod number;

use std::{
    array,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use killcord_core::{
    Cause, Report, SessionEnd, SessionKind, Time,
    rules::{Event, Liveliness, Session},
};

pub use self::number::{Counter, Distribution, Gauge, Histogram};
use crate::journal::Access;

/// How a teardown ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every device is confirmed safe.
    Confirmed,
    /// At least one is not.
    Unconfirmed,
    /// At least one is not, and the deadline cut it short.
    OutOfTime,
}

impl Outcome {
    /// The stable words of all of them.
    pub const CODES: [&'static str; 3] = ["confirmed", "unconfirmed", "out_of_time"];

    fn of(report: &Report) -> Self {
        match (report.confirmed(), report.out_of_time) {
            (true, _) => Self::Confirmed,
            (false, false) => Self::Unconfirmed,
            (false, true) => Self::OutOfTime,
        }
    }
}

/// Where a session stands, and the words for it.
pub const STANDINGS: [&str; 4] = ["live", "suspect", "frozen", "grace"];

const CAUSES: usize = Cause::CODES.len();
const KINDS: usize = SessionKind::CODES.len();

/// Around the budget of a cause's first byte: 2 ms for half of them, 20 ms for all but one of a hundred (DESIGN.md
/// section 11).
const FIRST_BYTE: &[Duration] = &ms([1, 2, 5, 10, 20, 50, 100, 250, 1000]);
/// From a quick instrument's answer to the longest deadlines in use.
const TEARDOWN: &[Duration] = &ms([10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000]);
/// From a timer's rounding to a machine that stands still.
const LATE: &[Duration] = &ms([1, 5, 20, 100, 500, 1000, 5000]);

/// The cells of all causes: what is counted of teardowns that each of them names.
pub type ByCause<T> = [T; CAUSES];

/// All that is counted.
#[derive(Debug)]
pub struct Metrics {
    /// Causes that came, those that joined a teardown among them; in the order of [`Cause::CODES`].
    pub causes: ByCause<Counter>,
    /// Teardowns by what named them and by how they ended ([`Outcome::CODES`]).
    pub teardowns: ByCause<[Counter; 3]>,
    /// From the first cause until the first safe byte had gone out to the first device.
    pub first_byte: ByCause<Histogram>,
    /// From the first cause until every device was confirmed safe; of such teardowns alone.
    pub safe: ByCause<Histogram>,
    /// From the first cause until the teardown was done or out of time.
    pub teardown: ByCause<Histogram>,
    /// Sessions by their kind ([`SessionKind::CODES`]) and standing ([`STANDINGS`]), as of half a second ago at most.
    pub sessions: [[Gauge; 4]; KINDS],
    /// Sessions that began, by their kind.
    pub began: [Counter; KINDS],
    /// Sessions that ended, by the reason ([`SessionEnd::CODES`]).
    pub ended: [Counter; SessionEnd::CODES.len()],
    /// Beats that were taken.
    pub beats: Counter,
    /// Signs of life and readings that were dropped because more came than could be read.
    pub dropped: Gauge,
    /// How late the rules' thread came to a time at which it wanted to look again.
    pub late: Histogram,
    /// 1 while a device may act.
    pub energised: Gauge,
    /// Watchdogs that were lost.
    pub watchdogs_lost: Counter,
    /// Devices that were lost, in file order.
    pub lost: Box<[Counter]>,
    /// Of who came in and who did not, in the order of [`Access::CODES`].
    pub access: [Counter; Access::CODES.len()],
    /// When the rules' thread went round last, on the host's clock.
    turned: Moment,
    /// When the watchdog was heard of last; 0 where none watches.
    heard: Moment,
}

/// A time of the host's clock; 0 stands for none.
#[derive(Debug, Default)]
struct Moment(AtomicU64);

impl Moment {
    fn set(&self, at: Option<Time>) {
        let nanos = at.map_or(0, |at| u64::try_from(at.0.as_nanos()).unwrap_or(u64::MAX).max(1));
        self.0.store(nanos, Ordering::Relaxed);
    }

    fn age(&self, now: Time) -> Option<Duration> {
        let nanos = self.0.load(Ordering::Relaxed);
        (nanos > 0).then(|| now.since(Time(Duration::from_nanos(nanos))))
    }
}

impl Metrics {
    pub(crate) fn new(devices: usize) -> Self {
        let histograms = |bounds| array::from_fn(|_| Histogram::new(bounds));
        Self {
            causes: array::from_fn(|_| Counter::default()),
            teardowns: array::from_fn(|_| Default::default()),
            first_byte: histograms(FIRST_BYTE),
            safe: histograms(TEARDOWN),
            teardown: histograms(TEARDOWN),
            sessions: Default::default(),
            began: Default::default(),
            ended: Default::default(),
            beats: Counter::default(),
            dropped: Gauge::default(),
            late: Histogram::new(LATE),
            energised: Gauge::default(),
            watchdogs_lost: Counter::default(),
            lost: (0..devices).map(|_| Counter::default()).collect(),
            access: Default::default(),
            turned: Moment::default(),
            heard: Moment::default(),
        }
    }

    /// Counts what happened. Called behind it, never before.
    pub(crate) fn count(&self, event: &Event) {
        match event {
            Event::Cause { cause, .. } => add(&self.causes, &Cause::CODES, cause.code()),
            Event::Teardown(report) => self.count_teardown(report),
            Event::SessionBegan { kind, .. } => add(&self.began, &SessionKind::CODES, kind.code()),
            Event::SessionEnded { reason, .. } => add(&self.ended, &SessionEnd::CODES, reason.code()),
            Event::WatchdogLost { .. } => self.watchdogs_lost.add(),
            Event::Lost { device, .. } => {
                if let Some(lost) = self.lost.get(device.at()) {
                    lost.add();
                }
            }
            _ => {}
        }
    }

    fn count_teardown(&self, report: &Report) {
        let Some((_, cause)) = report.causes.first() else { return };
        let Some(at) = at(&Cause::CODES, cause.code()) else { return };
        self.teardowns[at][Outcome::of(report) as usize].add();
        self.teardown[at].observe(report.took);
        if let Some(first) = report.devices.iter().filter_map(|device| device.first_byte).min() {
            self.first_byte[at].observe(first.since(report.began));
        }
        if report.confirmed()
            && let Some(last) = report.devices.iter().filter_map(|device| device.safe_at).max()
        {
            self.safe[at].observe(last.since(report.began));
        }
    }

    /// Sessions that have begun and not ended: as they are, where [`Self::sessions`] are as they were.
    #[must_use]
    pub fn attached(&self) -> u64 {
        let sum = |counters: &[Counter]| counters.iter().map(Counter::get).sum::<u64>();
        // In this order: one that ends in between is counted in neither.
        let ended = sum(&self.ended);
        sum(&self.began).saturating_sub(ended)
    }

    /// The sessions that there are.
    pub(crate) fn count_sessions<'a>(&self, sessions: impl IntoIterator<Item = &'a Session>) {
        let mut counts = [[0_u64; STANDINGS.len()]; KINDS];
        for session in sessions {
            let standing = match session.liveliness {
                Liveliness::Live => 0,
                Liveliness::Suspect => 1,
                Liveliness::Frozen => 2,
                Liveliness::Grace { .. } => 3,
            };
            if let Some(kind) = at(&SessionKind::CODES, session.kind.code()) {
                counts[kind][standing] += 1;
            }
        }
        for (gauges, counts) in self.sessions.iter().zip(counts) {
            gauges.iter().zip(counts).for_each(|(gauge, count)| gauge.set(count));
        }
    }

    pub(crate) fn count_access(&self, access: Access) {
        add(&self.access, &Access::CODES, access.code());
    }

    /// The rules' thread has gone round, and last heard of its watchdog then.
    pub(crate) fn turned(&self, now: Time, heard: Option<Time>) {
        self.turned.set(Some(now));
        self.heard.set(heard);
    }

    /// Of a host that never went round: since its start.
    pub(crate) fn turn_age(&self, now: Time) -> Duration {
        self.turned.age(now).unwrap_or(now.0)
    }

    pub(crate) fn echo_age(&self, now: Time) -> Option<Duration> {
        self.heard.age(now)
    }
}

fn at(codes: &[&str], code: &str) -> Option<usize> {
    codes.iter().position(|known| *known == code)
}

fn add(cells: &[Counter], codes: &[&str], code: &str) {
    if let Some(cell) = at(codes, code).and_then(|at| cells.get(at)) {
        cell.add();
    }
}

const fn ms<const N: usize>(bounds: [u64; N]) -> [Duration; N] {
    let mut all = [Duration::ZERO; N];
    let mut at = 0;
    while at < N {
        all[at] = Duration::from_millis(bounds[at]);
        at += 1;
    }
    all
}

#[cfg(test)]
mod tests {
    use killcord_core::{DeviceIx, DeviceReport, Extent, Mode, Status};

    use super::*;

    fn device(status: Status, first_byte: u64, safe_at: Option<u64>) -> DeviceReport {
        let at = |ms| Time(Duration::from_millis(ms));
        DeviceReport {
            device: DeviceIx(0),
            name: "psu".into(),
            status,
            unverifiable: false,
            mode: Mode::Safe,
            released: false,
            first_byte: Some(at(first_byte)),
            safe_at: safe_at.map(at),
            exchanges: Vec::new(),
            remarks: Vec::new(),
        }
    }

    fn teardown(devices: Vec<DeviceReport>, out_of_time: bool) -> Event {
        Event::Teardown(Box::new(Report {
            causes: vec![(Time(Duration::from_millis(100)), Cause::SafeStop), (Time::ZERO, Cause::Requested)],
            mode: Mode::Safe,
            extent: Extent::Stay,
            began: Time(Duration::from_millis(100)),
            took: Duration::from_millis(40),
            out_of_time,
            devices,
            notes: Vec::new(),
        }))
    }

    #[test]
    fn a_teardown_counts_by_its_first_cause_from_there_to_the_first_byte_and_to_the_last_device() {
        let metrics = Metrics::new(2);
        let verified = Status::SafeVerified;
        metrics.count(&teardown(
            vec![device(verified, 103, Some(110)), device(verified, 101, Some(130))],
            false,
        ));
        let at = at(&Cause::CODES, "safe_stop").unwrap();
        assert_eq!(metrics.teardowns[at].each_ref().map(Counter::get), [1, 0, 0]);
        let sums = [&metrics.first_byte, &metrics.safe, &metrics.teardown].map(|all| all[at].read().sum);
        assert_eq!(sums, [0.001, 0.03, 0.04]);
        let counted = metrics.teardown.iter().map(|histogram| histogram.read().count);
        assert_eq!(counted.sum::<u64>(), 1, "a cause that joined is not counted again");
    }

    #[test]
    fn a_teardown_that_is_not_confirmed_has_no_time_to_safe() {
        let metrics = Metrics::new(2);
        let devices =
            || vec![device(Status::SafeVerified, 101, Some(110)), device(Status::Failed, 101, None)];
        metrics.count(&teardown(devices(), false));
        metrics.count(&teardown(devices(), true));
        let at = at(&Cause::CODES, "safe_stop").unwrap();
        assert_eq!(metrics.teardowns[at].each_ref().map(Counter::get), [0, 1, 1]);
        assert_eq!((metrics.safe[at].read().count, metrics.first_byte[at].read().count), (0, 2));
    }

    #[test]
    fn a_moment_that_never_was_has_no_age() {
        let metrics = Metrics::new(0);
        let at = |ms| Time(Duration::from_millis(ms));
        assert_eq!((metrics.turn_age(at(7)), metrics.echo_age(at(7))), (Duration::from_millis(7), None));
        metrics.turned(at(10), Some(at(4)));
        assert_eq!(metrics.turn_age(at(12)), Duration::from_millis(2));
        assert_eq!(metrics.echo_age(at(12)), Some(Duration::from_millis(8)));
    }
}
