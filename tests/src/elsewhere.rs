//! Another site: one page, for a browser to go away to.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use crate::wait::SOON;

/// The site.
pub struct Elsewhere {
    port: u16,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

const PAGE: &str = "<!doctype html><title>Elsewhere</title><p>Elsewhere</p>";

impl Default for Elsewhere {
    fn default() -> Self {
        Self::start()
    }
}

impl Elsewhere {
    /// Starts it.
    #[must_use]
    pub fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let stop = Arc::new(AtomicBool::new(false));
        let ends = Arc::clone(&stop);
        let serve = move || {
            for stream in listener.incoming().flatten() {
                if ends.load(Ordering::Relaxed) {
                    return;
                }
                let thread = std::thread::Builder::new().name("elsewhere".into());
                // A browser opens connections that it does not use: each waits by itself.
                thread.spawn(|| answer(stream)).unwrap();
            }
        };
        let thread = Some(std::thread::Builder::new().name("elsewhere".into()).spawn(serve).unwrap());
        Self { port, stop, thread }
    }

    /// Its page.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }
}

fn answer(mut stream: TcpStream) {
    let _limit = stream.set_read_timeout(Some(SOON));
    let (mut asked, mut block) = (Vec::new(), [0; 1024]);
    while !asked.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut block) {
            Ok(count @ 1..) if asked.len() < 64 * 1024 => asked.extend_from_slice(&block[..count]),
            _ => return,
        }
    }
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        PAGE.len()
    );
    // A browser that has gone on needs no answer.
    let _gone = stream.write_all(format!("{head}{PAGE}").as_bytes());
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Wakes the listener.
        let _refused = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}
