//! Connections, and whose each is: an address's until somebody is let in by it, that guest's from then on. Each has few
//! places, and for one more another of the same goes.
//!
//! There are no more in all than the process has descriptors to spare, those to the wrapped app included. **It must
//! never** take a place from one who has few for one who has many, nor a descriptor from what drives hardware.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use killcord::core::BrowserId;
use rustix::process::{Resource, getrlimit};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SetOnce};
use tokio_util::sync::CancellationToken;

use crate::{access::Guest, addresses::household};

/// Connections at once, at the most: where the system gives more descriptors than anybody needs.
pub(crate) const MOST: usize = 8192;
/// The same for a window at the bench, which comes alone.
pub(crate) const MOST_OF_WINDOW: usize = 128;
/// Descriptors that are left for devices, their programs, the journal and the watchdog.
const RESERVE: usize = 256;
/// Where the system gives hardly more than that.
const LEAST: usize = 64;

/// For one guest, at both of our addresses: two dozen tabs with a socket of ours and one of the wrapped app's, and the
/// six connections that a browser keeps open for its requests to each.
const EACH_GUEST: usize = 64;
/// For one address, while nobody was let in.
const EACH_STRANGER: usize = 64;
/// For all of those; and never more than half of what there is.
const STRANGERS: usize = 512;
/// Between two looks whether somebody can be shown out for whoever waits.
const LOOK: Duration = Duration::from_millis(100);

/// How many a server for browsers has, by the soft limit of the process.
pub(crate) fn for_browsers() -> usize {
    // `None`: there is no limit.
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    within(usize::try_from(limit).unwrap_or(usize::MAX))
}

fn within(descriptors: usize) -> usize {
    descriptors.saturating_sub(RESERVE + MOST_OF_WINDOW).clamp(LEAST, MOST)
}

/// Whose a place is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Owner {
    Address(IpAddr),
    Guest(BrowserId),
}

/// A place that is taken.
struct Taken {
    owner: Owner,
    /// A guest's request, or socket, is under way.
    busy: bool,
    shown_out: CancellationToken,
}

impl Taken {
    const fn is_strangers(&self) -> bool {
        matches!(self.owner, Owner::Address(_))
    }

    const fn may_go(&self) -> bool {
        self.is_strangers() || !self.busy
    }
}

/// The oldest first. Those that were shown out are in it no more.
#[derive(Default)]
struct All {
    taken: BTreeMap<u64, Taken>,
    next: u64,
}

impl All {
    fn count(&self, which: impl Fn(&Taken) -> bool) -> usize {
        self.taken.values().filter(|taken| which(taken)).count()
    }

    fn show_out(&mut self, at: Option<u64>) -> bool {
        let gone = at.and_then(|at| self.taken.remove(&at));
        if let Some(gone) = &gone {
            gone.shown_out.cancel();
        }
        gone.is_some()
    }

    /// The oldest of those goes; whether there was one.
    fn oldest_goes(&mut self, which: impl Fn(&Taken) -> bool) -> bool {
        let oldest = self.taken.iter().find(|(_, taken)| which(taken)).map(|(at, _)| *at);
        self.show_out(oldest)
    }

    /// One of those goes, of whoever has the most: any of them, by chance. Were it the oldest, whoever comes without end
    /// would push out who is about to say who he is; were it the newest, whoever says nothing would stay for ever.
    fn one_goes(&mut self, which: impl Fn(&Taken) -> bool) {
        let mut each: HashMap<Owner, usize> = HashMap::new();
        for taken in self.taken.values() {
            *each.entry(taken.owner).or_default() += 1;
        }
        let has = |taken: &Taken| each.get(&taken.owner).copied().unwrap_or_default();
        let those = || self.taken.iter().filter(|(_, taken)| which(taken));
        let most = those().map(|(_, taken)| has(taken)).max();
        let of_most: Vec<u64> =
            those().filter(|(_, taken)| Some(has(taken)) == most).map(|(at, _)| *at).collect();
        // Without randomness it is the oldest.
        let chance = getrandom::u32().unwrap_or_default() as usize;
        self.show_out(chance.checked_rem(of_most.len()).and_then(|at| of_most.get(at)).copied());
    }
}

/// All of them.
pub(crate) struct Places {
    all: Mutex<All>,
    most: usize,
    /// Given back when the descriptor is.
    free: Arc<Semaphore>,
}

impl Places {
    pub(crate) fn new(most: usize) -> Self {
        Self { all: Mutex::default(), most, free: Arc::new(Semaphore::new(most)) }
    }

    fn all(&self) -> MutexGuard<'_, All> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for whoever comes next. Where all are taken, one goes that nothing is under way on.
    pub(crate) async fn free(&self) -> OwnedSemaphorePermit {
        loop {
            if self.free.available_permits() == 0 {
                self.all().one_goes(Taken::may_go);
            }
            let free = tokio::time::timeout(LOOK, Arc::clone(&self.free).acquire_owned()).await;
            if let Ok(Ok(free)) = free {
                return free;
            }
        }
    }

    /// One for a connection to the wrapped app, if there is one.
    pub(crate) fn for_app(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.free).try_acquire_owned().ok()
    }

    /// A connection comes. Behind a proxy there is more than one person: `shared` addresses have all places, and what
    /// comes by them is a guest's for one request at a time.
    pub(crate) fn take(
        self: &Arc<Self>,
        free: OwnedSemaphorePermit,
        from: IpAddr,
        shared: bool,
    ) -> Arc<Place> {
        let owner = Owner::Address(household(from));
        let mut all = self.all();
        if !shared && all.count(|taken| taken.owner == owner) >= EACH_STRANGER {
            all.one_goes(|taken| taken.owner == owner);
        } else if all.count(Taken::is_strangers) >= STRANGERS.min(self.most / 2) {
            all.one_goes(Taken::is_strangers);
        }
        let (at, shown_out) = (all.next, CancellationToken::new());
        all.next += 1;
        all.taken.insert(at, Taken { owner, busy: false, shown_out: shown_out.clone() });
        drop(all);
        Arc::new(Place {
            at,
            from: owner,
            shared,
            shown_out,
            revoked: SetOnce::new(),
            among: Arc::clone(self),
            _free: free,
        })
    }
}

/// The place of one connection, until that is closed.
pub(crate) struct Place {
    at: u64,
    from: Owner,
    shared: bool,
    shown_out: CancellationToken,
    /// Of the guest whose it is.
    revoked: SetOnce<CancellationToken>,
    among: Arc<Places>,
    _free: OwnedSemaphorePermit,
}

impl Place {
    /// A guest's request comes, and it is his place while that is under way; without a proxy between also from then on.
    /// `None`: he has as many, and something is under way on each.
    pub(crate) fn begin(self: &Arc<Self>, guest: &Guest) -> Option<Busy> {
        let mut all = self.among.all();
        let taken = all.taken.get_mut(&self.at)?;
        if taken.is_strangers() {
            let owner = Owner::Guest(guest.id);
            let is_full = all.count(|taken| taken.owner == owner) >= EACH_GUEST;
            if is_full && !all.oldest_goes(|taken| taken.owner == owner && !taken.busy) {
                return None;
            }
            all.taken.get_mut(&self.at)?.owner = owner;
            if !self.shared {
                // It is the first one's, whoever asks by it later.
                drop(self.revoked.set(guest.revoked.clone()));
            }
        }
        all.taken.get_mut(&self.at)?.busy = true;
        Some(Busy(Arc::clone(self)))
    }

    /// Until the place is needed for another, or its guest is let in no more.
    pub(crate) async fn over(&self) {
        tokio::select! {
            () = self.shown_out.cancelled() => {}
            () = async { self.revoked.wait().await.cancelled().await } => {}
        }
    }

    /// Whether it is a guest's, who is owed the end of an answer.
    pub(crate) fn is_a_guests(&self) -> bool {
        self.revoked.initialized()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.among.all().taken.remove(&self.at);
    }
}

/// What is under way on a guest's connection, for as long as it is kept.
pub(crate) struct Busy(Arc<Place>);

impl Drop for Busy {
    fn drop(&mut self) {
        if let Some(taken) = self.0.among.all().taken.get_mut(&self.0.at) {
            taken.busy = false;
            if self.0.shared {
                taken.owner = self.0.from;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use futures_util::FutureExt as _;
    use killcord::Role;

    use super::*;

    fn address(n: usize) -> IpAddr {
        IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + u32::try_from(n).unwrap()))
    }

    fn guest(id: u64) -> Guest {
        Guest {
            id: BrowserId(id),
            name: "browser".into(),
            who: "browser".into(),
            role: Role::Observer,
            revoked: CancellationToken::new(),
        }
    }

    fn places(most: usize) -> Arc<Places> {
        Arc::new(Places::new(most))
    }

    fn comes(places: &Arc<Places>, from: IpAddr) -> Arc<Place> {
        places.take(places.for_app().unwrap(), from, false)
    }

    /// A guest's connection that has had its first answer.
    fn known(places: &Arc<Places>, guest: &Guest) -> Arc<Place> {
        let place = comes(places, address(0));
        place.begin(guest).unwrap();
        place
    }

    fn out(all: &[Arc<Place>]) -> Vec<usize> {
        (0..all.len()).filter(|n| all[*n].shown_out.is_cancelled()).collect()
    }

    #[test]
    fn devices_and_their_programs_have_descriptors_that_no_connection_takes() {
        assert_eq!([1024, 4096, 20_000].map(within), [640, 3712, MOST]);
        assert_eq!([usize::MAX, 256, 0].map(within), [MOST, LEAST, LEAST]);
    }

    #[test]
    fn one_of_an_address_goes_for_one_more_of_it_and_no_other() {
        let places = places(MOST);
        let other = comes(&places, address(0));
        let mut all: Vec<_> = (0..EACH_STRANGER).map(|_| comes(&places, address(1))).collect();
        assert_eq!(out(&all), [0; 0]);
        for _ in 0..EACH_STRANGER {
            all.push(comes(&places, address(1)));
            assert!(!all.last().unwrap().shown_out.is_cancelled(), "whoever has just come");
        }
        assert_eq!(out(&all).len(), EACH_STRANGER);
        assert!(!other.shown_out.is_cancelled());
        // Each stays with a chance of 63 in 64, so often: that none does has one of 10^-13.
        assert!(out(&all[..EACH_STRANGER]).len() < EACH_STRANGER, "a stream of others pushes out all");
        assert!(!out(&all[..EACH_STRANGER]).is_empty(), "who only holds places keeps them all");
    }

    #[test]
    fn one_of_the_address_with_the_most_goes_where_strangers_have_all_their_places() {
        let places = places(MOST);
        let alone: Vec<_> = (0..STRANGERS - 2).map(|n| comes(&places, address(n))).collect();
        let mut two: Vec<_> = (0..2).map(|_| comes(&places, address(STRANGERS))).collect();
        two.push(comes(&places, address(STRANGERS)));
        assert_eq!((out(&alone), out(&two).len()), (vec![], 1));
        assert_eq!(places.all().taken.len(), STRANGERS);
    }

    #[test]
    fn who_is_known_or_gone_takes_no_stranger_s_place() {
        let places = places(MOST);
        let known = known(&places, &guest(1));
        for _ in 0..2 * EACH_STRANGER {
            drop(comes(&places, address(0)));
        }
        assert!(!known.shown_out.is_cancelled());
        assert_eq!(places.all().taken.len(), 1);
        drop(known);
        assert_eq!(places.all().taken.len(), 0);
        assert_eq!(places.free.available_permits(), MOST);
    }

    #[test]
    fn the_oldest_idle_connection_of_a_guest_goes_for_one_more_of_his_and_no_other() {
        let (places, me) = (places(MOST), guest(1));
        let other = known(&places, &guest(2));
        let mut all = vec![known(&places, &me)];
        let busy = all[0].begin(&me).unwrap();
        all.extend((1..EACH_GUEST).map(|_| known(&places, &me)));
        assert_eq!(out(&all), [0; 0]);
        all.push(known(&places, &me));
        assert_eq!(out(&all), [1], "the first has a request under way");
        drop(busy);
        all.push(known(&places, &me));
        assert_eq!(out(&all), [0, 1]);
        assert!(all[0].begin(&me).is_none(), "too late");
        assert!(!other.shown_out.is_cancelled());
    }

    #[test]
    fn a_guest_with_something_under_way_on_all_of_his_is_refused_one_more_and_nobody_else_is() {
        let (places, me) = (places(MOST), guest(1));
        let all: Vec<_> = (0..EACH_GUEST).map(|_| comes(&places, address(0))).collect();
        let busy: Vec<_> = all.iter().map(|place| place.begin(&me).unwrap()).collect();
        let more = comes(&places, address(0));
        assert!(more.begin(&me).is_none());
        assert!(more.begin(&guest(2)).is_some());
        assert!(all[0].begin(&me).is_some(), "by one that he has");
        drop(busy);
        assert!(comes(&places, address(0)).begin(&me).is_some());
        assert_eq!(out(&all), [0]);
    }

    #[test]
    fn those_behind_a_proxy_have_all_places_and_each_is_a_guest_s_for_one_request() {
        let (places, me) = (places(MOST), guest(1));
        let comes = || places.take(places.for_app().unwrap(), address(1), true);
        let all: Vec<_> = (0..STRANGERS).map(|_| comes()).collect();
        assert_eq!(out(&all), [0; 0]);
        for place in &all {
            assert!(place.begin(&me).is_some());
            assert!(!place.is_a_guests() && place.begin(&guest(2)).is_some());
        }
        let busy: Vec<_> = all[..EACH_GUEST].iter().map(|place| place.begin(&me).unwrap()).collect();
        assert!(all[EACH_GUEST].begin(&me).is_none());
        drop(busy);
    }

    #[tokio::test]
    async fn where_all_places_are_taken_an_idle_one_of_whoever_has_the_most_goes() {
        let (places, few, many) = (places(8), guest(1), guest(2));
        let first = known(&places, &few);
        let busy = first.begin(&few).unwrap();
        let others: Vec<_> = (0..2).map(|_| known(&places, &few)).collect();
        let mut all: Vec<_> = (0..5).map(|_| known(&places, &many)).collect();
        assert!(places.for_app().is_none());
        assert!(places.free().now_or_never().is_none(), "its descriptor is still there");
        let gone = out(&all);
        assert!(gone.len() == 1 && out(&others).is_empty() && !first.shown_out.is_cancelled());
        all.remove(gone[0]);
        drop(places.free().await);
        drop(busy);
    }

    #[tokio::test]
    async fn a_connection_is_over_when_its_guest_is_let_in_no_more() {
        let (places, me) = (places(MOST), guest(1));
        let (mine, stranger) = (known(&places, &me), comes(&places, address(0)));
        me.revoked.cancel();
        mine.over().await;
        assert!(!stranger.shown_out.is_cancelled() && !stranger.is_a_guests());
    }
}
