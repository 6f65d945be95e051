//! Moments as people read them: in the machine's time zone.

use jiff::{Timestamp, tz::TimeZone};

/// `2026-11-22 14:03:02`; the number itself where it is no moment.
pub(crate) fn local(unix_ms: u64) -> String {
    at(unix_ms).map_or_else(
        || unix_ms.to_string(),
        |moment| moment.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string(),
    )
}

/// `14:03:02.125`, now.
pub(crate) fn clock() -> String {
    Timestamp::now().to_zoned(TimeZone::system()).strftime("%H:%M:%S.%3f").to_string()
}

/// `2026-11-22T13:03:02.125Z`, for programs.
pub(crate) fn utc(unix_ms: u64) -> String {
    at(unix_ms)
        .map_or_else(|| unix_ms.to_string(), |moment| moment.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string())
}

fn at(unix_ms: u64) -> Option<Timestamp> {
    Timestamp::from_millisecond(i64::try_from(unix_ms).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_that_is_none_is_shown_as_its_number() {
        assert_eq!(utc(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(local(u64::MAX), u64::MAX.to_string());
    }
}
