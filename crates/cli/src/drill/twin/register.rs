//! Numbers in registers, as a controller holds them: `raw = (value - offset) / scale`.
//!
//! Written anew and not taken from the driver: a mistake there is to be seen here.

use killcord::core::{
    Number,
    step::{Register, RegisterType, WordOrder},
};

/// The registers that hold a number; `None` where they cannot.
pub(super) fn encode(value: Number, format: Register) -> Option<Vec<u16>> {
    let raw = (value.0 - format.offset.0) / format.scale.0;
    // The quotient of decimal numbers misses the whole number by a few bits.
    let whole = raw.round();
    let (least, most) = match format.r#type {
        RegisterType::U16 => (0.0, f64::from(u16::MAX)),
        RegisterType::I16 => (f64::from(i16::MIN), f64::from(i16::MAX)),
        RegisterType::U32 => (0.0, f64::from(u32::MAX)),
        RegisterType::I32 => (f64::from(i32::MIN), f64::from(i32::MAX)),
        RegisterType::F32 => (f64::from(f32::MIN), f64::from(f32::MAX)),
    };
    if !(least..=most).contains(&whole) {
        return None;
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // checked above
    let bits = match format.r#type {
        RegisterType::U16 => return Some(vec![whole as u16]),
        RegisterType::I16 => return Some(vec![(whole as i16).cast_unsigned()]),
        RegisterType::U32 => whole as u32,
        RegisterType::I32 => (whole as i32).cast_unsigned(),
        RegisterType::F32 => (raw as f32).to_bits(),
    };
    let [high_a, high_b, low_a, low_b] = bits.to_be_bytes();
    let (high, low) = (u16::from_be_bytes([high_a, high_b]), u16::from_be_bytes([low_a, low_b]));
    Some(match format.words {
        WordOrder::BigEndian => vec![high, low],
        WordOrder::LittleEndian => vec![low, high],
    })
}

/// The number that registers hold.
pub(super) fn decode(words: &[u16], format: Register) -> Number {
    let word = |at: usize| words.get(at).copied().unwrap_or_default();
    let first = word(0) & format.mask.unwrap_or(u16::MAX);
    let both = match format.words {
        WordOrder::BigEndian => u32::from(word(0)) << 16 | u32::from(word(1)),
        WordOrder::LittleEndian => u32::from(word(1)) << 16 | u32::from(word(0)),
    };
    let raw = match format.r#type {
        RegisterType::U16 => f64::from(first),
        RegisterType::I16 => f64::from(first.cast_signed()),
        RegisterType::U32 => f64::from(both),
        RegisterType::I32 => f64::from(both.cast_signed()),
        RegisterType::F32 => f64::from(f32::from_bits(both)),
    };
    Number(raw * format.scale.0 + format.offset.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_as_they_were_put_in() {
        let tenths = Register { r#type: RegisterType::I16, scale: Number(0.1), ..Register::default() };
        let wide =
            Register { r#type: RegisterType::I32, words: WordOrder::LittleEndian, ..Register::default() };
        let float = Register { r#type: RegisterType::F32, ..Register::default() };
        for (value, format, words) in [
            (12.0, tenths, &[120][..]),
            (-0.5, tenths, &[0xFFFB]),
            (70_000.0, wide, &[4464, 1]),
            (1.5, float, &[0x3FC0, 0]),
        ] {
            let encoded = encode(Number(value), format);
            assert_eq!(encoded.as_deref(), Some(words), "{value}");
            assert!((decode(words, format).0 - value).abs() < 1e-9, "{value}");
        }
        assert_eq!(encode(Number(-1.0), Register::default()), None);
        assert_eq!(encode(Number(4000.0), tenths), None);
    }
}
