//! Durations as a person writes them: `"250ms"`, `"5s"`, `"2m"`, `"8h"`.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serializer, de::Error};

/// Reads a duration, or says in one sentence how one is written.
pub(crate) fn parse(text: &str) -> Result<Duration, DurationError> {
    let digits = text.trim().trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = &text.trim()[digits.len()..];
    let scale = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err(DurationError { text: text.to_owned() }),
    };
    let number: f64 = digits.trim().parse().map_err(|_| DurationError { text: text.to_owned() })?;
    Duration::try_from_secs_f64(number * scale)
        .ok()
        .filter(|duration| *duration <= Duration::from_secs(366 * 24 * 3600))
        .ok_or_else(|| DurationError { text: text.to_owned() })
}

/// A text that is no duration.
#[derive(Debug, thiserror::Error)]
#[error("{text:?} is not a duration; write it like \"250ms\", \"5s\" or \"2m\"")]
pub(crate) struct DurationError {
    text: String,
}

/// The shortest form that reads back the same, to the millisecond.
pub(crate) fn format(duration: Duration) -> String {
    let ms = duration.as_millis();
    if ms.is_multiple_of(1000) { format!("{}s", ms / 1000) } else { format!("{ms}ms") }
}

/// `#[serde(with = "crate::duration::optional")]`
pub(crate) mod optional {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(value: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(duration) => to.serialize_str(&format(*duration)),
            None => to.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
        match Option::<String>::deserialize(from)? {
            Some(text) => parse(&text).map(Some).map_err(D::Error::custom),
            None => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        assert_eq!(parse("250ms").unwrap(), Duration::from_millis(250));
        assert_eq!(parse("1.5s").unwrap(), Duration::from_millis(1500));
        assert_eq!(parse("2m").unwrap(), Duration::from_secs(120));
        for wrong in ["", "5", "s", "-1s", "1e300h", "nans", "5 parsecs"] {
            assert!(parse(wrong).is_err(), "{wrong:?} was accepted");
        }
    }
}
