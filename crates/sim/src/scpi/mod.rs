//! The SCPI side of an instrument: program messages, headers, common commands and the error queue.
//!
//! Source: IEEE 488.2-1992 section 7 (syntax), SCPI-99 volume 1 chapter 6 (headers) and volume 2 chapter 21
//! (`SYSTem:ERRor`). Lenient where instruments are: a header after `;` may be relative or absolute.

mod error;
mod header;
mod value;

use std::{collections::VecDeque, time::Instant};

pub(crate) use self::{
    error::ScpiError,
    header::matches,
    value::{number, show_number, show_switch, switch},
};

/// Errors beyond this are replaced by one "Queue overflow" (SCPI-99 21.8.1).
const LONGEST_QUEUE: usize = 30;

/// One program message unit: what stands between two semicolons.
#[derive(Debug, Clone)]
pub(crate) struct Unit {
    /// Without the question mark and a leading colon.
    header: String,
    query: bool,
    arguments: Vec<String>,
}

impl Unit {
    fn parse(text: &str) -> Self {
        let text = text.trim();
        let (header, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let query = header.ends_with('?');
        let arguments = rest.split(',').map(|argument| argument.trim().to_owned());
        Self {
            header: header.trim_end_matches('?').to_owned(),
            query,
            arguments: arguments.filter(|argument| !argument.is_empty()).collect(),
        }
    }

    /// Whether this is the query of `pattern` (`MEASure:VOLTage[:DC]`).
    pub(crate) fn asks(&self, pattern: &str) -> bool {
        self.query && matches(pattern, &self.header)
    }

    /// Whether this is the command of `pattern`.
    pub(crate) fn tells(&self, pattern: &str) -> bool {
        !self.query && matches(pattern, &self.header)
    }

    /// The one argument.
    pub(crate) fn argument(&self) -> Result<&str, ScpiError> {
        match self.arguments.as_slice() {
            [] => Err(ScpiError::MISSING_PARAMETER),
            [one] => Ok(one),
            _ => Err(ScpiError::PARAMETER_NOT_ALLOWED),
        }
    }
}

/// What an instrument with SCPI does beyond the common commands.
pub(crate) trait ScpiModel {
    fn idn(&self) -> &str;
    /// `*RST`.
    fn reset(&mut self);
    /// `SYST:REM` and `SYST:LOC`.
    fn set_remote(&mut self, remote: bool);
    /// Performs a unit; [`ScpiError::UNDEFINED_HEADER`] leaves everything as it was.
    fn perform(&mut self, unit: &Unit, now: Instant) -> Result<Option<String>, ScpiError>;
}

/// The state of an instrument's parser.
#[derive(Debug, Default)]
pub(crate) struct Parser {
    errors: VecDeque<ScpiError>,
}

impl Parser {
    pub(crate) fn queue(&mut self, error: ScpiError) {
        if self.errors.len() < LONGEST_QUEUE {
            self.errors.push_back(error);
        } else if let Some(last) = self.errors.back_mut() {
            *last = ScpiError::QUEUE_OVERFLOW;
        }
    }

    /// Performs one unit; an error goes into the queue, as an instrument has it.
    pub(crate) fn perform(
        &mut self,
        model: &mut dyn ScpiModel,
        path: &mut String,
        text: &str,
        now: Instant,
    ) -> Option<String> {
        let unit = Unit::parse(text);
        let result = self.common(model, &unit).unwrap_or_else(|| Self::by_path(model, path, unit, now));
        result.unwrap_or_else(|error| {
            self.queue(error);
            None
        })
    }

    /// Tries the header below the previous unit's node, then from the root (SCPI-99 6.2.4).
    fn by_path(
        model: &mut dyn ScpiModel,
        path: &mut String,
        unit: Unit,
        now: Instant,
    ) -> Result<Option<String>, ScpiError> {
        let absolute = unit.header.trim_start_matches(':').to_owned();
        if !path.is_empty() && !unit.header.starts_with(':') {
            let relative = format!("{path}:{absolute}");
            let below = Unit { header: relative.clone(), ..unit.clone() };
            let result = model.perform(&below, now);
            if !matches!(result, Err(ScpiError::UNDEFINED_HEADER)) {
                *path = parent(&relative);
                return result;
            }
        }
        *path = parent(&absolute);
        model.perform(&Unit { header: absolute, ..unit }, now)
    }

    /// The common commands; `None` if it is none of them.
    fn common(
        &mut self,
        model: &mut dyn ScpiModel,
        unit: &Unit,
    ) -> Option<Result<Option<String>, ScpiError>> {
        let answer = |text: &str| Some(Ok(Some(text.to_owned())));
        match (unit.header.to_ascii_uppercase().as_str(), unit.query) {
            ("*IDN", true) => return answer(model.idn()),
            ("*OPC", true) => return answer("1"),
            ("*STB" | "*TST", true) => return answer("0"),
            ("*ESR", true) => return answer(if self.errors.is_empty() { "0" } else { "32" }),
            ("*OPC" | "*WAI", false) => return Some(Ok(None)),
            ("*CLS", false) => {
                self.errors.clear();
                return Some(Ok(None));
            }
            ("*RST", false) => {
                model.reset();
                return Some(Ok(None));
            }
            _ => {}
        }
        if unit.asks("SYSTem:ERRor[:NEXT]") {
            let error = self.errors.pop_front().unwrap_or(ScpiError::NO_ERROR);
            return answer(&error.to_string());
        }
        if unit.tells("SYSTem:REMote") || unit.tells("SYSTem:LOCal") {
            model.set_remote(unit.tells("SYSTem:REMote"));
            return Some(Ok(None));
        }
        if unit.asks("SYSTem:VERSion") {
            return answer("1999.0");
        }
        None
    }
}

fn parent(header: &str) -> String {
    header.rsplit_once(':').map_or_else(String::new, |(parent, _)| parent.to_owned())
}

/// Splits a line into its units; semicolons inside quotes do not count.
pub(crate) fn units(line: &str) -> Vec<&str> {
    let mut quote = None;
    let mut cut = move |c: char| match (quote, c) {
        (None, ';') => true,
        (None, '"' | '\'') => {
            quote = Some(c);
            false
        }
        (Some(open), _) if open == c => {
            quote = None;
            false
        }
        _ => false,
    };
    line.split(&mut cut).map(str::trim).filter(|unit| !unit.is_empty()).collect()
}

/// Whether a unit asks something.
pub(crate) fn is_query(unit: &str) -> bool {
    unit.split_whitespace().next().is_some_and(|header| header.ends_with('?'))
}

/// Whether a unit asks who the instrument is.
pub(crate) fn is_identity(unit: &str) -> bool {
    unit.trim().eq_ignore_ascii_case("*IDN?")
}
