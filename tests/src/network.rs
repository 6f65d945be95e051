//! A network between one browser and a host, with a link that can be pulled and plugged in again.
//!
//! Two network namespaces with a virtual cable between them: the browser runs in one, the other is where the host
//! seems to be. A host here listens on this machine's loopback alone, so a relay stands in for it: it takes connections in that
//! other namespace and passes every byte on. What is in flight when the link goes down is neither lost nor refused,
//! as on a real one: both sides hear nothing, and nobody tells them.
//!
//! Only root may make namespaces. Nothing of the machine's own network is touched.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddrV4, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::place;
use crate::process::{Launch, Process};
use crate::wait::{LONG, SOON, until};

/// The browser's end of the cable, and the host's. Nobody else sees these addresses.
const NEAR: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 2);
const FAR: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);

/// The network.
pub struct Network {
    near: Process,
    far: Process,
    port: u16,
    relay: Option<JoinHandle<()>>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    /// Both ends of what is relayed, by number.
    open: Mutex<HashMap<usize, [TcpStream; 2]>>,
}

impl Network {
    /// One whose far end is the host's port on loopback.
    ///
    /// # Panics
    /// Where namespaces are not permitted.
    #[must_use]
    #[track_caller]
    pub fn to(port: u16) -> Self {
        let mut network = Self::open();
        let listener = listen(&network.far, port);
        let shared = Arc::clone(&network.shared);
        let relay = std::thread::Builder::new().name("relay".into());
        network.port = port;
        network.relay = Some(relay.spawn(move || shared.relay(&listener, port)).unwrap());
        network
    }

    /// One with nobody at its far end yet.
    ///
    /// # Panics
    /// Where namespaces are not permitted.
    #[must_use]
    #[track_caller]
    pub fn open() -> Self {
        let (near, far) = (namespace(), namespace());
        let far_pid = far.pid().to_string();
        run(&near, &["link", "add", "link0", "type", "veth", "peer", "name", "link1", "netns", &far_pid]);
        run(&near, &["address", "add", &format!("{NEAR}/30"), "dev", "link0"]);
        run(&far, &["address", "add", &format!("{FAR}/30"), "dev", "link1"]);
        for (end, device) in [(&near, "lo"), (&near, "link0"), (&far, "lo"), (&far, "link1")] {
            run(end, &["link", "set", device, "up"]);
        }
        Self { near, far, port: 0, relay: None, shared: Arc::default() }
    }

    /// The host's port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Where the browser finds the host.
    #[must_use]
    pub fn way(&self) -> String {
        format!("{FAR}:{}", self.port)
    }

    /// The same without its port.
    #[must_use]
    pub fn address(&self) -> String {
        FAR.to_string()
    }

    /// What starts a program where the browser is, ahead of its name.
    #[must_use]
    pub fn inside(&self) -> Vec<String> {
        enter(&self.near)
    }

    /// What starts a program where the host is, ahead of its name.
    #[must_use]
    pub fn beyond(&self) -> Vec<String> {
        enter(&self.far)
    }

    /// The cable is pulled.
    pub fn cut(&self) {
        run(&self.near, &["link", "set", "link0", "down"]);
    }

    /// The cable is in again.
    pub fn restore(&self) {
        run(&self.near, &["link", "set", "link0", "up"]);
    }
}

/// A namespace, for as long as the process lives that holds it.
#[track_caller]
fn namespace() -> Process {
    let held = Launch::new(place::system("unshare"))
        .args(["--net", "sh", "-c", "echo made; exec cat"])
        .with_input()
        .start();
    let made = held.output().await_line(SOON, |line| line.text == "made");
    assert!(made.is_some(), "no network namespace can be made (only root may): {}", held.output().all());
    held
}

fn enter(namespace: &Process) -> Vec<String> {
    let nsenter = place::system("nsenter").display().to_string();
    vec![nsenter, format!("--net=/proc/{}/ns/net", namespace.pid())]
}

/// `ip ARGS` inside.
#[track_caller]
fn run(namespace: &Process, args: &[&str]) {
    let ended = Launch::new(place::system("nsenter"))
        .arg(format!("--net=/proc/{}/ns/net", namespace.pid()))
        .arg(place::system("ip"))
        .args(args)
        .run(LONG);
    assert!(ended.status.success(), "ip {args:?}: {}", ended.stderr);
}

/// A listener inside. A socket stays in the namespace it was made in, whoever uses it then.
fn listen(namespace: &Process, port: u16) -> TcpListener {
    let inside = File::open(format!("/proc/{}/ns/net", namespace.pid())).unwrap();
    let there = std::thread::spawn(move || {
        move_into_link_name_space(inside.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
        // The address is usable once its link is up.
        until("an address for the relay", SOON, || TcpListener::bind(SocketAddrV4::new(FAR, port)).ok())
    });
    there.join().expect("the relay cannot listen")
}

impl Shared {
    /// Takes connections and passes them on until the network ends.
    fn relay(self: &Arc<Self>, listener: &TcpListener, port: u16) {
        listener.set_nonblocking(true).unwrap();
        let mut number = 0;
        while !self.stop.load(Ordering::Relaxed) {
            let Ok((near, _)) = listener.accept() else {
                crate::wait::pause(crate::wait::PAUSE);
                continue;
            };
            near.set_nonblocking(false).unwrap();
            // No host there: as refused as it would be without us.
            let Ok(host) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else { continue };
            number += 1;
            let _no_delay = [&near, &host].map(|stream| stream.set_nodelay(true));
            let (Ok(to_near), Ok(to_host)) = (near.try_clone(), host.try_clone()) else { continue };
            let (Ok(a), Ok(b)) = (near.try_clone(), host.try_clone()) else { continue };
            self.open.lock().unwrap().insert(number, [a, b]);
            for (from, to) in [(near, to_host), (host, to_near)] {
                let shared = Arc::clone(self);
                let thread = std::thread::Builder::new().name("relay".into());
                thread.spawn(move || shared.pass(from, to, number)).unwrap();
            }
        }
    }

    fn pass(&self, mut from: TcpStream, mut to: TcpStream, number: usize) {
        let mut block = vec![0; 16 * 1024];
        while let Ok(count @ 1..) = from.read(&mut block) {
            if to.write_all(&block[..count]).is_err() {
                break;
            }
        }
        let _over = to.shutdown(Shutdown::Write);
        let _over = from.shutdown(Shutdown::Read);
        // The other way ends by itself, or with the network.
        let both = self.open.lock().unwrap().remove(&number);
        drop(both);
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(relay) = self.relay.take() {
            let _ended = relay.join();
        }
        for ends in std::mem::take(&mut *self.shared.open.lock().unwrap()).into_values() {
            let _over = ends.map(|end| end.shutdown(Shutdown::Both));
        }
    }
}
