//! What is measured, and held to its budget: `bench NAME…`, `bench all`, `bench list`.
//!
//! Prints a table and keeps JSON under `target/bench`. Ends with 1 when a budget is not met.
#![cfg(target_os = "linux")]
// A measurement that cannot be made ends here, with the reason; what it prints is its purpose.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::print_stderr)]

mod attacks;
mod campaign;
mod closes;
mod crowd;
mod dead_host;
mod first_byte;
mod hostile;
mod idle;
mod options;
mod pages;
mod peers;
mod proxy;
mod sessions;
mod side_by_side;
mod start;
mod target;

use std::process::ExitCode;

use killcord_tests::measure::Figures;
use options::Options;

/// One harness.
struct Harness {
    name: &'static str,
    about: &'static str,
    run: fn(&Options) -> Figures,
}

const ALL: [Harness; 12] = [
    Harness {
        name: "first-byte",
        about: "close event to first safe byte, 100 closes each way",
        run: first_byte::run,
    },
    Harness {
        name: "dead-host",
        about: "host killed or hung to first safe byte, and an idle watchdog's share",
        run: dead_host::run,
    },
    Harness {
        name: "side-by-side",
        about: "50 devices against the slowest one alone",
        run: side_by_side::run,
    },
    Harness { name: "start", about: "exec to panel interactive, beside an empty window", run: start::run },
    Harness { name: "idle", about: "armed with 20 readings at 5 Hz: processor and memory", run: idle::run },
    Harness { name: "closes", about: "200 closes of the demo window, each report safe", run: closes::run },
    Harness {
        name: "pages",
        about: "a page that is closed, reloaded, silent: to the first safe byte",
        run: pages::run,
    },
    Harness {
        name: "sessions",
        about: "1,000 pages on one processor: memory, false ends, commands, their end",
        run: sessions::run,
    },
    Harness {
        name: "hostile",
        about: "1,000 encrypted pages and 50 hostile connections: sessions lost, and a safe stop's first byte",
        run: hostile::run,
    },
    Harness {
        name: "peers",
        about: "a tab closed in a real browser, beside Bokeh, NiceGUI and Streamlit",
        run: peers::run,
    },
    Harness { name: "proxy", about: "what the way through adds to a wrapped app's request", run: proxy::run },
    Harness { name: "campaign", about: "200 random faults at random moments, each safe", run: campaign::run },
];

fn main() -> ExitCode {
    let options = match Options::read(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(problem) => {
            eprintln!("{problem}\n");
            list();
            return ExitCode::from(2);
        }
    };
    if options.names().is_empty() {
        list();
        return ExitCode::SUCCESS;
    }
    let mut met = true;
    for harness in ALL.iter().filter(|harness| options.wants(harness.name)) {
        let figures = (harness.run)(&options);
        println!("{}", figures.table());
        match figures.keep() {
            Ok(path) => println!("  kept in {}\n", path.display()),
            Err(error) => eprintln!("  not kept: {error}"),
        }
        met &= figures.met();
    }
    if met { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn list() {
    println!("bench NAME… [--count N]     all: every one");
    println!("bench campaign [--count N] [--seed N] [--jobs 8] [--no-windows]");
    for harness in &ALL {
        println!("  {:<14} {}", harness.name, harness.about);
    }
}

/// The names there are.
fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|harness| harness.name)
}
