//! An instrument in the test's own process that does nothing but note when each line arrived, in the clock
//! that the close event is timed by. Shares no code with what it measures.
//!
//! `NAME value` sets, `NAME?` answers the last value set (`0` at first), `*IDN?` and `*OPC?` as usual.

use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::net::{AddressFamily, SocketType, bind, listen, socket, sockopt};

use crate::clock::monotonic;
use crate::wait::pause;

/// One line that has arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// CLOCK_MONOTONIC when its last byte had been read.
    pub at: Duration,
    /// Without its line end.
    pub line: String,
}

/// The instrument.
pub struct Instrument {
    port: u16,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

struct Shared {
    stop: AtomicBool,
    mute: AtomicBool,
    stuck: AtomicBool,
    /// The connections with a number up to this one are not read.
    deaf_to: AtomicUsize,
    /// The connections so far: the number of the last one.
    connections: AtomicUsize,
    /// Those that have not ended.
    open: AtomicUsize,
    answer_after: Mutex<Duration>,
    arrivals: Mutex<Vec<Arrival>>,
    values: Mutex<HashMap<String, String>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// How often a thread looks whether it should end. Arrivals do not wait for it.
const LOOK: Duration = Duration::from_millis(200);

impl Instrument {
    /// Starts one on a free port.
    #[must_use]
    pub fn start() -> Self {
        Self::answering_after(Duration::ZERO)
    }

    /// Starts one that takes this long for each answer to a query.
    #[must_use]
    pub fn answering_after(delay: Duration) -> Self {
        Self::on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap(), delay)
    }

    /// Starts one that takes only a few hundred bytes before it has read them: what it does not read stays in
    /// the sender's buffer.
    #[must_use]
    pub fn with_a_small_window() -> Self {
        let listener = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
        // The kernel makes the least that it allows of this (tcp(7)); set before listening, connections have it.
        sockopt::set_socket_recv_buffer_size(&listener, 1).unwrap();
        bind(&listener, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)).unwrap();
        listen(&listener, 16).unwrap();
        Self::on(TcpListener::from(listener), Duration::ZERO)
    }

    fn on(listener: TcpListener, delay: Duration) -> Self {
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            stop: AtomicBool::new(false),
            mute: AtomicBool::new(false),
            stuck: AtomicBool::new(false),
            deaf_to: AtomicUsize::new(0),
            connections: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
            answer_after: Mutex::new(delay),
            arrivals: Mutex::default(),
            values: Mutex::default(),
            threads: Mutex::default(),
        });
        let accept = {
            let shared = Arc::clone(&shared);
            move || {
                while let Ok((stream, _)) = listener.accept() {
                    if shared.stop.load(Ordering::Relaxed) {
                        return;
                    }
                    let serving = Arc::clone(&shared);
                    let thread = std::thread::Builder::new().name("instrument".into());
                    let thread = thread.spawn(move || serving.serve(stream)).unwrap();
                    shared.threads.lock().unwrap().push(thread);
                }
            }
        };
        let acceptor = Some(std::thread::Builder::new().name("acceptor".into()).spawn(accept).unwrap());
        Self { port, shared, acceptor }
    }

    /// Its TCP port on loopback.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The lines so far, in the order of their arrival.
    #[must_use]
    pub fn arrivals(&self) -> Vec<Arrival> {
        self.shared.arrivals.lock().unwrap().clone()
    }

    /// The lines so far that are no queries.
    #[must_use]
    pub fn commands(&self) -> Vec<String> {
        self.arrivals().into_iter().map(|arrival| arrival.line).filter(|line| !line.ends_with('?')).collect()
    }

    /// Forgets the lines so far.
    pub fn forget(&self) {
        self.shared.arrivals.lock().unwrap().clear();
    }

    /// The last value that was set.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<String> {
        self.shared.values.lock().unwrap().get(name).cloned()
    }

    /// Takes this long for each answer from now on.
    pub fn answer_after(&self, delay: Duration) {
        *self.shared.answer_after.lock().unwrap() = delay;
    }

    /// Reads nothing more from the connections that there are; others are served.
    pub fn deafen(&self) {
        self.shared.deaf_to.store(self.shared.connections.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// Reads all connections again.
    pub fn hear(&self) {
        self.shared.deaf_to.store(0, Ordering::Relaxed);
    }

    /// The connections that have not ended, as far as it has read them.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.open.load(Ordering::Relaxed)
    }

    /// Stays as it is from now on whatever it is told (or no longer does); it still answers.
    pub fn stick(&self, stuck: bool) {
        self.shared.stuck.store(stuck, Ordering::Relaxed);
    }

    /// Answers nothing from now on (or does so again); commands are still carried out.
    pub fn mute(&self, mute: bool) {
        self.shared.mute.store(mute, Ordering::Relaxed);
    }
}

impl Shared {
    /// Reads, and notes each arrival at once: an instrument that is slow to answer has its bytes all the same.
    fn serve(&self, stream: TcpStream) {
        // Where it is allowed: what is measured is when bytes leave, not when this thread gets a processor.
        let _only_where_allowed = rustix::process::setpriority_process(None, -20);
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(LOOK)).unwrap();
        let Ok(writer) = stream.try_clone() else { return };
        let number = self.connections.fetch_add(1, Ordering::Relaxed) + 1;
        self.open.fetch_add(1, Ordering::Relaxed);
        self.read(stream, writer, number);
        self.open.fetch_sub(1, Ordering::Relaxed);
    }

    fn read(&self, mut stream: TcpStream, writer: TcpStream, number: usize) {
        let (queue, lines) = std::sync::mpsc::sync_channel(4096);
        std::thread::scope(move |scope| {
            scope.spawn(move || self.work(&lines, writer));
            // Dropped when the connection is over: that ends the worker.
            let queue = queue;
            let (mut pending, mut block) = (Vec::new(), [0; 4096]);
            while !self.stop.load(Ordering::Relaxed) {
                if number <= self.deaf_to.load(Ordering::Relaxed) {
                    pause(LOOK);
                    continue;
                }
                let count = match stream.read(&mut block) {
                    Ok(0) => return,
                    Ok(count) => count,
                    Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                        continue;
                    }
                    Err(_) => return,
                };
                let at = monotonic();
                pending.extend_from_slice(&block[..count]);
                while let Some(end) = pending.iter().position(|byte| *byte == b'\n') {
                    let line: Vec<u8> = pending.drain(..=end).collect();
                    let line = String::from_utf8_lossy(&line).trim().to_owned();
                    if !line.is_empty() {
                        self.arrivals.lock().unwrap().push(Arrival { at, line: line.clone() });
                        if queue.send(line).is_err() {
                            return;
                        }
                    }
                }
            }
        });
    }

    /// Carries out line after line, each query in its time.
    fn work(&self, lines: &Receiver<String>, mut writer: TcpStream) {
        for line in lines {
            let Some(answer) = self.answer(&line) else { continue };
            let delay = *self.answer_after.lock().unwrap();
            if !delay.is_zero() {
                pause(delay);
            }
            if !self.mute.load(Ordering::Relaxed) && writer.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    }

    fn answer(&self, line: &str) -> Option<String> {
        let mut values = self.values.lock().unwrap();
        if let Some(name) = line.strip_suffix('?') {
            let value = match name {
                "*IDN" => "Killcord tests,Stopwatch,0,1",
                "*OPC" => "1",
                name => values.get(name).map_or("0", String::as_str),
            };
            return Some(format!("{value}\n"));
        }
        if let Some((name, value)) = line.split_once(' ').filter(|_| !self.stuck.load(Ordering::Relaxed)) {
            values.insert(name.to_owned(), value.trim().to_owned());
        }
        None
    }
}

impl Drop for Instrument {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        // Wakes the acceptor.
        let _refused = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        if let Some(acceptor) = self.acceptor.take() {
            let _ended = acceptor.join();
        }
        for thread in std::mem::take(&mut *self.shared.threads.lock().unwrap()) {
            let _ended = thread.join();
        }
    }
}
