//! What is to be measured, and how often.

/// The command line.
#[derive(Debug)]
pub(crate) struct Options {
    names: Vec<String>,
    count: Option<usize>,
}

/// A command line that is not understood.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OptionsError {
    /// No harness has this name.
    #[error("there is no harness `{0}`; these are there:")]
    Name(String),
    /// `--count` without a number behind it.
    #[error("--count takes a whole number above 0")]
    Count,
}

impl Options {
    /// Reads it.
    pub(crate) fn read(args: impl Iterator<Item = String>) -> Result<Self, OptionsError> {
        let mut options = Self { names: Vec::new(), count: None };
        let mut args = args.filter(|arg| arg != "list");
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--count" => {
                    let count = args.next().and_then(|count| count.parse().ok()).filter(|count| *count > 0);
                    options.count = Some(count.ok_or(OptionsError::Count)?);
                }
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
}
