//! The command line.

use std::{
    ffi::{OsStr, OsString},
    path::PathBuf,
};

use crate::{about, log::Format, stop::Stop};

const USAGE: &str = "\
Usage: killcord-desktop [OPTIONS] [RIG]

Opens the window of the bench that RIG (a rig.toml) describes, and the bench with it: whatever runs on its
devices is ended. Without RIG: ./rig.toml, then the one in your config folder, then the demo; each is
confirmed before anything is connected.

Options:
      --state-dir DIR  where lock and journal live
      --log FORMAT     how the log is written on stderr: text or json
  -h, --help           this text
  -V, --version        the version

Exit status: 0 every device confirmed safe and released, 2 usage or rig file wrong, 3 could not start,
4 ended, but at least one device is not confirmed safe (named on stderr).";

/// What the command line says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Arguments {
    /// The rig file that was named.
    pub(crate) rig: Option<PathBuf>,
    /// Where lock and journal are to live.
    pub(crate) state_dir: Option<PathBuf>,
    /// How the log is written.
    pub(crate) log: Format,
}

impl Arguments {
    /// Reads the arguments behind the program's name.
    pub(crate) fn read(mut args: impl Iterator<Item = OsString>) -> Result<Self, Stop> {
        let mut read = Self::default();
        let mut options = true;
        while let Some(arg) = args.next() {
            match arg.to_str().filter(|text| options && text.starts_with('-') && text.len() > 1) {
                Some("--") => options = false,
                Some("-h" | "--help") => {
                    return Err(Stop::Asked(format!("{USAGE}\n\n{}", about::NOT_CERTIFIED)));
                }
                Some("-V" | "--version") => {
                    return Err(Stop::Asked(format!("killcord-desktop {}", env!("CARGO_PKG_VERSION"))));
                }
                Some("--state-dir") => match args.next() {
                    Some(dir) => read.state_dir = Some(dir.into()),
                    None => return Err(usage("--state-dir needs a folder")),
                },
                Some("--log") => read.log = format(args.next().as_deref().and_then(OsStr::to_str))?,
                Some(option) => match option.split_once('=') {
                    Some(("--state-dir", dir)) => read.state_dir = Some(dir.into()),
                    Some(("--log", word)) => read.log = format(Some(word))?,
                    _ => return Err(usage(&format!("unknown option {option}"))),
                },
                None if read.rig.is_none() => read.rig = Some(arg.into()),
                None => return Err(usage("one rig at a time: start a second window for a second rig")),
            }
        }
        Ok(read)
    }
}

fn format(word: Option<&str>) -> Result<Format, Stop> {
    match word {
        Some("text") => Ok(Format::Text),
        Some("json") => Ok(Format::Json),
        _ => Err(usage("--log is text or json")),
    }
}

fn usage(what: &str) -> Stop {
    Stop::Usage(format!("{what}; see killcord-desktop --help"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(args: &[&str]) -> Result<Arguments, Stop> {
        Arguments::read(args.iter().map(OsString::from))
    }

    #[test]
    fn a_rig_and_a_state_folder_are_read_in_any_order() {
        let log = Format::Text;
        let both = Arguments { rig: Some("a.toml".into()), state_dir: Some("/s".into()), log };
        for args in [
            &["a.toml", "--state-dir", "/s"][..],
            &["--state-dir=/s", "a.toml"],
            &["--state-dir", "/s", "--", "a.toml"],
        ] {
            assert_eq!(read(args).unwrap(), both);
        }
        assert_eq!(read(&[]).unwrap(), Arguments::default());
    }

    #[test]
    fn the_log_is_json_where_it_is_asked_for() {
        for args in [&["--log", "json"][..], &["--log=json"]] {
            assert_eq!(read(args).unwrap().log, Format::Json);
        }
        assert_eq!(read(&["--log", "text"]).unwrap().log, Format::Text);
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for args in
            [&["--arm"][..], &["a.toml", "b.toml"], &["--state-dir"], &["-x"], &["--log"], &["--log=xml"]]
        {
            assert!(matches!(read(args), Err(Stop::Usage(_))), "{args:?}");
        }
    }
}
