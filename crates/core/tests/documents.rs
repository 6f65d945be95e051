//! Goodbyes: what is a close and what may be a reload, at exact moments and in any order.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::{collections::BTreeMap, time::Duration};

use killcord_core::{
    BrowserId, Time,
    documents::{Documents, Goodbye, Page},
};
use proptest::prelude::*;

const LAPSE: Duration = Duration::from_secs(30);
const MS: Duration = Duration::from_millis(1);
const ONE: BrowserId = BrowserId(1);
const OTHER: BrowserId = BrowserId(2);

fn at(ms: u64) -> Time {
    Time(Duration::from_millis(ms))
}

/// A browser that has loaded one page.
fn loaded(nonce: &str) -> (Documents, Page) {
    let mut documents = Documents::new(LAPSE);
    documents.asked(ONE, nonce.into(), at(0));
    let page = documents.hello(Some(ONE), nonce.into(), None, at(50));
    (documents, page)
}

#[test]
fn a_page_that_claimed_its_document_is_closed_at_once() {
    let (documents, mut page) = loaded("a");
    assert_eq!(documents.goodbye(&mut page, "a", false, at(100)), Some(Goodbye::AtOnce));
}

#[test]
fn a_reload_gets_grace_because_its_request_came_first() {
    let (mut documents, mut page) = loaded("a");
    documents.asked(ONE, "b".into(), at(93));
    assert_eq!(documents.goodbye(&mut page, "a", false, at(100)), Some(Goodbye::Grace));
    let mut next = documents.hello(Some(ONE), "b".into(), Some(&page), at(200));
    assert_eq!(documents.goodbye(&mut next, "b", false, at(300)), Some(Goodbye::AtOnce));
}

#[test]
fn a_page_whose_connection_closed_is_sought_by_the_next_document_of_its_browser() {
    let (mut documents, page) = loaded("a");
    let closed = |mut page: Page| {
        assert_eq!(documents.closed(&mut page, at(100)), Some(Goodbye::AtOnce));
        page
    };
    let mut sought = closed(page.clone());
    assert!(!sought.is_sought(OTHER));
    assert!(sought.is_sought(ONE));
    assert!(!sought.is_sought(ONE), "one close is undone by one document");
    let mut told = closed(page.clone());
    assert_eq!(documents.goodbye(&mut told, "a", false, at(101)), Some(Goodbye::AtOnce));
    assert!(!told.is_sought(ONE), "it said more since, and that stands");
    let mut there = page.clone();
    assert!(!there.is_sought(ONE), "nothing was closed");
    // What the document is for: the page comes with its own nonce, and is in no doubt.
    documents.asked(ONE, "b".into(), at(104));
    let mut next = documents.hello(Some(ONE), "b".into(), Some(&sought), at(200));
    assert_eq!(documents.goodbye(&mut next, "b", false, at(300)), Some(Goodbye::AtOnce));
}

#[test]
fn another_browsers_request_takes_nothing_from_a_close() {
    let (mut documents, mut page) = loaded("a");
    documents.asked(OTHER, "b".into(), at(93));
    assert_eq!(documents.goodbye(&mut page, "a", false, at(100)), Some(Goodbye::AtOnce));
}

#[test]
fn an_unclaimed_document_lapses_at_its_moment_and_not_before() {
    let (mut documents, page) = loaded("a");
    documents.asked(ONE, "b".into(), at(100));
    let lapses = at(100) + LAPSE;
    let goodbye = |now| documents.goodbye(&mut page.clone(), "a", false, now);
    assert_eq!(goodbye(lapses - MS), Some(Goodbye::Grace));
    assert_eq!(goodbye(lapses), Some(Goodbye::AtOnce));
}

#[test]
fn a_hello_that_comes_as_its_document_lapses_claims_nothing() {
    for (late, goodbye) in [(MS, Goodbye::AtOnce), (Duration::ZERO, Goodbye::Grace)] {
        let mut documents = Documents::new(LAPSE);
        documents.asked(ONE, "a".into(), at(0));
        let hello = at(0) + LAPSE - late;
        let mut page = documents.hello(Some(ONE), "a".into(), None, hello);
        assert_eq!(documents.goodbye(&mut page, "a", false, hello), Some(goodbye));
    }
}

#[test]
fn what_goes_into_the_back_forward_cache_may_come_back() {
    let (mut documents, mut page) = loaded("a");
    assert_eq!(documents.goodbye(&mut page, "a", true, at(100)), Some(Goodbye::Grace));
    let mut back = documents.hello(Some(ONE), "a".into(), Some(&page), at(900));
    assert_eq!(documents.goodbye(&mut back, "a", false, at(1000)), Some(Goodbye::AtOnce), "no doubt");
}

#[test]
fn a_new_connection_of_the_same_page_keeps_its_claim() {
    let (mut documents, page) = loaded("a");
    let mut again = documents.hello(Some(ONE), "a".into(), Some(&page), at(60_000));
    assert_eq!(documents.goodbye(&mut again, "a", false, at(60_001)), Some(Goodbye::AtOnce));
}

#[test]
fn a_browser_seen_with_a_page_that_claims_nothing_gets_grace_for_ever() {
    for nonce in ["", "cached", "a"] {
        let (mut documents, page) = loaded("a");
        let _from_a_cache = documents.hello(Some(ONE), nonce.into(), None, at(200));
        documents.asked(ONE, "c".into(), at(300));
        let mut next = documents.hello(Some(ONE), "c".into(), None, at(400));
        for mut page in [page, next.clone()] {
            let nonce = if page == next { "c" } else { "a" };
            let goodbye = documents.goodbye(&mut page, nonce, false, at(1_000_000));
            assert_eq!(goodbye, Some(Goodbye::Grace));
        }
        assert_eq!(documents.closed(&mut next, at(1_000_001)), Some(Goodbye::Grace));
    }
}

#[test]
fn a_page_that_had_gone_for_good_and_is_back_comes_from_a_cache() {
    let (mut documents, mut page) = loaded("a");
    documents.asked(ONE, "b".into(), at(90));
    assert_eq!(documents.goodbye(&mut page, "a", false, at(100)), Some(Goodbye::Grace));
    let mut back = documents.hello(Some(ONE), "a".into(), Some(&page), at(200));
    assert_eq!(documents.goodbye(&mut back, "a", false, at(100_000)), Some(Goodbye::Grace));
}

#[test]
fn nobody_claims_another_browsers_document() {
    let mut documents = Documents::new(LAPSE);
    documents.asked(ONE, "a".into(), at(0));
    documents.asked(OTHER, "b".into(), at(0));
    let mut thief = documents.hello(Some(OTHER), "a".into(), None, at(10));
    let mut owner = documents.hello(Some(ONE), "a".into(), None, at(20));
    assert_eq!(documents.goodbye(&mut thief, "a", false, at(30)), Some(Goodbye::Grace));
    assert_eq!(documents.goodbye(&mut owner, "a", false, at(30)), Some(Goodbye::AtOnce));
}

#[test]
fn a_goodbye_of_an_older_page_is_nobodys() {
    let (mut documents, page) = loaded("a");
    documents.asked(ONE, "b".into(), at(90));
    let mut next = documents.hello(Some(ONE), "b".into(), Some(&page), at(100));
    assert_eq!(documents.goodbye(&mut next, "a", false, at(101)), None);
    assert!(!next.has_left());
}

#[test]
fn a_close_of_the_connection_is_a_goodbye_unless_there_was_one() {
    let (documents, page) = loaded("a");
    assert_eq!(documents.closed(&mut page.clone(), at(100)), Some(Goodbye::AtOnce));
    let mut kept = page;
    assert_eq!(documents.goodbye(&mut kept, "a", true, at(100)), Some(Goodbye::Grace));
    assert_eq!(documents.closed(&mut kept, at(101)), None, "it went into the cache, and that stands");
}

#[test]
fn a_window_or_an_unknown_browser_earns_nothing() {
    let mut documents = Documents::new(LAPSE);
    for browser in [None, Some(OTHER)] {
        let mut page = documents.hello(browser, "a".into(), None, at(0));
        assert_eq!(documents.goodbye(&mut page, "a", false, at(1)), Some(Goodbye::Grace));
    }
}

#[test]
fn a_browser_that_asks_without_end_is_in_doubt_and_takes_no_memory() {
    let (mut documents, mut page) = loaded("a");
    for n in 0..10_000 {
        documents.asked(ONE, format!("n{n}"), at(100));
    }
    let size = format!("{documents:?}").len();
    assert!(size < 10_000, "{size}");
    let late = at(100) + LAPSE;
    assert_eq!(documents.goodbye(&mut page, "a", false, late), Some(Goodbye::Grace));
}

#[test]
fn the_browser_that_was_heard_of_least_recently_is_forgotten_for_one_more() {
    let (mut documents, mut page) = loaded("a");
    let other = |n: u64| BrowserId(10 + n);
    let open = |documents: &mut Documents, browser, ms| {
        documents.asked(browser, "x".into(), at(ms));
        documents.hello(Some(browser), "x".into(), None, at(ms))
    };
    let mut pages: Vec<Page> = (0..1023).map(|n| open(&mut documents, other(n), 100 + n)).collect();
    // Its next document: it is no longer the first of them.
    documents.asked(ONE, "b".into(), at(5_000));
    page = documents.hello(Some(ONE), "b".into(), Some(&page), at(5_000));
    let mut last = open(&mut documents, BrowserId(9_000), 6_000);
    for (page, nonce) in [(&mut last, "x"), (&mut page, "b"), (&mut pages[1], "x")] {
        assert_eq!(documents.goodbye(page, nonce, false, at(7_000)), Some(Goodbye::AtOnce), "{page:?}");
    }
    assert_eq!(documents.goodbye(&mut pages[0], "x", false, at(7_000)), Some(Goodbye::Grace));
    for n in 0..10_000 {
        documents.asked(other(n), "x".into(), at(8_000));
    }
    let size = format!("{documents:?}").len();
    assert!(size < 1024 * 200, "{size}");
}

/// What a browser does to one of its tabs.
#[derive(Clone, Debug)]
enum Act {
    Open(u8),
    Reload(u8),
    Lands(u8),
    Close(u8),
    Wait(u64),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let tab = 0_u8..4;
    let act = prop_oneof![
        tab.clone().prop_map(Act::Open),
        tab.clone().prop_map(Act::Reload),
        tab.clone().prop_map(Act::Lands),
        tab.prop_map(Act::Close),
        (1_u64..5_000).prop_map(Act::Wait),
    ];
    proptest::collection::vec(act, 1..80)
}

proptest! {
    /// Whatever tabs of a browser do at the same time: a reload that lands in time never ended its session, and
    /// a close with no other document on its way always does.
    #[test]
    fn a_reload_is_never_an_end_and_a_lone_close_always_is(acts in acts()) {
        let mut documents = Documents::new(LAPSE);
        let mut now = 0;
        // A page landed too late to claim its document: from then on nothing that this browser does is an end at once.
        let mut doubted = false;
        let mut tabs: BTreeMap<u8, (String, Page)> = BTreeMap::new();
        // On their way: tab, nonce, page before, until when the claim holds.
        let mut coming: BTreeMap<u8, (String, Option<Page>, u64)> = BTreeMap::new();
        for (n, act) in acts.into_iter().enumerate() {
            now += 1;
            let nonce = format!("n{n}");
            match act {
                Act::Wait(ms) => now += ms,
                Act::Open(tab) if !tabs.contains_key(&tab) && !coming.contains_key(&tab) => {
                    documents.asked(ONE, nonce.clone(), at(now));
                    coming.insert(tab, (nonce, None, now + 30_000));
                }
                Act::Reload(tab) => if let Some((old, mut page)) = tabs.remove(&tab) {
                    documents.asked(ONE, nonce.clone(), at(now));
                    now += 7;
                    prop_assert_eq!(documents.goodbye(&mut page, &old, false, at(now)), Some(Goodbye::Grace));
                    coming.insert(tab, (nonce, Some(page), now - 7 + 30_000));
                },
                Act::Lands(tab) => if let Some((nonce, before, until)) = coming.remove(&tab) {
                    doubted |= now >= until;
                    let page = documents.hello(Some(ONE), nonce.clone(), before.as_ref(), at(now));
                    tabs.insert(tab, (nonce, page));
                },
                Act::Close(tab) => if let Some((nonce, mut page)) = tabs.remove(&tab) {
                    let alone = !doubted && coming.values().all(|(.., until)| *until <= now);
                    let expected = if alone { Goodbye::AtOnce } else { Goodbye::Grace };
                    prop_assert_eq!(documents.goodbye(&mut page, &nonce, false, at(now)), Some(expected));
                },
                Act::Open(_) => {}
            }
        }
    }
}
