//! What a person may ask of `cargo xtask test`.

use anyhow::{Context, Result, bail};

use super::stages::{self, Stage};

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Options {
    only: Vec<String>,
    /// Install no Debian packages.
    pub(super) no_install: bool,
    /// Go on after a stage that failed.
    pub(super) keep_going: bool,
    /// With what takes its real time.
    long: bool,
    /// Only name the stages.
    pub(super) list: bool,
    /// Only tests whose name contains this.
    pub(super) filter: Option<String>,
}

impl Options {
    pub(super) fn parse(args: &[String]) -> Result<Self> {
        let mut options = Self::default();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--only" => {
                    let name = args.next().context("--only needs the name of a stage (see --list)")?;
                    if !stages::ALL.iter().any(|stage| stage.name == name) {
                        bail!("there is no stage `{name}` (see --list)");
                    }
                    options.only.push(name.clone());
                }
                "--no-install" => options.no_install = true,
                "--keep-going" => options.keep_going = true,
                "--long" => options.long = true,
                "--list" => options.list = true,
                flag if flag.starts_with('-') => bail!("`test` knows no {flag}: see `cargo xtask help`"),
                filter if options.filter.is_none() => options.filter = Some(filter.to_owned()),
                extra => bail!("one FILTER only: `{extra}` is a second one"),
            }
        }
        Ok(options)
    }

    /// The stages to run, in their order. With a filter, and none named, only those that can heed it; what takes long
    /// only where it was asked for.
    pub(super) fn chosen(&self) -> impl Iterator<Item = &'static Stage> {
        stages::ALL.iter().filter(|stage| match (self.only.is_empty(), &self.filter) {
            (true, None) => self.long || !stage.long,
            (true, Some(_)) => stage.heeds_filter && (self.long || !stage.long),
            (false, _) => self.only.iter().any(|name| name == stage.name),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options> {
        Options::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    fn chosen(line: &str) -> Vec<&'static str> {
        parse(line).unwrap().chosen().map(|stage| stage.name).collect()
    }

    #[test]
    fn without_words_every_stage_runs() {
        assert_eq!(chosen("").len(), stages::ALL.len() - 1);
    }

    #[test]
    fn what_takes_long_runs_when_it_is_asked_for() {
        assert!(!chosen("").contains(&"long") && !chosen("lease").contains(&"long"));
        assert_eq!(chosen("--long").len(), stages::ALL.len());
        assert_eq!(chosen("--long lease"), ["unit", "processes", "browser", "long"]);
        assert_eq!(chosen("--only long"), ["long"]);
    }

    #[test]
    fn named_stages_run_in_their_own_order() {
        assert_eq!(chosen("--only unit --only fmt"), ["fmt", "unit"]);
    }

    #[test]
    fn a_filter_leaves_only_the_stages_that_heed_it() {
        assert_eq!(chosen("lease"), ["unit", "processes", "browser"]);
        assert_eq!(chosen("--only unit lease"), ["unit"]);
    }

    #[test]
    fn what_is_not_understood_is_said() {
        for wrong in ["--only", "--only nothing", "--fast", "one two"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
