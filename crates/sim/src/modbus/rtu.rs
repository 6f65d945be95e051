//! Modbus RTU frames (MODBUS over Serial Line V1.02, 2.5.1).
//!
//! A pty has no baud rate, so silence alone cannot delimit: the length follows from the function code, and
//! silence throws away what never became a frame.

/// The length of the request that begins `buffer`, as far as its function code tells.
fn length(buffer: &[u8]) -> Option<usize> {
    match buffer.get(1)? {
        1..=6 => Some(8),
        15 | 16 => Some(9 + usize::from(*buffer.get(6)?)),
        _ => None,
    }
}

/// Takes the first whole request out of `buffer`: unit and PDU.
pub(crate) fn take(buffer: &mut Vec<u8>) -> Option<(u8, Vec<u8>)> {
    let length = length(buffer)?;
    sound(buffer.get(..length)?)?;
    let frame: Vec<u8> = buffer.drain(..length).collect();
    Some((frame[0], frame[1..length - 2].to_vec()))
}

/// The line has been silent: what stands there is a request with an unknown function code, or noise.
pub(crate) fn take_after_silence(buffer: &mut Vec<u8>) -> Option<(u8, Vec<u8>)> {
    let frame = std::mem::take(buffer);
    sound(&frame)?;
    Some((frame[0], frame[1..frame.len() - 2].to_vec()))
}

fn sound(frame: &[u8]) -> Option<()> {
    let (body, sum) = frame.split_last_chunk::<2>()?;
    (body.len() >= 2 && crc(body) == u16::from_le_bytes(*sum)).then_some(())
}

/// Frames an answer.
pub(crate) fn frame(unit: u8, pdu: &[u8]) -> Vec<u8> {
    let mut bytes = vec![unit];
    bytes.extend(pdu);
    let sum = crc(&bytes);
    bytes.extend(sum.to_le_bytes());
    bytes
}

/// CRC-16/MODBUS (6.2.2).
pub(crate) fn crc(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xFFFF_u16, |crc, byte| {
        (0..8)
            .fold(crc ^ u16::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xA001 } else { crc >> 1 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_of_the_catalogue_comes_out() {
        assert_eq!(crc(b"123456789"), 0x4B37); // reveng's catalogue of CRCs, CRC-16/MODBUS
    }

    #[test]
    fn frames_are_found_and_noise_is_thrown_away() {
        let request = frame(3, &[1, 0, 0, 0, 1]);
        let mut buffer = request[..5].to_vec();
        assert_eq!(take(&mut buffer), None);
        buffer.extend(&request[5..]);
        buffer.extend(&request[..2]);
        assert_eq!(take(&mut buffer), Some((3, vec![1, 0, 0, 0, 1])));
        assert_eq!(buffer.len(), 2);
        assert_eq!(take_after_silence(&mut buffer), None);
        assert!(buffer.is_empty());
        let mut odd = frame(3, &[43, 14, 1, 0]);
        assert_eq!(take(&mut odd), None);
        assert_eq!(take_after_silence(&mut odd), Some((3, vec![43, 14, 1, 0])));
    }
}
