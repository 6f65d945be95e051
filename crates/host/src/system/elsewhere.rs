//! Other systems than Linux: nobody here can try them, so nothing is armed there.

use std::{io, sync::Arc, thread};

use super::wish::{Todo, Wish};
use crate::engine::{Item, Shared};

/// Answers every wish for a lock with the reason why there is none.
pub(super) fn start(shared: Arc<Shared>, wish: Arc<Wish>) -> io::Result<()> {
    let answer = move || {
        let mut seen = 0;
        loop {
            match wish.next(&mut seen, None) {
                Some(Todo::Take(n)) => {
                    let why = String::from("Killcord arms on Linux only so far");
                    shared.queue.push(Item::Lock { n, result: Err(why) });
                }
                Some(Todo::End) => return,
                Some(Todo::Give | Todo::Look | Todo::Reconnect) | None => {}
            }
        }
    };
    thread::Builder::new().name("killcord-system".into()).spawn(answer).map(drop)
}
