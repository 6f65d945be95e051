//! Runs the driver: a tiny controller on a pty, opened, switched on and made safe through real links.
//!
//! `cargo run -p killcord-example-driver`

// An example talks to its reader.
#![allow(clippy::print_stdout)]

use std::{
    error::Error,
    fs::File,
    io::{self, Read as _, Write as _},
    path::PathBuf,
    sync::{Arc, mpsc::sync_channel},
    time::{Duration, Instant},
};

use killcord_core::{
    DeviceIx, LinkIx, LinkPlan, RunId, Step,
    plan::{Connect, Protocol, SerialLine, Terminator, Work},
};
use killcord_device::{Fence, Job, Lane, Links, NoRecord, Registry, Shared, SystemClock, testing};
use killcord_example_driver::Grbl;
use rustix::{
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{OptionalActions, tcgetattr, tcsetattr},
};

fn main() -> Result<(), Box<dyn Error>> {
    let path = simulator()?;
    println!("a controller answers on {}", path.display());

    // What `killcord-rig` makes of a rig file.
    let connect = Connect::Serial {
        path,
        line: SerialLine { baud: 115_200, ..SerialLine::default() },
        protocol: Protocol::Line { terminator: Terminator::Lf },
    };
    let link = LinkPlan { name: String::from("laser"), connect, cut_in: true };
    let mut device = testing::device("laser", "grbl");
    device.timeout = Duration::from_secs(2);
    let plan = testing::plan(vec![link], vec![device]);

    let shared = Shared {
        drivers: Registry::default().with(Grbl),
        fence: Arc::new(Fence::new(RunId(1))),
        clock: Arc::new(SystemClock),
        events: Arc::new(|event| println!("  event: {event:?}")),
        ahead: Arc::new(NoRecord),
    };
    let links = Links::start(&plan, Vec::new(), shared)?;
    let steps = [
        ("open", Work::Open),
        ("laser on", Work::Step(Step::send("M3 S1000"))),
        ("move", Work::Step(Step::send("G0 X100"))),
        ("laser off", Work::Step(Step::send("M5"))),
        ("park", Work::Step(Step::Call { name: String::from("park") })),
        ("where is it?", Work::Step(Step::query("?"))),
        ("reset", Work::Step(Step::Bytes(vec![0x18]))),
        ("close", Work::Close),
    ];
    for (name, work) in steps {
        let (tell, told) = sync_channel(1);
        let job = Job {
            device: DeviceIx(0),
            work,
            lane: Lane::Safe,
            deadline: Instant::now() + Duration::from_secs(5),
            reply: Box::new(move |done| drop(tell.send(done))),
        };
        links.submit(LinkIx(0), job);
        println!("{name}: {:?}", told.recv()?.outcome);
    }
    links.stop(Duration::from_secs(1));
    Ok(())
}

/// A controller that knows a handful of commands; ends with the process.
fn simulator() -> io::Result<PathBuf> {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    let mut raw = tcgetattr(&master)?;
    raw.make_raw();
    tcsetattr(&master, OptionalActions::Now, &raw)?;
    let name = ptsname(&master, Vec::new())?;
    let path = PathBuf::from(name.to_string_lossy().into_owned());
    // Kept open, so that the master does not read as hung up before the first connect.
    let slave = File::options().read(true).write(true).open(&path)?;
    let mut port = File::from(master);
    std::thread::spawn(move || -> io::Result<()> {
        let _slave = slave;
        let (mut line, mut byte, mut moves) = (String::new(), [0], 0);
        loop {
            port.read_exact(&mut byte)?;
            match byte[0] {
                0x18 => port.write_all(b"\r\nGrbl 1.1h ['$' for help]\r\n")?,
                b'?' => {
                    // A movement takes three questions.
                    let state = if moves > 0 { "Run" } else { "Idle" };
                    moves -= i32::from(moves > 0);
                    port.write_all(format!("<{state}|MPos:0.000,0.000,0.000>\r\n").as_bytes())?;
                }
                b'\n' => {
                    let answer = match line.as_str() {
                        "$I" => "[VER:1.1h.20190825:]\r\n[OPT:V,15,128]\r\nok\r\n",
                        text if text.starts_with('G') => {
                            moves = 3;
                            "ok\r\n"
                        }
                        text if text.starts_with('M') => "ok\r\n",
                        _ => "error:20\r\n",
                    };
                    line.clear();
                    port.write_all(answer.as_bytes())?;
                }
                other => line.push(char::from(other)),
            }
        }
    });
    Ok(path)
}
