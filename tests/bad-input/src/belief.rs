//! What may be believed of an answer, by a reader of our own: it knows the standard, and none of core's code.

use killcord_core::{
    Check, Condition, Expected, Number, Pattern, Step, Value,
    check::{field_of, number, truth},
};

/// The longest answer that is read again by our own reader, in bytes: it is a slow one.
const LONGEST: usize = 300;
/// The parts of a list that are looked at.
const PARTS: u16 = 60;

/// Holds what core makes of an answer against the standard.
pub(crate) fn judge(answer: &str) {
    fields(answer);
    contradictions(&Value::Text(answer.to_owned()));
    if answer.len() > LONGEST {
        return;
    }
    let parsed = Number::parse(answer);
    match parsed {
        Some(value) => {
            assert!(!value.0.is_nan(), "{answer:?} was read as not-a-number");
            let expected = nrf(answer.trim());
            assert_eq!(Some(value), expected.map(Number), "{answer:?} is no such number");
        }
        None => assert!(!is_plain(answer), "{answer:?} is a number, and was not read"),
    }
    let bare = unquoted(answer.trim());
    let word = match bare.to_ascii_uppercase().as_str() {
        "ON" => Some(true),
        "OFF" => Some(false),
        _ => nrf(bare.trim()).map(|value| value != 0.0),
    };
    assert_eq!(truth(answer), word, "{answer:?} is no such truth value");
    if answer.trim().is_empty() || answer.trim().starts_with('#') {
        // Silence, and a block of IEEE 488.2 (section 8.7.9), say nothing of any value.
        assert!(parsed.is_none() && truth(answer).is_none(), "{answer:?} was believed");
    }
    if answer.trim().is_empty() {
        nothing_holds(&Value::Text(answer.to_owned()));
    }
}

/// The parts of a comma list are pieces of it, in their order, and there are none behind the last.
fn fields(answer: &str) {
    let mut from = 0;
    let mut count: u16 = 0;
    while let Some(part) = field_of(answer, count + 1) {
        assert_eq!(answer.get(from..from + part.len()), Some(part), "{answer:?} has no such part");
        assert!(!part.contains(',') || part.contains('"'), "{part:?} of {answer:?} is two parts");
        from += part.len() + 1;
        count += 1;
        if count == PARTS {
            return;
        }
    }
    assert_eq!(from, answer.len() + 1, "a part of {answer:?} is left over");
    assert_eq!(field_of(answer, 0), None, "parts are counted from 1");
    assert_eq!(field_of(answer, count.saturating_add(2)), None, "{answer:?} has no such part");
    let mut check = Check::once(Step::query("?"), Condition::Matches(pattern(".")));
    check.field = Some(count.saturating_add(1));
    assert!(!check.holds(&Value::Text(answer.to_owned())), "a part that is not there holds nothing");
}

/// No answer is two things at once.
pub(crate) fn contradictions(value: &Value) {
    let equals = |on| Condition::Equals(Expected::Truth(on)).holds(value);
    assert!(!(equals(true) && equals(false)), "{value:?} is on and off");
    let zero = Number(0.0);
    let below = Condition::Below(zero).holds(value);
    let above = Condition::Above(zero).holds(value);
    let at = Condition::Between(zero, zero).holds(value);
    let is_number = number(value).is_some();
    assert_eq!(u8::from(below) + u8::from(above) + u8::from(at), u8::from(is_number), "{value:?}");
    if let Value::Number(number) = value
        && number.0.is_nan()
    {
        nothing_holds(value);
    }
}

/// Not a number, or nothing at all: no condition may take it for good.
pub(crate) fn nothing_holds(value: &Value) {
    let (least, most) = (Number(f64::NEG_INFINITY), Number(f64::INFINITY));
    let any = [
        Condition::Equals(Expected::Truth(true)),
        Condition::Equals(Expected::Truth(false)),
        Condition::Equals(Expected::Number { value: Number(0.0), tolerance: most }),
        Condition::Equals(Expected::Text(value.to_string())),
        Condition::Below(most),
        Condition::Above(least),
        Condition::Between(least, most),
        Condition::Matches(pattern("")),
    ];
    for condition in any {
        assert!(!condition.holds(value), "{value:?} {condition}");
    }
}

fn pattern(source: &str) -> Pattern {
    Pattern::new(source).expect("a pattern")
}

fn unquoted(text: &str) -> &str {
    let inner = |quote| text.strip_prefix(quote)?.strip_suffix(quote);
    inner('"').or_else(|| inner('\'')).unwrap_or(text)
}

/// Whether it is a number and nothing else: sign, digits with at most one point, exponent.
fn is_plain(answer: &str) -> bool {
    let text = answer.trim();
    let sound = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    // Not-a-number of SCPI is written as a number; numbers next to it are as good as none.
    sound && text.parse::<f64>().is_ok_and(|value| !(9.90e37..=9.92e37).contains(&value.abs()))
}

/// IEEE 488.2 section 7.7.2, with a unit behind it; infinity and not-a-number as SCPI-99 volume 1, 7.2.1.4 and 7.2.1.5.
fn nrf(text: &str) -> Option<f64> {
    let chars: Vec<char> = text.chars().collect();
    // The longest beginning that is a number is the number; the rest has to be a unit.
    let ends = (1..=chars.len()).rev();
    let ascii = |end: &usize| chars[..*end].iter().all(|c| c.is_ascii_digit() || "+-.eE".contains(*c));
    let (end, value) = ends.filter(ascii).find_map(|end| {
        let piece: String = chars[..end].iter().collect();
        Some((end, piece.parse::<f64>().ok()?))
    })?;
    let unit: String = chars[end..].iter().collect();
    if !is_unit(unit.trim()) {
        return None;
    }
    match value.abs() {
        v if (v - 9.91e37).abs() < 1e30 => None,
        v if (v - 9.9e37).abs() < 1e30 => Some(f64::INFINITY.copysign(value)),
        _ => Some(value),
    }
}

fn is_unit(unit: &str) -> bool {
    let mut chars = unit.chars();
    let Some(first) = chars.next() else { return true };
    let second = chars.next();
    let begins = first.is_alphabetic() || "%°µΩ".contains(first);
    let of_units = unit.chars().all(|c| c.is_alphanumeric() || "%°µΩ/²³^*. -".contains(c));
    // A number in another base, and an exponent that was cut off or stands apart, change what the number is.
    let base = matches!(first, 'x' | 'X');
    let exponent = matches!(first, 'e' | 'E') && !second.is_some_and(char::is_alphabetic);
    begins && of_units && !base && !exponent && unit.chars().count() <= 12
}
