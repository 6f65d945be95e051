//! Rates by address: from one, and from all together. No clock of its own.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    time::{Duration, Instant},
};

use crate::rate::Rate;

/// Addresses that are told apart; beyond them all share what all may.
const MOST: usize = 1024;
/// How many at once, and how long until one more.
pub(crate) type Pace = (u32, Duration);

/// How often something may be done.
pub(crate) struct Addresses {
    pace: Pace,
    all: Rate,
    each: HashMap<IpAddr, Rate>,
}

impl Addresses {
    pub(crate) fn new(each: Pace, all: Pace, now: Instant) -> Self {
        Self { pace: each, all: Rate::new(all.0, all.1, now), each: HashMap::new() }
    }

    /// Takes one; whether there was one.
    pub(crate) fn take(&mut self, from: IpAddr, now: Instant) -> bool {
        let from = household(from);
        if !self.each.contains_key(&from) && self.each.len() >= MOST {
            self.each.retain(|_, rate| !rate.is_full(now));
        }
        if self.each.contains_key(&from) || self.each.len() < MOST {
            let each = self.each.entry(from).or_insert_with(|| Rate::new(self.pace.0, self.pace.1, now));
            if !each.take(now) {
                return false;
            }
        }
        self.all.take(now)
    }
}

/// Whoever has one address of IPv6 has its /64 (RFC 4291 section 2.5.4).
pub(crate) fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const EACH: Pace = (10, Duration::from_secs(6));
    const ALL: Pace = (100, Duration::from_millis(600));

    fn address(n: u32) -> IpAddr {
        IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + n))
    }

    #[test]
    fn one_address_uses_up_its_own_tries_and_not_another_s() {
        let now = Instant::now();
        let mut tries = Addresses::new(EACH, ALL, now);
        assert!((0..EACH.0).all(|_| tries.take(address(1), now)));
        assert!(!tries.take(address(1), now));
        assert!(tries.take(address(2), now));
        assert!(!tries.take(address(1), now + EACH.1 - Duration::from_nanos(1)));
        assert!(tries.take(address(1), now + EACH.1));
    }

    #[test]
    fn many_addresses_have_no_more_tries_than_all_may() {
        let now = Instant::now();
        let mut tries = Addresses::new(EACH, ALL, now);
        let taken = (0..2 * ALL.0).filter(|n| tries.take(address(*n), now)).count();
        assert_eq!(taken, ALL.0 as usize);
        for n in 0..100_000 {
            tries.take(address(n), now);
        }
        assert!(tries.each.len() <= MOST);
    }

    #[test]
    fn the_addresses_of_one_household_are_one() {
        let of = |text: &str| household(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:10.0.0.1"), of("10.0.0.1"));
    }
}
