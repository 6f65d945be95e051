//! What is to be measured, and how often.

use std::num::NonZero;
use std::str::FromStr;

/// The command line.
#[derive(Debug)]
pub(crate) struct Options {
    names: Vec<String>,
    count: Option<usize>,
    seed: u64,
    jobs: Option<NonZero<usize>>,
    windows: bool,
}

/// A command line that is not understood.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OptionsError {
    /// No harness has this name.
    #[error("there is no harness `{0}`; these are there:")]
    Name(String),
    /// A flag without a number behind it.
    #[error("{0} takes a whole number{1}")]
    Number(&'static str, &'static str),
}

impl Options {
    /// Reads it.
    pub(crate) fn read(args: impl Iterator<Item = String>) -> Result<Self, OptionsError> {
        let mut options = Self { names: Vec::new(), count: None, seed: 1, jobs: None, windows: true };
        // `--` is what people put between a runner's own words and ours.
        let mut args = args.filter(|arg| arg != "list" && arg != "--");
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--count" => {
                    let count: NonZero<usize> = number(args.next(), "--count", " above 0")?;
                    options.count = Some(count.get());
                }
                "--seed" => options.seed = number(args.next(), "--seed", "")?,
                "--jobs" => options.jobs = Some(number(args.next(), "--jobs", " above 0")?),
                "--no-windows" => options.windows = false,
                "all" => options.names.extend(super::names().map(str::to_owned)),
                name if super::names().any(|known| known == name) => options.names.push(arg),
                _ => return Err(OptionsError::Name(arg)),
            }
        }
        Ok(options)
    }

    /// The harnesses asked for.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether this one is asked for.
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.names.iter().any(|wanted| wanted == name)
    }

    /// How often, where nothing else was asked for.
    pub(crate) fn count(&self, usual: usize) -> usize {
        self.count.unwrap_or(usual)
    }

    /// The first seed of a campaign.
    pub(crate) const fn seed(&self) -> u64 {
        self.seed
    }

    /// How many runs of a campaign side by side, where nothing else was asked for.
    pub(crate) fn jobs(&self, usual: usize) -> NonZero<usize> {
        self.jobs.or(NonZero::new(usual)).unwrap_or(NonZero::<usize>::MIN)
    }

    /// Whether some runs of a campaign have a window.
    pub(crate) const fn windows(&self) -> bool {
        self.windows
    }
}

fn number<T: FromStr>(
    text: Option<String>,
    flag: &'static str,
    more: &'static str,
) -> Result<T, OptionsError> {
    text.and_then(|text| text.parse().ok()).ok_or(OptionsError::Number(flag, more))
}
