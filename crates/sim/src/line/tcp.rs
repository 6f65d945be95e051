//! Instruments on a listening socket.

use std::{
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    task::JoinSet,
    time::sleep,
};

use super::{
    connection::{Client, Connection},
    framing::Speaks,
    stream::Stream,
};
use crate::world::Shared;

/// An instrument accepts a few clients; a simulated one a few more.
const MOST_CONNECTIONS: usize = 256;

/// Listens at `at`. Call inside the runtime.
pub(crate) fn listen(at: SocketAddr) -> io::Result<TcpListener> {
    let socket = if at.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(at)?;
    socket.listen(64)
}

/// Serves a line's clients for ever; the task is dropped at the end.
pub(crate) async fn serve(shared: Arc<Shared>, line: usize, speaks: Speaks, listener: TcpListener) {
    let Ok(at) = listener.local_addr() else { return };
    let mut gate = shared.lock().gate(line);
    let mut clients = JoinSet::new();
    let mut listener = Some(listener);
    let mut last_gone: Option<Instant> = None;
    loop {
        let Some(open) = listener.take_if(|_| gate.borrow_and_update().plugged) else {
            drop(listener.take()); // closed: new connections are refused
            shared.update(|world, _| world.line(line).listening = false);
            if gate.wait_for(|gate| gate.plugged).await.is_err() {
                return;
            }
            listener = Some(listen_again(at).await);
            shared.update(|world, _| world.line(line).listening = true);
            continue;
        };
        tokio::select! {
            accepted = open.accept() => match accepted {
                Ok((stream, _)) if clients.len() < MOST_CONNECTIONS => {
                    let believed = |kept| last_gone.is_some_and(|at| at.elapsed() < kept);
                    let one_client = gate.borrow().one_client;
                    // Taken already: this one is closed at once.
                    if !one_client.is_some_and(|kept| !clients.is_empty() || believed(kept)) {
                        clients.spawn(client(Arc::clone(&shared), line, speaks, stream));
                    }
                }
                Ok(_) => {} // too many: closed at once
                Err(_) => sleep(Duration::from_millis(20)).await, // out of descriptors: some will come back
            },
            Some(_) = clients.join_next() => last_gone = Some(Instant::now()),
            changed = gate.changed() => if changed.is_err() {
                return;
            },
        }
        listener = Some(open);
    }
}

/// The port is ours as long as nobody takes it in between; then this waits for it.
async fn listen_again(at: SocketAddr) -> TcpListener {
    loop {
        match listen(at) {
            Ok(listener) => return listener,
            Err(_) => sleep(Duration::from_millis(20)).await,
        }
    }
}

async fn client(shared: Arc<Shared>, line: usize, speaks: Speaks, stream: TcpStream) {
    // Only speed depends on it.
    let _nodelay = stream.set_nodelay(true);
    let stream = Stream::Tcp(stream);
    let number = shared.update(|world, _| {
        world.line(line).connections += 1;
        world.next_connection()
    });
    let leaving = Leaving { shared: &shared, line };
    let client = Client::Tcp(number);
    Connection { shared: &shared, line, speaks, stream: &stream, client }.serve().await;
    drop(stream);
    drop(leaving);
}

/// Counts a client out, however its task ends.
struct Leaving<'a> {
    shared: &'a Shared,
    line: usize,
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.shared.update(|world, _| world.line(self.line).connections -= 1);
    }
}
