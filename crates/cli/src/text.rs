//! How durations and sequences are shown to people.

use std::time::Duration;

use killcord::core::{Item, Number, plan::Verify};

/// `850 ms`, `1.5 s`, `10 s`.
pub(crate) fn duration(duration: Duration) -> String {
    if duration < Duration::from_secs(1) {
        format!("{} ms", duration.as_millis())
    } else {
        format!("{} s", Number(duration.as_millis() as f64 / 1000.0))
    }
}

/// Milliseconds for programs.
pub(crate) fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// One entry of a sequence, as it is performed.
pub(crate) fn item(item: &Item) -> String {
    match item {
        Item::Do(step) => step.to_string(),
        Item::Check(check) => match check.within {
            Some(within) => format!("{check} within {}", duration(within)),
            None => check.to_string(),
        },
        Item::Ramp(ramp) => {
            let write = ramp.write.fill(&killcord::core::Value::Text(String::from("{}")));
            format!("ramp {write} from {} to {}, {} per second", ramp.from, ramp.to, ramp.per_second)
        }
        Item::Wait(time) => format!("wait {}", duration(*time)),
    }
}

/// A device's verify, one entry a check.
pub(crate) fn verify(verify: &Verify) -> Vec<String> {
    match verify {
        Verify::None => vec![String::from("nothing can be read back")],
        Verify::Checks(checks) => checks.iter().map(|check| item(&Item::Check(check.clone()))).collect(),
    }
}

/// Control characters shown, not obeyed: what an instrument answers is not to move a cursor.
pub(crate) fn plain(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { c.escape_default().to_string() } else { c.to_string() })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_write_them() {
        for (ms, text) in [(0, "0 ms"), (850, "850 ms"), (1000, "1 s"), (1500, "1.5 s"), (10_000, "10 s")] {
            assert_eq!(duration(Duration::from_millis(ms)), text);
        }
    }

    #[test]
    fn an_instruments_answer_moves_no_cursor() {
        assert_eq!(plain("a\x1b[2Jb\r°"), "a\\u{1b}[2Jb\\r°");
    }
}
