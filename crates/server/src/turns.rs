//! The runtime of the server's thread: which of its tasks has the next turn.
//!
//! **It must never** let whoever knocks at the door keep a page waiting that is inside.

use std::io;

use tokio::runtime::{Builder, Runtime};

/// Of so many turns one is that of a task that another thread has woken (the host has something to say to its page), the
/// others are of those that a socket has.
///
/// By tokio's own choice it is one of 31. A task waits in one queue only: while strangers kept the sockets' queue filled, a
/// page that the host was answering was not read. Its safe stop was heard up to 2.2 s late (`cargo xtask bench hostile`).
const TURNS: u32 = 2;

/// A runtime on one thread. `most_events` are asked of the system at once.
pub(crate) fn runtime(most_events: usize) -> io::Result<Runtime> {
    Builder::new_current_thread()
        .enable_all()
        .max_io_events_per_tick(most_events)
        .global_queue_interval(TURNS)
        .build()
}

#[cfg(test)]
mod tests {
    use std::{
        future::poll_fn,
        sync::{
            Arc,
            atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
        },
        task::Poll,
        thread,
    };

    use tokio::{
        sync::oneshot,
        task::{JoinSet, yield_now},
    };

    use super::*;

    #[test]
    fn tasks_that_are_never_done_keep_no_task_waiting_that_another_thread_woke() {
        const PAGES: usize = 1000;
        runtime(64).unwrap().block_on(async {
            let (turns, waiting) = <(Arc<AtomicUsize>, Arc<AtomicUsize>)>::default();
            let (mut pages, mut others) = (JoinSet::new(), JoinSet::new());
            let words: Vec<_> = (0..PAGES)
                .map(|_| {
                    let (word, heard) = oneshot::channel();
                    let waiting = Arc::clone(&waiting);
                    pages.spawn(async move {
                        waiting.fetch_add(1, Relaxed);
                        heard.await
                    });
                    word
                })
                .collect();
            while waiting.load(Relaxed) < PAGES {
                yield_now().await;
            }
            let over = Arc::new(AtomicBool::new(false));
            for _ in 0..8 {
                let (turns, over) = (Arc::clone(&turns), Arc::clone(&over));
                others.spawn(poll_fn(move |context| {
                    turns.fetch_add(1, Relaxed);
                    context.waker().wake_by_ref();
                    if over.load(Relaxed) { Poll::Ready(()) } else { Poll::Pending }
                }));
            }
            let says = thread::spawn(|| words.into_iter().for_each(|word| word.send(()).unwrap()));
            says.join().unwrap();
            while let Some(page) = pages.join_next().await {
                page.unwrap().unwrap();
            }
            over.store(true, Relaxed);
            let turns = turns.load(Relaxed);
            assert!(turns <= 2 * PAGES, "{turns} turns of others for {PAGES} of theirs");
        });
    }
}
