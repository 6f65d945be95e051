//! Modbus TCP frames (MODBUS Messaging on TCP/IP Implementation Guide V1.0b, 3.1.3).

/// One request in its frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Adu {
    pub(crate) transaction: u16,
    pub(crate) unit: u8,
    pub(crate) pdu: Vec<u8>,
}

/// The bytes are no Modbus; a server closes such a connection.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotModbus;

/// Takes the first whole frame out of `buffer`.
pub(crate) fn take(buffer: &mut Vec<u8>) -> Result<Option<Adu>, NotModbus> {
    let Some(header) = buffer.get(..7) else { return Ok(None) };
    let length = usize::from(u16::from_be_bytes([header[4], header[5]]));
    if header[2..4] != [0, 0] || !(2..=254).contains(&length) {
        return Err(NotModbus);
    }
    if buffer.len() < 6 + length {
        return Ok(None);
    }
    let frame: Vec<u8> = buffer.drain(..6 + length).collect();
    let transaction = u16::from_be_bytes([frame[0], frame[1]]);
    Ok(Some(Adu { transaction, unit: frame[6], pdu: frame[7..].to_vec() }))
}

/// Frames an answer.
pub(crate) fn frame(transaction: u16, unit: u8, pdu: &[u8]) -> Vec<u8> {
    let length = (pdu.len() + 1) as u16;
    let mut bytes = Vec::with_capacity(7 + pdu.len());
    bytes.extend(transaction.to_be_bytes());
    bytes.extend([0, 0]);
    bytes.extend(length.to_be_bytes());
    bytes.push(unit);
    bytes.extend(pdu);
    bytes
}
