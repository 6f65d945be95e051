//! Keeps the processors busy, a bounded number of threads for as long as it lives.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::thread::JoinHandle;

/// Busy processors.
pub struct Load {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<u64>>,
}

/// The one that [`Load::shared`] gives out.
static SHARED: Mutex<Weak<Load>> = Mutex::new(Weak::new());

impl Load {
    /// The same for everybody who asks while somebody has it: what runs side by side shares busy processors, as
    /// it shares the processors.
    #[must_use]
    pub fn shared() -> Arc<Self> {
        let mut shared = SHARED.lock().unwrap();
        shared.upgrade().unwrap_or_else(|| {
            let load = Arc::new(Self::all_cores());
            *shared = Arc::downgrade(&load);
            load
        })
    }

    /// One busy thread for each processor, and eight at the most.
    #[must_use]
    pub fn all_cores() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(8);
        let stop = Arc::new(AtomicBool::new(false));
        let busy = |stop: Arc<AtomicBool>| {
            move || {
                let mut rounds = 0_u64;
                while !stop.load(Ordering::Relaxed) {
                    rounds = std::hint::black_box(rounds.wrapping_add(1));
                }
                rounds
            }
        };
        let threads = (0..cores)
            .map(|_| std::thread::Builder::new().name("busy".into()).spawn(busy(Arc::clone(&stop))).unwrap())
            .collect();
        Self { stop, threads }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _rounds = thread.join();
        }
    }
}
