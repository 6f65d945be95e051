//! The check itself: what holds whatever goes wrong, and that the check sees what does not hold.

#![allow(missing_docs, clippy::print_stdout, reason = "how far was looked, and by which way a fault shows")]

mod holds;
mod spoilt;

use killcord_model::scope::Scope;
use stateright::{Checker, HasDiscoveries, Model};

/// Looks at every state of a scope.
fn every_state(scope: Scope) -> impl Checker<Scope> {
    let began = std::time::Instant::now();
    let chances = scope.chances;
    let seen = scope.checker().threads(2).finish_when(HasDiscoveries::AnyFailures).spawn_dfs().join();
    println!("{} states in {:?}: {chances:?}", seen.unique_state_count(), began.elapsed());
    seen
}

/// Nothing that can happen in these scopes breaks a promise.
fn holds(scopes: impl IntoIterator<Item = Scope>) {
    for scope in scopes {
        let chances = scope.chances;
        let seen = every_state(scope.clone());
        for property in scope.properties() {
            if !matches!(property.expectation, stateright::Expectation::Always) {
                continue;
            }
            if let Some(path) = seen.discovery(property.name) {
                let end = path.last_state().clone();
                let way = path.into_actions();
                panic!("broken: {}\nby: {way:?}\nwith: {chances:?}\nat the end: {end:#?}", property.name);
            }
        }
    }
}

/// The scope breaks this promise, and the check says so.
fn breaks(promise: &'static str, scope: Scope) {
    let seen = scope.checker().threads(2).finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    let Some(path) = seen.discovery(promise) else {
        let others: Vec<_> = seen.discoveries().into_keys().collect();
        panic!("the check does not see that this is broken: {promise}; it saw {others:?}");
    };
    println!("{promise}: {:?}", path.into_actions());
}
