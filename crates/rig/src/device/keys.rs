//! The keys that a driver adds to `[[device]]`.

use killcord_core::{
    driver::{DriverSpec, KeyKind},
    plan::{KeyValue, Keys},
};

use crate::{
    fields::Fields,
    node::{list, short},
    source::Span,
};

/// The Modbus unit that the file gives, and where: if the driver has a key for it.
pub(super) fn modbus_unit(
    fields: &Fields<'_>,
    driver: Option<&'static DriverSpec>,
    keys: &Keys,
) -> Option<(i64, Span)> {
    let key = driver?.keys.iter().find(|key| key.kind == KeyKind::ModbusUnit)?;
    let KeyValue::Integer(unit) = keys.get(key.name)? else { return None };
    Some((*unit, fields.get(key.name)?.span))
}

/// Reads what the driver's description names.
pub(super) fn read(fields: &Fields<'_>, driver: Option<&'static DriverSpec>) -> Keys {
    let mut keys = Keys::new();
    for spec in driver.map_or(&[][..], |driver| driver.keys) {
        let Some(node) = fields.get(spec.name) else {
            if spec.required {
                fields
                    .error(format!("{} has no `{}`", fields.title, spec.name))
                    .help(format!("write {} = …: {}", spec.name, spec.about))
                    .tell();
            }
            continue;
        };
        let value = match spec.kind {
            KeyKind::Bool => node.truth().map(KeyValue::Bool),
            // What the line allows of these is told where the line is known.
            KeyKind::ModbusUnit => node.integer(0..=255).map(KeyValue::Integer),
            KeyKind::Integer(low, high) => node.integer(low..=high).map(KeyValue::Integer),
            KeyKind::Text => node.text().map(|text| KeyValue::Text(text.to_owned())),
            KeyKind::Word(words) => node.text().and_then(|text| {
                if words.contains(&text) {
                    return Some(KeyValue::Text(text.to_owned()));
                }
                node.error(format!("`{}` cannot be \"{}\"", spec.name, short(text)))
                    .label(format!("not one of {}", list(words.iter().copied())))
                    .suggest(text, words.iter().copied())
                    .tell();
                None
            }),
        };
        if let Some(value) = value {
            keys.insert(spec.name.to_owned(), value);
        }
    }
    keys
}
