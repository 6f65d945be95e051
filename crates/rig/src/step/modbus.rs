//! Coils and registers: addresses as on the wire, and how registers hold a number.

use killcord_core::{
    Number, Step,
    driver::StepKind,
    step::{Register, RegisterType, Table, Template, WordOrder},
};

use super::{Answer, Asked, Steps, condition};
use crate::{fields::Fields, node::Node};

pub(super) fn write_coil(steps: Steps<'_>, fields: &Fields<'_>) -> Option<Step> {
    let address = address(steps, fields, "write_coil", Table::Coil, 1);
    let value = fields.require("value", "write value = true or value = false")?;
    Some(Step::WriteCoil { address: address?, value: value.truth()? })
}

pub(super) fn write_register(steps: Steps<'_>, fields: &Fields<'_>) -> Option<Step> {
    let format = format(fields);
    let registers = format.map_or(1, |format| format.r#type.registers());
    let address = address(steps, fields, "write_register", Table::Register, registers);
    let node = fields.require("value", "write value = 0, in the unit that `scale` makes of it")?;
    let value = node.number()?;
    let format = format?;
    fits(node, value, format)?;
    Some(Step::WriteRegister { address: address?, value: Number(value), format })
}

/// `{ write_register = 100, scale = 0.1 }`, `{ write_coil = 0 }`: the value comes later.
pub(super) fn template(steps: Steps<'_>, node: Node<'_>) -> Option<Template> {
    let fields = node.table("a step with a value to come", "a step")?;
    if let Some(value) = fields.field("value") {
        steps
            .problems
            .error(value.key_span, "the value is filled in here, none can be written")
            .help("leave `value` out")
            .tell();
    }
    let template = if fields.peek("write_coil").is_some() {
        address(steps, &fields, "write_coil", Table::Coil, 1).map(|address| Template::Coil { address })
    } else {
        let format = format(&fields);
        let registers = format.map_or(1, |format| format.r#type.registers());
        let address = address(steps, &fields, "write_register", Table::Register, registers);
        address.zip(format).map(|(address, format)| Template::Register { address, format })
    };
    fields.finish();
    template
}

pub(super) fn read<'a>(steps: Steps<'a>, fields: &Fields<'a>, table: Table) -> Option<Asked> {
    let (format, answer) = match table {
        Table::Coil | Table::Discrete => (Some(Register::default()), Answer::Bit),
        Table::Register | Table::Input => (format(fields), Answer::Number),
    };
    let registers = format.map_or(1, |format| format.r#type.registers());
    let address = address(steps, fields, table.key(), table, registers);
    let condition = condition::read(steps, fields, answer)?;
    Some(Asked {
        step: Step::Read { table, address: address?, format: format? },
        field: None,
        condition: condition.condition,
        answer,
        within: condition.within,
        every: condition.every,
    })
}

/// The address at `key`, as on the wire.
fn address(
    steps: Steps<'_>,
    fields: &Fields<'_>,
    key: &'static str,
    table: Table,
    registers: u16,
) -> Option<u16> {
    let field = fields.field(key)?;
    steps.performs(field.key_span, StepKind::Modbus);
    let node = field.node;
    let address = node.integer(0..=65_535)?;
    if address + i64::from(registers) > 65_536 {
        node.error("a number of 32 bits takes two registers, and there is none behind the last").tell();
        return None;
    }
    let first = match table {
        Table::Discrete => 10_001,
        Table::Input => 30_001,
        Table::Register => 40_001,
        Table::Coil => i64::MAX,
    };
    if (first..first.saturating_add(9999)).contains(&address) {
        node.warning(format!("addresses are as on the wire, from 0: this is not a manual's {address}"))
            .help(format!("a manual's {address} is {} on the wire", address - first))
            .tell();
    }
    Some(address as u16)
}

/// `type`, `words`, `scale`, `offset`, `mask`.
fn format(fields: &Fields<'_>) -> Option<Register> {
    let usual = Register::default();
    let kind = fields.get("type").map(|node| {
        node.word(&[
            ("u16", RegisterType::U16),
            ("i16", RegisterType::I16),
            ("u32", RegisterType::U32),
            ("i32", RegisterType::I32),
            ("f32", RegisterType::F32),
        ])
    });
    let words_field = fields.field("words");
    let words = words_field
        .map(|field| field.node.word(&[("big", WordOrder::BigEndian), ("little", WordOrder::LittleEndian)]));
    let scale = fields.get("scale").map(|node| match node.number()? {
        0.0 => {
            node.error("`scale` is never 0: every value would be the same").tell();
            None
        }
        scale => Some(Number(scale)),
    });
    let offset = fields.get("offset").map(|node| node.number().map(Number));
    let mask_field = fields.field("mask");
    let mask = mask_field.map(|field| field.node.integer(1..=65_535).map(|mask| mask as u16));
    // What was written there wrongly was told; now each is there and right, or left out.
    let format = Register {
        r#type: kind.unwrap_or(Some(usual.r#type))?,
        words: words.unwrap_or(Some(usual.words))?,
        scale: scale.unwrap_or(Some(usual.scale))?,
        offset: offset.unwrap_or(Some(usual.offset))?,
        mask: match mask {
            Some(mask) => Some(mask?),
            None => None,
        },
    };
    if let Some(field) = words_field
        && format.r#type.registers() == 1
    {
        fields
            .problems
            .error(field.key_span, "`words` is the order of two registers, but this type takes one")
            .help("leave it out, or write type = \"u32\", \"i32\" or \"f32\"")
            .tell();
        return None;
    }
    if let Some(field) = mask_field
        && format.r#type != RegisterType::U16
    {
        fields
            .problems
            .error(field.key_span, "`mask` takes bits of one unsigned register")
            .help("leave `type` out, or write type = \"u16\"")
            .tell();
        return None;
    }
    Some(format)
}

/// Tells where a value is none that the registers can hold.
pub(crate) fn fits(node: Node<'_>, value: f64, format: Register) -> Option<()> {
    let raw = (value - format.offset.0) / format.scale.0;
    let (name, low, high) = match format.r#type {
        RegisterType::U16 => ("u16", 0.0, f64::from(u16::MAX)),
        RegisterType::I16 => ("i16", f64::from(i16::MIN), f64::from(i16::MAX)),
        RegisterType::U32 => ("u32", 0.0, f64::from(u32::MAX)),
        RegisterType::I32 => ("i32", f64::from(i32::MIN), f64::from(i32::MAX)),
        RegisterType::F32 => ("f32", f64::from(f32::MIN), f64::from(f32::MAX)),
    };
    let whole = if format.r#type == RegisterType::F32 { raw } else { raw.round() };
    if !(low..=high).contains(&whole) {
        node.error(format!("{value} does not fit"))
            .label(format!("{} counts, and {name} holds {} to {}", Number(whole), Number(low), Number(high)))
            .help("check `type`, `scale` and `offset`")
            .tell();
        return None;
    }
    if let Some(mask) = format.mask
        && (whole as u16) & !mask != 0
    {
        node.error(format!("{value} has bits outside of `mask`"))
            .label(format!("{:#06x} is not within {mask:#06x}", whole as u16))
            .tell();
        return None;
    }
    if (raw - whole).abs() > 1e-6 * whole.abs().max(1.0) {
        node.warning(format!("{value} is no whole number of counts"))
            .label(format!("{} is what is written", Number(whole * format.scale.0 + format.offset.0)))
            .help("check `scale` and `offset`")
            .tell();
    }
    Some(())
}
