//! The command line.

use std::{ffi::OsString, path::PathBuf};

use crate::{about, stop::Stop};

const USAGE: &str = "\
Usage: killcord-desktop [OPTIONS] [RIG]

Opens the window of the bench that RIG (a rig.toml) describes, and the bench with it: whatever runs on its
devices is ended. Without RIG: ./rig.toml, then the one in your config folder, then the demo; each is
confirmed before anything is connected.

Options:
      --state-dir DIR  where lock and journal live
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
                Some(option) => match option.strip_prefix("--state-dir=") {
                    Some(dir) => read.state_dir = Some(dir.into()),
                    None => return Err(usage(&format!("unknown option {option}"))),
                },
                None if read.rig.is_none() => read.rig = Some(arg.into()),
                None => return Err(usage("one rig at a time: start a second window for a second rig")),
            }
        }
        Ok(read)
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
        let both = Arguments { rig: Some("a.toml".into()), state_dir: Some("/s".into()) };
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
    fn what_is_not_understood_is_refused() {
        for args in [&["--arm"][..], &["a.toml", "b.toml"], &["--state-dir"], &["-x"]] {
            assert!(matches!(read(args), Err(Stop::Usage(_))), "{args:?}");
        }
    }
}
