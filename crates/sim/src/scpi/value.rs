//! Arguments: numbers as IEEE 488.2 NRf with an optional unit, and switches.

use std::ops::RangeInclusive;

use super::ScpiError;

/// A number in `range`; `MIN` and `MAX` are its ends, `mV` and `mA` are scaled.
pub(crate) fn number(text: &str, range: RangeInclusive<f64>) -> Result<f64, ScpiError> {
    match text.to_ascii_uppercase().as_str() {
        "MIN" | "MINIMUM" => return Ok(*range.start()),
        "MAX" | "MAXIMUM" => return Ok(*range.end()),
        _ => {}
    }
    let (digits, scale) = without_unit(text);
    let value: f64 = digits.parse().map_err(|_| ScpiError::DATA_TYPE)?;
    let value = value * scale;
    if !value.is_finite() || !range.contains(&value) {
        return Err(ScpiError::OUT_OF_RANGE);
    }
    Ok(value)
}

/// The digits and what their unit multiplies them by.
fn without_unit(text: &str) -> (&str, f64) {
    let upper = text.to_ascii_uppercase();
    for (unit, scale) in
        [("MV", 0.001), ("MA", 0.001), ("MS", 0.001), ("V", 1.0), ("A", 1.0), ("W", 1.0), ("S", 1.0)]
    {
        if upper.ends_with(unit) && text.is_char_boundary(text.len() - unit.len()) {
            return (text[..text.len() - unit.len()].trim_end(), scale);
        }
    }
    (text, 1.0)
}

/// `ON`, `OFF`, `1`, `0`.
pub(crate) fn switch(text: &str) -> Result<bool, ScpiError> {
    match text.to_ascii_uppercase().as_str() {
        "ON" | "1" => Ok(true),
        "OFF" | "0" => Ok(false),
        _ => Err(ScpiError::DATA_TYPE),
    }
}

/// A measured or set number as the instruments answer it.
pub(crate) fn show_number(value: f64) -> Option<String> {
    // A zero never shows a sign: `-0.0000` has confused many a parser.
    let shown = format!("{value:.4}");
    Some(if shown == "-0.0000" { "0.0000".to_owned() } else { shown })
}

/// `1` or `0`.
pub(crate) fn show_switch(on: bool) -> Option<String> {
    Some(if on { "1" } else { "0" }.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_with_units_and_within_their_range() {
        for (text, expected) in [
            ("12", Ok(12.0)),
            ("+1.2E+01", Ok(12.0)),
            ("500 mV", Ok(0.5)),
            ("12V", Ok(12.0)),
            ("max", Ok(32.0)),
            ("33", Err(ScpiError::OUT_OF_RANGE)),
            ("nan", Err(ScpiError::OUT_OF_RANGE)),
            ("twelve", Err(ScpiError::DATA_TYPE)),
            ("µV", Err(ScpiError::DATA_TYPE)),
        ] {
            assert_eq!(number(text, 0.0..=32.0), expected, "{text:?}");
        }
    }
}
