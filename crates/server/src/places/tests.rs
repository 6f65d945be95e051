//! Who goes for whom, at each bound.

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
fn a_guest_s_oldest_silent_socket_goes_for_one_more_and_those_that_are_heard_stay() {
    let (places, me) = (places(MOST), guest(1));
    let opens = |guest: &Guest| {
        let place = comes(&places, address(0));
        let busy = place.begin(guest).unwrap();
        busy.opens().then_some((place, busy))
    };
    let other = opens(&guest(2)).unwrap();
    let (mut all, mut held) = (Vec::new(), Vec::new());
    for n in 0..EACH_SOCKETS {
        let (place, busy) = opens(&me).unwrap();
        assert!(n % 8 == 0 || busy.is_heard());
        all.push(place);
        held.push(busy);
    }
    assert_eq!(out(&all), [0; 0]);
    // One more of his.
    let more = opens(&me).unwrap();
    assert_eq!(out(&all), [0]);
    assert!(!held[0].is_heard(), "too late");
    for silent in held.iter().chain([&more.1]) {
        silent.is_heard();
    }
    assert!(opens(&me).is_none(), "all of his are heard");
    assert!(opens(&guest(3)).is_some());
    assert!(!other.0.shown_out.is_cancelled());
    drop(held.pop());
    assert!(opens(&me).is_some());
}

#[test]
fn few_of_a_guest_s_sockets_are_silent() {
    let (places, me) = (places(MOST), guest(1));
    let all: Vec<_> = (0..=EACH_SILENT).map(|_| comes(&places, address(0))).collect();
    let held: Vec<_> = all.iter().map(|place| place.begin(&me).unwrap()).collect();
    assert!(held.iter().all(Busy::opens));
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
