//! `killcord-faulty-host FAULT RIG`: a host without a window that arms its rig, and misbehaves once a line comes
//! in on standard input. The end of the input ends it in order.

use std::error::Error;
use std::future::Future as _;
use std::io::BufRead;
use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::task::{Context, Waker};
use std::time::Duration;

use killcord::core::{BrowserId, policy::ArmPolicy};
use killcord::watchdog::Program;
use killcord::wire::{ToHost, VERSION};
use killcord::{Attachment, Cause, Host, Options, Role, SessionKind, Visitor};
use killcord_rig::RigFile;
use rustix::process::{Resource, Rlimit, setrlimit};

mod rules;

/// Resident in a large host, in bytes.
const LARGE: usize = 1_500_000_000;
/// What a host whose memory is limited may have beyond what it has, in bytes.
const ROOM: u64 = 256 * 1024 * 1024;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(fault), Some(file)) = (args.next(), args.next()) else {
        return Err("which fault, which rig?".into());
    };
    tracing::subscriber::set_global_default(rules::Listener)?;
    let drivers = killcord_faulty_host::drivers();
    let checked = RigFile::read(std::path::Path::new(&file)).and_then(|file| file.check(&drivers.specs()));
    let (mut rig, _) = checked.map_err(|problems| problems.to_string())?;
    rig.policy.safety.arm = ArmPolicy::OnFirstSession;
    let mut options = Options::new(&file).drivers(drivers);
    options.watchdog = Program::At(std::env::current_exe()?.with_file_name("killcord-faulty-watchdog"));
    let host = Host::start(rig, options)?;
    let seat = sit_down(&host, SessionKind::Terminal)?;

    let (typed, lines) = sync_channel(1);
    std::thread::Builder::new().spawn(move || {
        for line in std::io::stdin().lock().lines() {
            if line.is_err() || typed.send(()).is_err() {
                return;
            }
        }
    })?;
    let mut kept = Vec::new();
    loop {
        match lines.recv_timeout(Duration::from_millis(500)) {
            Ok(()) => misbehave(&fault, &host, &mut kept)?,
            Err(RecvTimeoutError::Timeout) => seat.renew(),
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if host.ended().outcome().is_some() {
            break;
        }
    }
    let outcome = host.shutdown(Cause::TerminalClosed).wait(Duration::from_mins(1));
    Ok(ExitCode::from(outcome.map_or(4, |outcome| outcome.exit)))
}

/// Attaches a session that hears its frames, and keeps none.
fn sit_down(host: &Host, kind: SessionKind) -> Result<Attachment, Box<dyn Error>> {
    let (seat, mut frames) = host.attach(kind);
    std::thread::Builder::new().spawn(move || while frames.blocking_recv().is_some() {})?;
    seat.frame(hello());
    Ok(seat)
}

/// A page that is silent from now on, and whose reader takes the question for it and never answers.
fn never_answer(host: &Host) {
    let visitor = Visitor {
        browser: BrowserId(1),
        address: Ipv4Addr::LOCALHOST.into(),
        direct: true,
        who: "test".into(),
        may_operate: false,
    };
    let (page, mut frames) = host.attach_page(visitor);
    page.frame(hello());
    std::thread::spawn(move || while frames.blocking_recv().is_some() {});
    // Whoever has waited for a question once is asked.
    let page = Box::leak(Box::new(page));
    let waiting = std::pin::pin!(page.asked()).poll(&mut Context::from_waker(Waker::noop()));
    assert!(waiting.is_pending());
}

fn hello() -> ToHost {
    ToHost::Hello { v: VERSION, resume: None, nonce: String::new(), want: Role::Operator }
}

fn misbehave(fault: &str, host: &Host, kept: &mut Vec<Vec<u8>>) -> Result<(), Box<dyn Error>> {
    match fault {
        "none" => {}
        "driver-panics" => killcord_faulty_host::panic_next(),
        "driver-stuck" => killcord_faulty_host::never_return(),
        "reader-stuck" => never_answer(host),
        "rules-panic" => {
            rules::panic_next();
            have_the_rules_log(host);
        }
        "rules-stuck" => {
            rules::never_return();
            have_the_rules_log(host);
        }
        "main-panics" => panic!("the main thread panics, as it was asked to"),
        "abort" => std::process::abort(),
        "large-abort" => {
            setrlimit(Resource::Core, Rlimit { current: None, maximum: None })?;
            kept.push(vec![1; LARGE]);
            std::process::abort();
        }
        "out-of-memory" => {
            let used = kept.len() as u64 + ROOM;
            setrlimit(Resource::Data, Rlimit { current: Some(used), maximum: Some(used) })?;
            loop {
                kept.push(vec![1; 1024 * 1024]);
            }
        }
        other => return Err(format!("there is no fault `{other}`").into()),
    }
    Ok(())
}

/// A session that nobody listens for is shown out, and the rules log that.
fn have_the_rules_log(host: &Host) {
    let (seat, frames) = host.attach(SessionKind::Page);
    drop(frames);
    seat.frame(hello());
    std::mem::forget(seat);
}
