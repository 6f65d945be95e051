//! Polling: who is asked next, on one link.
//!
//! A poll never queues up behind itself: one that comes late skips the turns that it has missed, so that a
//! slow instrument is asked less often and not with ever greater delay.

use std::time::{Duration, Instant};

use killcord_core::{DeviceIx, Step};

/// Names a poll; chosen by whoever asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PollId(pub u32);

/// A question that is asked again and again: a reading, a control's readback, an instrument watchdog's feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Poll {
    /// Comes back with each answer.
    pub id: PollId,
    /// Who is asked.
    pub device: DeviceIx,
    /// What.
    pub query: Step,
    /// Which part of a comma list counts, from 1.
    pub field: Option<u16>,
    /// Time between two questions.
    pub every: Duration,
    /// It feeds the device's instrument watchdog: only done while [`super::Links::feed`] allows it, and fenced.
    pub feed: bool,
}

/// The polls of one link, each with the time when it is due.
pub(super) struct Schedule {
    polls: Vec<(Poll, Instant)>,
}

impl Schedule {
    pub(super) fn new(polls: Vec<Poll>, now: Instant) -> Self {
        Self { polls: polls.into_iter().map(|poll| (poll, now)).collect() }
    }

    /// The time of the next poll among those that `wanted` lets pass.
    pub(super) fn next_at(&self, wanted: impl Fn(&Poll) -> bool) -> Option<Instant> {
        self.polls.iter().filter(|(poll, _)| wanted(poll)).map(|(_, at)| *at).min()
    }

    /// The poll that has been due for longest; its next turn is set.
    pub(super) fn take_due(&mut self, now: Instant, wanted: impl Fn(&Poll) -> bool) -> Option<Poll> {
        let due = self.polls.iter_mut().filter(|(poll, at)| *at <= now && wanted(poll));
        let (poll, at) = due.min_by_key(|(_, at)| *at)?;
        *at = after(*at, poll.every, now);
        Some(poll.clone())
    }

    /// Has the polls of a device asked at once, for a device that has just been opened.
    pub(super) fn at_once(&mut self, device: DeviceIx, now: Instant) {
        for (poll, at) in &mut self.polls {
            if poll.device == device {
                *at = now;
            }
        }
    }

    /// The first question of a device that only asks.
    pub(super) fn probe(&self, device: DeviceIx) -> Option<&Step> {
        let own = self.polls.iter().map(|(poll, _)| poll).find(|poll| poll.device == device && !poll.feed);
        own.map(|poll| &poll.query)
    }
}

/// The first turn after `now` in the beat of `due + n * every`.
fn after(due: Instant, every: Duration, now: Instant) -> Instant {
    let every = every.max(Duration::from_millis(1));
    let late = now.saturating_duration_since(due).as_nanos();
    let turns = late / every.as_nanos() + 1;
    let skip = u32::try_from(turns).ok().and_then(|turns| every.checked_mul(turns));
    skip.and_then(|skip| due.checked_add(skip)).unwrap_or_else(|| now + every)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn poll(id: u32, every: u64) -> Poll {
        Poll {
            id: PollId(id),
            device: DeviceIx(0),
            query: Step::query("X?"),
            field: None,
            every: Duration::from_millis(every),
            feed: false,
        }
    }

    #[test]
    fn a_late_poll_skips_the_turns_it_has_missed() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        assert_eq!(after(start, Duration::from_millis(10), start), at(10));
        assert_eq!(after(start, Duration::from_millis(10), at(9)), at(10));
        assert_eq!(after(start, Duration::from_millis(10), at(10)), at(20));
        assert_eq!(after(start, Duration::from_millis(10), at(35)), at(40));
    }

    #[test]
    fn the_poll_that_waits_longest_goes_first_and_no_poll_starves_another() {
        let start = Instant::now();
        let mut schedule = Schedule::new(vec![poll(1, 1), poll(2, 1)], start);
        let mut taken = Vec::new();
        for ms in [0, 5, 10, 15] {
            let now = start + Duration::from_millis(ms);
            taken.extend(schedule.take_due(now, |_| true).map(|poll| poll.id.0));
        }
        assert_eq!(taken, [1, 2, 1, 2]);
        assert_eq!(schedule.take_due(start, |_| true), None);
    }
}
