//! Durations as the rig file writes them: `"250ms"`, `"5s"`, `"10m"`, `"8h"`.

use std::time::Duration;

/// Longer than anybody waits, and far from any overflow.
const LONGEST: Duration = Duration::from_hours(24 * 366);

/// Why a text is no duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadDuration {
    #[error("it has no unit")]
    NoUnit,
    #[error("its unit is not one of ms, s, m, h")]
    Unit,
    #[error("it has no number in front of its unit")]
    Number,
    #[error("it is longer than a year")]
    TooLong,
}

/// A number, a point in it allowed, and its unit at once behind it.
pub(crate) fn parse(text: &str) -> Result<Duration, BadDuration> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    if number.is_empty() || !number.starts_with(|c: char| c.is_ascii_digit()) || number.ends_with('.') {
        return Err(BadDuration::Number);
    }
    let unit = match unit {
        "" => return Err(BadDuration::NoUnit),
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err(BadDuration::Unit),
    };
    let number: f64 = number.parse().map_err(|_| BadDuration::Number)?;
    let seconds = number * unit;
    if seconds > LONGEST.as_secs_f64() {
        return Err(BadDuration::TooLong);
    }
    // Whole microseconds: what is written in milliseconds comes out exact.
    Ok(Duration::from_micros((seconds * 1e6).round() as u64))
}

/// As a rig file would write it.
pub(crate) fn show(duration: Duration) -> String {
    let ms = duration.as_millis();
    if ms == 0 && !duration.is_zero() {
        return format!("{}ms", duration.as_secs_f64() * 1e3);
    }
    match ms {
        0 => "0s".into(),
        ms if ms % 3_600_000 == 0 => format!("{}h", ms / 3_600_000),
        ms if ms % 60_000 == 0 => format!("{}m", ms / 60_000),
        ms if ms % 1000 == 0 => format!("{}s", ms / 1000),
        ms if ms > 1000 => format!("{}s", ms as f64 / 1000.0),
        ms => format!("{ms}ms"),
    }
}

/// What was probably meant by a text that is no duration, for a remedy.
pub(crate) fn guess(text: &str) -> Option<String> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = match unit.trim().to_lowercase().as_str() {
        "" | "s" | "sec" | "secs" | "second" | "seconds" => "s",
        "ms" | "msec" | "millisecond" | "milliseconds" => "ms",
        "m" | "min" | "mins" | "minute" | "minutes" => "m",
        "h" | "hr" | "hour" | "hours" => "h",
        _ => return None,
    };
    let guess = format!("{number}{unit}");
    parse(&guess).is_ok().then_some(guess)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_in_four_units_and_shown_as_written() {
        for (text, ms) in
            [("250ms", 250), ("5s", 5000), ("10m", 600_000), ("8h", 28_800_000), ("0s", 0), ("1.5s", 1500)]
        {
            assert_eq!(parse(text), Ok(Duration::from_millis(ms)), "{text}");
            assert_eq!(show(Duration::from_millis(ms)), text);
        }
    }

    #[test]
    fn what_is_no_duration_says_why() {
        for (text, why) in [
            ("5", BadDuration::NoUnit),
            ("5sec", BadDuration::Unit),
            ("5 s", BadDuration::Unit),
            ("1m30s", BadDuration::Unit),
            ("", BadDuration::Number),
            ("s", BadDuration::Number),
            ("-1s", BadDuration::Number),
            ("1.2.3s", BadDuration::Number),
            ("9000h", BadDuration::TooLong),
        ] {
            assert_eq!(parse(text), Err(why), "{text}");
        }
        assert!(parse(&format!("{}h", "9".repeat(400))).is_err());
        assert_eq!(guess("5 sec").as_deref(), Some("5s"));
        assert_eq!(guess("soon"), None);
    }
}
