//! The browser's remote protocol (<https://chromedevtools.github.io/devtools-protocol/>) over a pair of pipes:
//! it needs no port, and works where the browser has no network at all. Messages are JSON, each ends with a NUL.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{CWD, FileType, Mode, OFlags};
use serde_json::{Value, json};

/// Why a question was not answered.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// Nothing came in time: the browser is stopped, or the page hangs.
    #[error("no answer within {0:?}")]
    Silent(Duration),
    /// The browser has ended.
    #[error("the browser is gone")]
    Gone,
    /// The browser says no: the page has gone, or has thrown.
    #[error("{0}")]
    Refused(String),
}

#[derive(Default)]
struct Answers {
    /// Those that somebody waits for, by the question's number.
    open: HashMap<u64, Option<Value>>,
    last: u64,
    over: bool,
}

/// One browser's pipes.
pub(super) struct Wire {
    to: Mutex<File>,
    answers: Arc<(Mutex<Answers>, Condvar)>,
}

/// Makes the pipes in a folder, before the browser is started with them: `in` for it to read, `out` to write.
pub(super) fn lay(folder: &Path) -> Wire {
    for name in ["in", "out"] {
        rustix::fs::mknodat(CWD, folder.join(name), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    }
    // Neither waits for the other end: it is not there yet.
    let open = |name, flags| {
        File::from(rustix::fs::open(folder.join(name), flags | OFlags::CLOEXEC, Mode::empty()).unwrap())
    };
    let from = open("out", OFlags::RDONLY | OFlags::NONBLOCK);
    let to = Mutex::new(open("in", OFlags::RDWR));
    let answers = Arc::<(Mutex<Answers>, Condvar)>::default();
    let taken = Arc::clone(&answers);
    std::thread::Builder::new().name("browser".into()).spawn(move || read(from, &taken)).unwrap();
    Wire { to, answers }
}

fn read(mut from: File, answers: &(Mutex<Answers>, Condvar)) {
    let (mut pending, mut block) = (Vec::new(), vec![0; 64 * 1024]);
    loop {
        match poll(&mut [PollFd::new(&from, PollFlags::IN)], None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => panic!("poll: {error}"),
        }
        match from.read(&mut block) {
            Ok(0) => break,
            Ok(count) => pending.extend_from_slice(&block[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => continue,
            Err(_) => break,
        }
        while let Some(end) = pending.iter().position(|byte| *byte == 0) {
            let message: Vec<u8> = pending.drain(..=end).collect();
            take(&message[..end], answers);
        }
    }
    answers.0.lock().unwrap().over = true;
    answers.1.notify_all();
}

/// Keeps an answer that somebody waits for. Events are not listened to: tests look at states.
fn take(message: &[u8], answers: &(Mutex<Answers>, Condvar)) {
    let Ok(message) = serde_json::from_slice::<Value>(message) else { return };
    let Some(id) = message["id"].as_u64() else { return };
    if let Some(place) = answers.0.lock().unwrap().open.get_mut(&id) {
        *place = Some(message);
    }
    answers.1.notify_all();
}

impl Wire {
    /// Asks the browser, or one of its pages by its session.
    pub(super) fn call(
        &self,
        session: Option<&str>,
        method: &str,
        params: &Value,
        within: Duration,
    ) -> Result<Value, CallError> {
        let (answers, news) = &*self.answers;
        let id = {
            let mut answers = answers.lock().unwrap();
            answers.last += 1;
            let id = answers.last;
            answers.open.insert(id, None);
            id
        };
        let mut question = json!({ "id": id, "method": method, "params": params });
        if let Some(session) = session {
            question["sessionId"] = session.into();
        }
        let sent = self.to.lock().unwrap().write_all(format!("{question}\0").as_bytes());
        let end = Instant::now() + within;
        let mut answers = answers.lock().unwrap();
        let found = loop {
            if let Some(answer) = answers.open.get_mut(&id).and_then(Option::take) {
                break Ok(answer);
            }
            let left = end.saturating_duration_since(Instant::now());
            if answers.over || sent.is_err() {
                break Err(CallError::Gone);
            }
            if left.is_zero() {
                break Err(CallError::Silent(within));
            }
            answers = news.wait_timeout(answers, left).unwrap().0;
        };
        answers.open.remove(&id);
        drop(answers);
        let mut answer = found?;
        match answer.get("error") {
            Some(error) => Err(CallError::Refused(error["message"].as_str().unwrap_or_default().to_owned())),
            None => Ok(answer["result"].take()),
        }
    }
}
