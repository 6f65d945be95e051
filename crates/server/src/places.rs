//! Connections, and whose each is: an address's until somebody is let in by it, that guest's from then on. Each has few
//! places, of which few can be sockets, and for one more another of the same goes.
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
/// Of these, sockets of his pages.
const EACH_SOCKETS: usize = 32;
/// Of these, such as have not said hello.
const EACH_SILENT: usize = 8;
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

/// What is under way on a guest's connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Does {
    Nothing,
    /// A request; or a socket of the wrapped app's, which began as one.
    Request,
    /// A page's socket, before its hello.
    Silent,
    Socket,
}

/// A place that is taken.
struct Taken {
    owner: Owner,
    does: Does,
    shown_out: CancellationToken,
}

impl Taken {
    const fn is_strangers(&self) -> bool {
        matches!(self.owner, Owner::Address(_))
    }

    const fn may_go(&self) -> bool {
        self.is_strangers() || matches!(self.does, Does::Nothing)
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

    /// Whether that place is still taken.
    fn does(&mut self, at: u64, does: Does) -> bool {
        let taken = self.taken.get_mut(&at);
        taken.map(|taken| taken.does = does).is_some()
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

    /// One of those goes, of whoever has the most of them: any, by chance. Were it the oldest, whoever comes without end
    /// would push out who is about to say who he is; were it the newest, whoever says nothing would stay for ever.
    fn one_goes(&mut self, which: impl Fn(&Taken) -> bool) {
        let those = || self.taken.iter().filter(|(_, taken)| which(taken));
        let mut each: HashMap<Owner, usize> = HashMap::new();
        for (_, taken) in those() {
            *each.entry(taken.owner).or_default() += 1;
        }
        let most = each.values().max();
        let of_most: Vec<u64> =
            those().filter(|(_, taken)| each.get(&taken.owner) == most).map(|(at, _)| *at).collect();
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
        all.taken.insert(at, Taken { owner, does: Does::Nothing, shown_out: shown_out.clone() });
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
            if is_full && !all.oldest_goes(|taken| taken.owner == owner && taken.does == Does::Nothing) {
                return None;
            }
            all.taken.get_mut(&self.at)?.owner = owner;
            if !self.shared {
                // It is the first one's, whoever asks by it later.
                drop(self.revoked.set(guest.revoked.clone()));
            }
        }
        all.taken.get_mut(&self.at)?.does = Does::Request;
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

impl Busy {
    /// A page's socket takes the connection over, and has said nothing yet: the guest's oldest of these goes where he
    /// has all of his. Whether there is a place for it.
    pub(crate) fn opens(&self) -> bool {
        let mut all = self.0.among.all();
        let Some(owner) = all.taken.get(&self.0.at).map(|taken| taken.owner) else { return false };
        let is = |taken: &Taken, does| taken.owner == owner && taken.does == does;
        let silent = all.count(|taken| is(taken, Does::Silent));
        let others = all.count(|taken| is(taken, Does::Socket));
        let is_full = silent >= EACH_SILENT || silent + others >= EACH_SOCKETS;
        if is_full && !all.oldest_goes(|taken| is(taken, Does::Silent)) {
            return false;
        }
        all.does(self.0.at, Does::Silent)
    }

    /// The page has said hello. Whether its socket still has its place.
    pub(crate) fn is_heard(&self) -> bool {
        self.0.among.all().does(self.0.at, Does::Socket)
    }

    /// Until the place is needed for another.
    pub(crate) async fn shown_out(&self) {
        self.0.shown_out.cancelled().await;
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        if let Some(taken) = self.0.among.all().taken.get_mut(&self.0.at) {
            taken.does = Does::Nothing;
            if self.0.shared {
                taken.owner = self.0.from;
            }
        }
    }
}

#[cfg(test)]
mod tests;
