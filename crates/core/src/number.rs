//! Numbers as instruments write them (IEEE 488.2 NRf) and as they are written to instruments.

use std::{
    fmt,
    hash::{Hash, Hasher},
};

use serde::{Deserialize, Serialize};

/// A 64-bit float that compares and hashes by its bits, so that states made of it are `Eq + Hash`.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Number(pub f64);

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl Eq for Number {}

impl Hash for Number {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

impl From<f64> for Number {
    fn from(value: f64) -> Self {
        Self(value)
    }
}

/// The shortest decimals that give the number back, never an exponent: some instruments read none.
impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `Display` of f64 is the shortest round-trip form without an exponent; -0 is 0 to an instrument.
        if self.0 == 0.0 { f.write_str("0") } else { write!(f, "{}", self.0) }
    }
}

impl Number {
    /// Reads an IEEE 488.2 NRf number (section 7.7.2) at the start of `text`, a unit behind it allowed.
    ///
    /// `9.9E37` is infinity, `-9.9E37` negative infinity and `9.91E37` not-a-number (SCPI-99 volume 1,
    /// section 7.2.1). `None` if there is no number, or it is not-a-number.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let digits = numeric_prefix(text);
        let (number, unit) = text.split_at(digits);
        if !is_unit(unit) {
            return None;
        }
        let value: f64 = number.parse().ok()?;
        match value {
            v if (v.abs() - 9.91e37).abs() < 1e30 => None,
            v if (v.abs() - 9.9e37).abs() < 1e30 => Some(Self(f64::INFINITY.copysign(v))),
            v => Some(Self(v)),
        }
    }

    /// Writes it with a fixed number of decimals.
    #[must_use]
    pub fn fixed(self, decimals: u8) -> String {
        format!("{:.*}", usize::from(decimals), self.0)
    }
}

/// How many bytes of `text` are a decimal number with an optional exponent.
fn numeric_prefix(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = usize::from(matches!(bytes.first(), Some(b'+' | b'-')));
    let mut digits = 0;
    let mut point = false;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'0'..=b'9' => digits += 1,
            b'.' if !point => point = true,
            _ => break,
        }
        at += 1;
    }
    if digits == 0 {
        return 0;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let mut end = at + 1;
        end += usize::from(matches!(bytes.get(end), Some(b'+' | b'-')));
        let start = end;
        while matches!(bytes.get(end), Some(b'0'..=b'9')) {
            end += 1;
        }
        if end > start {
            return end;
        }
    }
    at
}

/// Whether the rest behind a number can be a unit: letters and the signs used in units, no further digits
/// at its start.
fn is_unit(rest: &str) -> bool {
    let rest = rest.trim();
    // An exponent that was cut off, or stands apart: `1.5E-`, `1.5 E-03`. Without it the number is another one.
    let exponent =
        rest.strip_prefix(['e', 'E']).is_some_and(|behind| !behind.starts_with(char::is_alphabetic));
    rest.chars().count() <= 12
        && !exponent
        && !rest.starts_with(|c: char| c.is_ascii_digit())
        // `0x10` is no zero with a unit.
        && !rest.starts_with(['x', 'X'])
        && rest.chars().all(|c| c.is_alphanumeric() || "%°µΩ/²³^*. -".contains(c))
        && rest.chars().next().is_none_or(|c| c.is_alphabetic() || "%°µΩ".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: Option<f64>) {
        assert_eq!(Number::parse(text).map(|n| n.0), expect, "{text:?}");
    }

    #[test]
    fn numbers_are_read_as_ieee_488_2_writes_them() {
        check("0", Some(0.0));
        check(" +1.5 ", Some(1.5));
        check("-0.25E+01", Some(-2.5));
        check(".5", Some(0.5));
        check("5.", Some(5.0));
        check("12.0V", Some(12.0));
        check("12.0 mA", Some(12.0));
        check("23.50 °C", Some(23.5));
        check("1E3", Some(1000.0));
        check("1EV", Some(1.0));
    }

    #[test]
    fn what_is_not_a_number_is_never_one() {
        for text in [
            "",
            " ",
            "-",
            ".",
            "ON",
            "1,2",
            "1 2",
            "E5",
            "12#",
            "nan",
            "inf",
            "0x10",
            "9.91E37",
            "9.910000E+37",
            "1.5E",
            "1.5E-",
            "1.5 E-03",
            "1E3E3",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn scpi_infinity_is_infinite() {
        check("9.9E37", Some(f64::INFINITY));
        check("-9.900000E+37", Some(f64::NEG_INFINITY));
    }

    #[test]
    fn numbers_are_written_shortest_and_without_exponent() {
        assert_eq!(Number(12.0).to_string(), "12");
        assert_eq!(Number(0.1).to_string(), "0.1");
        assert_eq!(Number(-0.0).to_string(), "0");
        assert_eq!(Number(1e-7).to_string(), "0.0000001");
        assert_eq!(Number(1.0).fixed(3), "1.000");
    }
}
