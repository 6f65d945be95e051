//! The arguments. Commands that are not there yet are not offered.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::{drill::Row, log::Format};

/// Stands under every `--help`.
const FOOTER: &str = "\
Exit status: 0 every device confirmed safe and released (or: done) · 2 usage or rig file wrong · 3 could not
start (rig held by another process, device not reached) · 4 ended, but at least one device is NOT confirmed
safe (named on stderr).

Killcord is not a certified safety function; it does not replace an emergency-stop circuit.
Opening a rig ends whatever runs on it.";

/// Ties a GUI to the hardware it drives: when the GUI goes away, the hardware is made safe and released.
///
/// Without a command, opens RIG in the desktop window; with no display, as `killcord serve` does.
#[derive(Debug, Parser)]
#[command(name = "killcord", version, after_help = FOOTER, subcommand_precedence_over_arg = true)]
pub(crate) struct Cli {
    /// The rig file. Without: ./rig.toml, then the one in your config folder, then the demo
    pub(crate) rig: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// What every command takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct Common {
    /// Where lock and journal live (default: the platform's state folder)
    #[arg(long, value_name = "DIR", global = true)]
    pub(crate) state_dir: Option<PathBuf>,
    /// Prints data as JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// How the log is written on stderr; KILLCORD_LOG says how much of it (warn, info, debug)
    #[arg(long, global = true, value_name = "FORMAT", value_enum, default_value_t)]
    pub(crate) log: Format,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Opens a rig without a window: in browsers if its file says so, else in this terminal
    #[command(after_help = SERVE)]
    Serve(Serve),
    /// Starts a simulated bench as a process of its own and opens its rig: needs no hardware
    Demo(Demo),
    /// Says everything that is wrong with a rig file
    Check(Check),
    /// Writes a commented rig file to begin with
    Init(Init),
    /// Makes a rig safe and releases it, now
    Safe(Safe),
    /// Shows what happened: runs, sessions, teardowns
    Journal(Journal),
    /// Says who may come in from a browser or a program: adds, lists, revokes
    Token {
        #[command(subcommand)]
        command: TokenCommand,
    },
    /// Starts simulated instruments
    Sim(Sim),
    /// Fires every cause at the rig's simulated twin and says how soon it was safe
    #[command(after_help = DRILL)]
    Drill(Drill),
    /// A drill's stand-in for a program of the rig
    #[command(hide = true)]
    StandIn(StandIn),
    /// Checks this machine; each failed check says what mends it
    Doctor,
}

/// What the end of the input means, told where a service is set up.
const SERVE: &str = "\
With [remote], sessions are pages in browsers: a link for the first one is printed, and the next one when it was
used. As a service, whose output is kept in a log, it prints none: `killcord token add` lets people in. The host ends with Ctrl-C, SIGTERM or SIGHUP. No port is opened without [remote].
Without it the session is this terminal. It ends, and the rig is made safe and released, with `quit`, Ctrl-C, SIGTERM,
SIGHUP, or the end of the input. Input from /dev/null or a file has nobody behind it and its end ends nothing:
for a service, signals do. Type `help` for what can be typed.";

/// What a drill does, and what it does not.
const DRILL: &str = "\
The twin is made from the rig file: instruments on this machine that understand its words. Each cause gets a
fresh host and a fresh twin, in folders of their own; no device of the rig is opened, none of its programs is
run. The twin believes the file: it shows that everything the file calls safe arrives, in time, whatever ends
the host. Whether that makes the real bench safe, --hardware shows, or a person at the bench.
Exit status: 0 all that was run came out safe · 4 at least one did not · 3 nothing could be run.";

#[derive(Debug, Args)]
pub(crate) struct Drill {
    /// The rig file
    #[arg(required_unless_present = "list")]
    pub(crate) rig: Option<PathBuf>,
    /// Fires only this cause; may be given again
    #[arg(long, value_name = "NAME")]
    pub(crate) only: Vec<Row>,
    /// Lists the causes and their names
    #[arg(long)]
    pub(crate) list: bool,
    /// At the REAL rig, after its name was typed: it is armed, and its host killed, again and again
    #[arg(long)]
    pub(crate) hardware: bool,
}

#[derive(Debug, Args)]
pub(crate) struct StandIn {
    /// Where the twin listens
    pub(crate) at: SocketAddr,
    /// Which program would have run
    pub(crate) line: String,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// The rig file
    pub(crate) rig: PathBuf,
    /// Arms at once, if the run before ended cleanly
    #[arg(long)]
    pub(crate) arm: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// In this terminal, even where a window could be opened
    #[arg(long)]
    pub(crate) terminal: bool,
    /// Arms as soon as the bench is safe
    #[arg(long)]
    pub(crate) arm: bool,
    /// Leaves the simulated bench running at the end
    #[arg(long)]
    pub(crate) keep: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The rig file
    pub(crate) rig: PathBuf,
    /// Prints the teardown plan with its worst case
    #[arg(long)]
    pub(crate) plan: bool,
    /// Opens each device, identifies it and asks its queries; sends nothing else
    #[arg(long)]
    pub(crate) connect: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// The file to write; an existing one is never overwritten
    #[arg(default_value = "rig.toml")]
    pub(crate) file: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Safe {
    /// The rig file
    pub(crate) rig: PathBuf,
    /// Only if the last run of the rig did not end cleanly; else does nothing (for a service's ExecStopPost)
    #[arg(long, conflicts_with = "through_host")]
    pub(crate) if_unclean: bool,
    /// Has the host that holds the rig do it; it stays connected
    #[arg(long)]
    pub(crate) through_host: bool,
}

#[derive(Debug, Args)]
#[command(subcommand_precedence_over_arg = true)]
pub(crate) struct Journal {
    /// The rig file. Without: ./rig.toml, then the one in your config folder, then the demo
    pub(crate) rig: Option<PathBuf>,
    /// How many runs, sessions and teardowns, or accesses
    #[arg(long, short = 'n', global = true, default_value_t = 20, value_name = "N")]
    pub(crate) last: u32,
    /// Prints comma-separated values
    #[arg(long, global = true, conflicts_with = "json")]
    pub(crate) csv: bool,
    #[command(subcommand)]
    pub(crate) command: Option<JournalCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum JournalCommand {
    /// Shows a teardown's whole report
    Show {
        /// The teardown's number, as the list shows it
        id: u64,
        /// The rig file. Without: as for the list
        rig: Option<PathBuf>,
    },
    /// Shows who came in and who did not, who took control and left, from where, when
    Access {
        /// The rig file. Without: as for the list
        rig: Option<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Makes a token and prints its secret, once
    Add(TokenAdd),
    /// Lists tokens and paired browsers
    List {
        /// The rig file
        rig: PathBuf,
    },
    /// Revokes a token or a paired browser, and whoever was let in by it; their sessions end at once
    Revoke {
        /// The rig file
        rig: PathBuf,
        /// Its name, as the list shows it
        name: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct TokenAdd {
    /// The rig file
    pub(crate) rig: PathBuf,
    /// Whom it is for, such as alice or prometheus
    pub(crate) name: String,
    /// What it may do
    #[arg(long, value_enum, default_value_t = TokenRole::Observer)]
    pub(crate) role: TokenRole,
    /// How long it is good for, such as 8h or 30d. Without: until it is revoked
    #[arg(long = "for", value_name = "TIME", value_parser = lives)]
    pub(crate) lives: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TokenRole {
    /// Sees the bench, and may stop it
    Observer,
    /// Drives the bench, and lets others in
    Operator,
}

/// A time in minutes, hours or days.
fn lives(text: &str) -> Result<Duration, String> {
    let seconds = |unit| match unit {
        'm' => Some(60),
        'h' => Some(3600),
        'd' => Some(24 * 3600),
        _ => None,
    };
    let parts = text
        .char_indices()
        .next_back()
        .and_then(|(at, unit)| Some((text.get(..at)?.parse::<u32>().ok()?, seconds(unit)?)));
    match parts {
        Some((n, unit)) if n > 0 => Ok(Duration::from_secs(u64::from(n) * unit)),
        _ => Err("write a number and m, h or d, as in 90m, 8h or 30d".into()),
    }
}

#[derive(Debug, Args)]
pub(crate) struct Sim {
    /// The file of instruments
    pub(crate) file: PathBuf,
    /// Listens on any free ports instead of the file's; they are printed
    #[arg(long)]
    pub(crate) any_ports: bool,
    /// Prints commands and changes, but no queries
    #[arg(long)]
    pub(crate) no_queries: bool,
    /// Prints nothing but where it listens
    #[arg(long)]
    pub(crate) quiet: bool,
    /// Leaves the session of whoever starts it: no Ctrl-C and no closed terminal ends it
    #[arg(long, hide = true)]
    pub(crate) own_session: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn parse(args: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(std::iter::once("killcord").chain(args.split_whitespace()))
    }

    #[test]
    fn the_definition_holds_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_rig_and_a_command_are_told_apart() {
        assert_eq!(parse("bench.toml").unwrap().rig, Some("bench.toml".into()));
        let Some(Command::Serve(serve)) = parse("--state-dir /s serve bench.toml --arm").unwrap().command
        else {
            panic!("not read as `serve`");
        };
        assert_eq!((serve.rig, serve.arm), ("bench.toml".into(), true));
        let cli = parse("journal show 7 bench.toml --json").unwrap();
        assert!(cli.common.json);
        let Some(Command::Journal(journal)) = cli.command else { panic!("not read as `journal`") };
        assert!(matches!(journal.command, Some(JournalCommand::Show { id: 7, rig: Some(_) })));
        let cli = parse("journal access bench.toml -n 5 --csv").unwrap();
        let Some(Command::Journal(journal)) = cli.command else { panic!("not read as `journal`") };
        assert!(matches!(journal.command, Some(JournalCommand::Access { rig: Some(_) })));
        assert!(journal.csv && journal.last == 5);
    }

    #[test]
    fn a_token_looks_and_stops_unless_it_is_said_to_operate() {
        let add =
            |more: &str| match parse(&format!("token add bench.toml alice {more}")).map(|cli| cli.command) {
                Ok(Some(Command::Token { command: TokenCommand::Add(add) })) => Ok((add.role, add.lives)),
                Ok(other) => panic!("{other:?}"),
                Err(error) => Err(error.to_string()),
            };
        assert_eq!(add(""), Ok((TokenRole::Observer, None)));
        let eight = Some(Duration::from_hours(8));
        assert_eq!(add("--role operator --for 8h"), Ok((TokenRole::Operator, eight)));
        for wrong in ["0h", "h", "8", "8s", "-1h", "8\u{b5}", "99999999999d"] {
            assert!(
                add(&format!("--for={wrong}")).is_err_and(|told| told.contains("as in 90m, 8h or 30d")),
                "{wrong}"
            );
        }
    }

    #[test]
    fn what_is_not_there_yet_is_not_offered() {
        let help = Cli::command().render_help().to_string();
        for later in ["schema", "stand-in", "remote"] {
            assert!(!help.contains(later), "{later}");
        }
        assert!(help.contains("not a certified safety function"));
        assert!(help.contains("does not replace an emergency-stop circuit"));
    }
}
