//! Connections whose request nobody has been let in for yet. There are few places for them, and for one more the
//! oldest goes: whoever is known is known within his first request, so that whoever only holds places holds up nobody.

use std::{
    collections::VecDeque,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use tokio_util::sync::CancellationToken;

use crate::addresses::household;

/// Places for one address.
const EACH: usize = 64;
/// Places for all.
const ALL: usize = 512;

/// All of them, the oldest first.
#[derive(Default)]
pub(crate) struct Strangers(Mutex<VecDeque<(IpAddr, CancellationToken)>>);

impl Strangers {
    /// A connection comes. Behind a proxy there is more than one person: `shared` addresses have all places.
    pub(crate) fn comes(self: &Arc<Self>, from: IpAddr, shared: bool) -> Stranger {
        let from = household(from);
        let shown_out = CancellationToken::new();
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Those that were shown out a moment ago may not have gone yet.
        all.retain(|(_, token)| !token.is_cancelled());
        let full = all.len() >= ALL;
        let of_this = all.iter().filter(|(address, _)| *address == from).count();
        let oldest = if !shared && of_this >= EACH {
            all.iter().position(|(address, _)| *address == from)
        } else {
            full.then_some(0)
        };
        if let Some((_, oldest)) = oldest.and_then(|oldest| all.remove(oldest)) {
            oldest.cancel();
        }
        all.push_back((from, shown_out.clone()));
        Stranger { shown_out, among: Arc::clone(self) }
    }

    #[cfg(test)]
    fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

/// One of them, until it is known or gone.
pub(crate) struct Stranger {
    /// The place is needed for another.
    pub(crate) shown_out: CancellationToken,
    among: Arc<Strangers>,
}

impl Stranger {
    /// Its place is free: somebody was let in for its request, or it is gone.
    pub(crate) fn known(&self) {
        let mut all = self.among.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|(_, token)| *token != self.shown_out);
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        self.known();
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn address(n: usize) -> IpAddr {
        IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + u32::try_from(n).unwrap()))
    }

    fn out(all: &[Stranger]) -> Vec<usize> {
        (0..all.len()).filter(|n| all[*n].shown_out.is_cancelled()).collect()
    }

    #[test]
    fn the_oldest_of_an_address_goes_for_one_more_of_it_and_no_other() {
        let strangers = Arc::default();
        let other = Strangers::comes(&strangers, address(0), false);
        let mut all: Vec<_> = (0..EACH).map(|_| Strangers::comes(&strangers, address(1), false)).collect();
        assert_eq!(out(&all), [0; 0]);
        all.push(Strangers::comes(&strangers, address(1), false));
        assert_eq!(out(&all), [0]);
        assert!(!other.shown_out.is_cancelled());
    }

    #[test]
    fn the_oldest_of_all_goes_where_all_places_are_taken() {
        let strangers = Arc::default();
        let mut all: Vec<_> = (0..ALL).map(|n| Strangers::comes(&strangers, address(n), false)).collect();
        all.push(Strangers::comes(&strangers, address(ALL), false));
        assert_eq!((out(&all), strangers.count()), (vec![0], ALL));
    }

    #[test]
    fn who_is_known_or_gone_takes_no_place() {
        let strangers = Arc::default();
        let known = Strangers::comes(&strangers, address(1), false);
        known.known();
        for _ in 0..2 * EACH {
            drop(Strangers::comes(&strangers, address(1), false));
        }
        assert!(!known.shown_out.is_cancelled());
        assert_eq!(strangers.count(), 0);
    }

    #[test]
    fn those_behind_a_proxy_have_all_places() {
        let strangers = Arc::default();
        let all: Vec<_> = (0..ALL).map(|_| Strangers::comes(&strangers, address(1), true)).collect();
        assert_eq!(out(&all), [0; 0]);
    }
}
