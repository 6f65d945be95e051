//! `killcord sim FILE`: simulated instruments, until a signal.

use std::io;

use killcord_sim::{Config, Printer, Sim};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM},
    iterator::Signals as Caught,
};

use super::{Scene, print};
use crate::{args, stop::Stop};

pub(super) fn run(scene: &Scene<'_>, sim: &args::Sim) -> Result<u8, Stop> {
    let config = Config::read(&sim.file)?;
    let config = if sim.any_ports { config.on_any_ports() } else { config };
    let system = |what: &str| {
        let what = what.to_owned();
        move |source| Stop::System { what, source }
    };
    if sim.own_session {
        rustix::process::setsid()
            .map_err(io::Error::from)
            .map_err(system("the instruments could not be given a session of their own"))?;
    }
    // Ends by its own wait below, so that links to ptys are removed.
    scene.signals.hold();
    let mut caught =
        Caught::new([SIGTERM, SIGINT, SIGHUP, SIGQUIT]).map_err(system("signals cannot be handled"))?;
    let printer = if sim.quiet {
        Printer::none()
    } else {
        let printer = Printer::to(io::stdout()).map_err(system("the system gives no thread"))?;
        if sim.no_queries { printer.without_queries() } else { printer }
    };
    let running = Sim::start_printing(config, printer)?;
    let announcement = running.announcement();
    if scene.common.json {
        // The first line, whole: another process reads it.
        print(&serde_json::to_string(&announcement).unwrap_or_default());
    } else {
        let mut lines = vec![format!("witness       {}/", announcement.witness)];
        lines.extend(announcement.instruments.iter().map(|(name, address)| format!("{name:<13} {address}")));
        print(&lines.join("\n"));
    }
    caught.forever().next();
    running.stop();
    Ok(0)
}
