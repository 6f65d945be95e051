//! One client on a line: read, perform, write.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::mpsc,
    time::{Instant, sleep, sleep_until},
};

use super::{
    framing::{Framing, Speaks},
    presence::Presence,
    stream::Stream,
};
use crate::world::{Gate, Job, Reply, Shared};

/// Commands that wait their turn, and answers that wait to be sent.
const WAITING: usize = 64;
/// More than 3.5 characters at any usual rate; a pty delivers a write whole.
const SILENCE: Duration = Duration::from_millis(20);
/// An endless answer: so much, so often.
const FLOOD: ([u8; 1024], Duration) = ([b'9'; 1024], Duration::from_millis(5));

/// What a connection needs to know of its line.
pub(super) struct Connection<'a> {
    pub(super) shared: &'a Arc<Shared>,
    pub(super) line: usize,
    pub(super) speaks: Speaks,
    pub(super) stream: &'a Stream,
    pub(super) client: Client<'a>,
}

/// Who is at the other end.
pub(super) enum Client<'a> {
    /// One program, by its number.
    Tcp(u64),
    /// Whoever has the pty open, if anybody.
    Pty(&'a Presence<'a>),
}

impl Client<'_> {
    fn name(&self) -> String {
        match self {
            Client::Tcp(number) => format!("tcp#{number}"),
            Client::Pty(presence) => presence.name(),
        }
    }

    /// Whether an answer would reach anybody; a socket's writes tell by themselves.
    fn listens(&self) -> bool {
        match self {
            Client::Tcp(_) => true,
            Client::Pty(presence) => presence.anybody(),
        }
    }

    /// Waits until the client that listens now is gone.
    async fn gone(&self) {
        match self {
            Client::Tcp(_) => std::future::pending().await,
            Client::Pty(presence) => {
                let mut left_alone = presence.left_alone();
                if presence.anybody() {
                    // An error cannot be: we hold the sender.
                    drop(left_alone.changed().await);
                }
            }
        }
    }
}

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The client went.
    Client,
    /// The instrument closed it: the fault `drop`, or bytes that are no Modbus.
    HungUp,
    /// The line was cut.
    Unplugged,
}

struct Answer {
    due: Instant,
    reply: Reply,
}

impl Connection<'_> {
    /// Serves the client until one of the two goes. What was received before the client went is still
    /// performed, as an instrument does.
    pub(super) async fn serve(self) -> End {
        let (jobs, mut waiting_jobs) = mpsc::channel(WAITING);
        let (answers, mut waiting_answers) = mpsc::channel(WAITING);
        let mut gate = self.shared.lock().gate(self.line);
        let stages = async {
            let read = self.read(jobs);
            let perform = self.perform(&mut waiting_jobs, answers);
            let write = self.write(&mut waiting_answers);
            tokio::try_join!(read, perform, write).map_or_else(|end| end, |_| End::Client)
        };
        tokio::select! {
            end = stages => end,
            _ = gate.wait_for(|gate| !gate.plugged) => End::Unplugged,
        }
    }

    async fn read(&self, jobs: mpsc::Sender<Job>) -> Result<(), End> {
        let mut gate = self.shared.lock().gate(self.line);
        let mut framing = Framing::new(self.speaks, self.shared.lock().immediate(self.line));
        let mut buffer = vec![0_u8; 16 * 1024];
        loop {
            if gate.wait_for(|gate: &Gate| gate.reading).await.is_err() {
                return Ok(());
            }
            tokio::select! {
                changed = gate.changed() => match changed {
                    Ok(()) => continue,
                    Err(_) => return Ok(()),
                },
                readable = self.stream.readable() => if readable.is_err() {
                    return Ok(());
                },
                () = sleep(SILENCE), if framing.silence_counts() => {
                    if let Some(frame) = framing.silence() {
                        self.note(vec![frame], &jobs).await?;
                    }
                    continue;
                }
            }
            if !gate.borrow().reading {
                continue;
            }
            match self.stream.try_read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(count) => {
                    let frames = framing.push(&buffer[..count]).map_err(|_| End::HungUp)?;
                    self.note(frames, &jobs).await?;
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => return Ok(()),
            }
        }
    }

    /// Records frames at once, all with the moment of their arrival, and queues them.
    async fn note(&self, frames: Vec<crate::world::Frame>, jobs: &mpsc::Sender<Job>) -> Result<(), End> {
        if frames.is_empty() {
            return Ok(());
        }
        let name = self.client.name();
        let noted: Vec<Job> = self.shared.update(|world, now| {
            frames.into_iter().filter_map(|frame| world.receive(self.line, frame, &name, now)).collect()
        });
        for job in noted {
            jobs.send(job).await.map_err(|_| End::Client)?;
        }
        Ok(())
    }

    async fn perform(
        &self,
        jobs: &mut mpsc::Receiver<Job>,
        answers: mpsc::Sender<Answer>,
    ) -> Result<(), End> {
        while let Some(job) = jobs.recv().await {
            let reply = self.shared.update(|world, now| world.perform(job, now));
            if reply.hang_up {
                return Err(End::HungUp);
            }
            if !reply.busy.is_zero() {
                sleep(reply.busy).await;
            }
            let due = Instant::now() + reply.late;
            if !reply.bytes.is_empty() && answers.send(Answer { due, reply }).await.is_err() {
                return Ok(()); // nobody takes answers any more; nor would an instrument read on
            }
        }
        Ok(())
    }

    async fn write(&self, answers: &mut mpsc::Receiver<Answer>) -> Result<(), End> {
        // A client that only sends is still heard: answers are then thrown away.
        let mut deaf = false;
        while let Some(Answer { due, reply }) = answers.recv().await {
            sleep_until(due).await;
            deaf = deaf || self.send(&reply).await.is_err();
        }
        Ok(())
    }

    async fn send(&self, reply: &Reply) -> std::io::Result<()> {
        if !self.client.listens() {
            return Ok(()); // as on a serial port that nobody has open
        }
        tokio::select! {
            written = self.write_out(reply) => written,
            () = self.client.gone() => Ok(()),
        }
    }

    async fn write_out(&self, reply: &Reply) -> std::io::Result<()> {
        self.stream.write_all(&reply.bytes).await?;
        let Some((instrument, mended)) = reply.endless else { return Ok(()) };
        tokio::select! {
            flooded = self.flood() => flooded?,
            () = self.mended(instrument, mended) => {}
        }
        self.stream.write_all(b"\n").await
    }

    async fn flood(&self) -> std::io::Result<()> {
        let (bytes, pause) = FLOOD;
        loop {
            self.stream.write_all(&bytes).await?;
            sleep(pause).await;
        }
    }

    /// Waits until an instrument's faults have ended once more.
    async fn mended(&self, instrument: usize, than: u64) {
        while self.shared.lock().mended(instrument) == than {
            sleep(Duration::from_millis(20)).await;
        }
    }
}
