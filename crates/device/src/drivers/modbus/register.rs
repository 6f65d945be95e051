//! Numbers in registers: `raw = (value - offset) / scale`.

use killcord_core::{
    Number,
    step::{Register, RegisterType, WordOrder},
};

use crate::DeviceError;

/// The number that registers hold.
pub(super) fn decode(words: &[u16], format: Register) -> Number {
    let first = words.first().copied().unwrap_or_default();
    let both = wide(words, format.words);
    let masked = first & format.mask.unwrap_or(u16::MAX);
    let raw = match format.r#type {
        RegisterType::U16 => f64::from(masked),
        RegisterType::I16 => f64::from(masked.cast_signed()),
        RegisterType::U32 => f64::from(both),
        RegisterType::I32 => f64::from(both.cast_signed()),
        RegisterType::F32 => f64::from(f32::from_bits(both)),
    };
    Number(scaled(raw, format.scale.0) + format.offset.0)
}

/// The registers that hold a number.
pub(super) fn encode(value: Number, format: Register) -> Result<Vec<u16>, DeviceError> {
    let raw = unscaled(value.0 - format.offset.0, format.scale.0);
    let whole = raw.round();
    let (least, most) = match format.r#type {
        RegisterType::U16 => (0.0, f64::from(u16::MAX)),
        RegisterType::I16 => (f64::from(i16::MIN), f64::from(i16::MAX)),
        RegisterType::U32 => (0.0, f64::from(u32::MAX)),
        RegisterType::I32 => (f64::from(i32::MIN), f64::from(i32::MAX)),
        RegisterType::F32 => (f64::from(f32::MIN), f64::from(f32::MAX)),
    };
    // Written so that not-a-number is refused too.
    if !(least <= whole && whole <= most) {
        return Err(DeviceError::Setup(format!(
            "{value} is {raw} in the register, which holds {least} to {most}; check `type`, `scale` and `offset`"
        )));
    }
    // A control's value may be any within its limits, between two that fit.
    #[allow(clippy::cast_possible_truncation)] // checked above
    let counts = whole as i64;
    if let Some(mask) = format.mask
        && counts & !i64::from(mask) != 0
    {
        return Err(DeviceError::Setup(format!(
            "{value} is {counts:#06x} in the register, and has bits outside of `mask` {mask:#06x}; choose another value"
        )));
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // checked above
    let bits = match format.r#type {
        RegisterType::U16 => return Ok(vec![whole as u16]),
        RegisterType::I16 => return Ok(vec![(whole as i16).cast_unsigned()]),
        RegisterType::U32 => whole as u32,
        RegisterType::I32 => (whole as i32).cast_unsigned(),
        RegisterType::F32 => (raw as f32).to_bits(),
    };
    let (high, low) = ((bits >> 16) as u16, (bits & 0xffff) as u16);
    Ok(match format.words {
        WordOrder::BigEndian => vec![high, low],
        WordOrder::LittleEndian => vec![low, high],
    })
}

fn wide(words: &[u16], order: WordOrder) -> u32 {
    let (first, second) =
        (words.first().copied().unwrap_or_default(), words.get(1).copied().unwrap_or_default());
    let (high, low) = match order {
        WordOrder::BigEndian => (first, second),
        WordOrder::LittleEndian => (second, first),
    };
    u32::from(high) << 16 | u32::from(low)
}

/// A scale such as 0.1 has no exact binary form: dividing by 10 gives 0.3 where multiplying gives
/// 0.30000000000000004.
fn divisor(scale: f64) -> Option<f64> {
    let divisor = (1.0 / scale).round();
    (scale.abs() < 1.0 && divisor.is_finite() && (1.0 / divisor - scale).abs() < scale.abs() * 1e-12)
        .then_some(divisor)
}

fn scaled(raw: f64, scale: f64) -> f64 {
    divisor(scale).map_or(raw * scale, |divisor| raw / divisor)
}

fn unscaled(value: f64, scale: f64) -> f64 {
    divisor(scale).map_or(value / scale, |divisor| value * divisor)
}
