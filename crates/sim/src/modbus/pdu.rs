//! Requests and answers without their frame.

use std::fmt;

use super::{Exception, Registers, Table};

/// A request that is well formed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Request {
    ReadBits { table: Table, address: u16, count: u16 },
    ReadWords { table: Table, address: u16, count: u16 },
    WriteBits { address: u16, bits: Vec<bool>, single: bool },
    WriteWords { address: u16, words: Vec<u16>, single: bool },
}

fn word(bytes: &[u8], at: usize) -> Result<u16, Exception> {
    let pair = bytes.get(at..at + 2).ok_or(Exception::IllegalValue)?;
    Ok(u16::from_be_bytes([pair[0], pair[1]]))
}

/// The `count` addresses from `address`, unless they run past the last one.
fn range(address: u16, count: u16, most: u16) -> Result<(), Exception> {
    if count == 0 || count > most {
        Err(Exception::IllegalValue)
    } else if address.checked_add(count - 1).is_none() {
        Err(Exception::IllegalAddress)
    } else {
        Ok(())
    }
}

impl Request {
    /// Reads a request; the exception is what a device answers to a wrong one.
    pub(crate) fn parse(pdu: &[u8]) -> Result<Self, Exception> {
        let (function, body) = pdu.split_first().ok_or(Exception::IllegalFunction)?;
        match function {
            1..=4 if body.len() != 4 => Err(Exception::IllegalValue),
            1 | 2 => {
                let table = if *function == 1 { Table::Coils } else { Table::Discrete };
                let (address, count) = (word(body, 0)?, word(body, 2)?);
                range(address, count, 2000)?;
                Ok(Request::ReadBits { table, address, count })
            }
            3 | 4 => {
                let table = if *function == 3 { Table::Holding } else { Table::Input };
                let (address, count) = (word(body, 0)?, word(body, 2)?);
                range(address, count, 125)?;
                Ok(Request::ReadWords { table, address, count })
            }
            5 | 6 if body.len() != 4 => Err(Exception::IllegalValue),
            5 => {
                let on = match word(body, 2)? {
                    0xFF00 => true,
                    0x0000 => false,
                    _ => return Err(Exception::IllegalValue),
                };
                Ok(Request::WriteBits { address: word(body, 0)?, bits: vec![on], single: true })
            }
            6 => {
                Ok(Request::WriteWords { address: word(body, 0)?, words: vec![word(body, 2)?], single: true })
            }
            15 => {
                let (address, count) = (word(body, 0)?, word(body, 2)?);
                range(address, count, 0x07B0)?;
                let bytes = body.get(5..).unwrap_or_default();
                if bytes.len() != usize::from(count).div_ceil(8) || usize::from(body[4]) != bytes.len() {
                    return Err(Exception::IllegalValue);
                }
                let bits = (0..usize::from(count)).map(|bit| bytes[bit / 8] >> (bit % 8) & 1 == 1).collect();
                Ok(Request::WriteBits { address, bits, single: false })
            }
            16 => {
                let (address, count) = (word(body, 0)?, word(body, 2)?);
                range(address, count, 123)?;
                let bytes = body.get(5..).unwrap_or_default();
                if bytes.len() != usize::from(count) * 2 || usize::from(body[4]) != bytes.len() {
                    return Err(Exception::IllegalValue);
                }
                let words =
                    bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
                Ok(Request::WriteWords { address, words, single: false })
            }
            _ => Err(Exception::IllegalFunction),
        }
    }

    /// Whether it reads register 0 and nothing else: the furnace's identity.
    pub(crate) fn is_identity(&self) -> bool {
        matches!(self, Request::ReadWords { address: 0, .. })
    }
}

/// As the witness shows it, in the words of a rig file.
impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let read = |f: &mut fmt::Formatter<'_>, what, address, count: u16| {
            write!(f, "{what} {address}")?;
            if count > 1 { write!(f, " x{count}") } else { Ok(()) }
        };
        match self {
            Request::ReadBits { table: Table::Coils, address, count } => {
                read(f, "read_coil", address, *count)
            }
            Request::ReadBits { address, count, .. } => read(f, "read_discrete", address, *count),
            Request::ReadWords { table: Table::Holding, address, count } => {
                read(f, "read_register", address, *count)
            }
            Request::ReadWords { address, count, .. } => read(f, "read_input", address, *count),
            Request::WriteBits { address, bits, .. } => {
                write!(f, "write_coil {address}")?;
                bits.iter().try_for_each(|bit| write!(f, " {bit}"))
            }
            Request::WriteWords { address, words, .. } => {
                write!(f, "write_register {address}")?;
                words.iter().try_for_each(|word| write!(f, " {word}"))
            }
        }
    }
}

/// Performs a request and gives the answer's PDU.
pub(crate) fn answer(registers: &mut dyn Registers, request: &Request) -> Result<Vec<u8>, Exception> {
    match request {
        Request::ReadBits { table, address, count } => {
            let mut bytes = vec![0_u8; usize::from(*count).div_ceil(8)];
            for index in 0..*count {
                if registers.bit(*table, address + index)? {
                    bytes[usize::from(index / 8)] |= 1 << (index % 8);
                }
            }
            let function = if *table == Table::Coils { 1 } else { 2 };
            Ok([&[function, bytes.len() as u8], bytes.as_slice()].concat())
        }
        Request::ReadWords { table, address, count } => {
            let words: Result<Vec<u16>, _> =
                (0..*count).map(|index| registers.word(*table, address + index)).collect();
            let bytes: Vec<u8> = words?.into_iter().flat_map(u16::to_be_bytes).collect();
            let function = if *table == Table::Holding { 3 } else { 4 };
            Ok([&[function, bytes.len() as u8], bytes.as_slice()].concat())
        }
        Request::WriteBits { address, bits, single } => {
            let each = || (*address..).zip(bits);
            each().try_for_each(|(address, _)| registers.check_bit(address))?;
            each().for_each(|(address, on)| registers.set_bit(address, *on));
            let (function, last) = match (single, bits.first()) {
                (true, Some(true)) => (5, 0xFF00),
                (true, _) => (5, 0x0000),
                (false, _) => (15, bits.len() as u16),
            };
            Ok(echo(function, *address, last))
        }
        Request::WriteWords { address, words, single } => {
            let each = || (*address..).zip(words);
            each().try_for_each(|(address, value)| registers.check_word(address, *value))?;
            each().for_each(|(address, value)| registers.set_word(address, *value));
            let (function, last) = match (single, words.first()) {
                (true, Some(value)) => (6, *value),
                _ => (16, words.len() as u16),
            };
            Ok(echo(function, *address, last))
        }
    }
}

fn echo(function: u8, address: u16, last: u16) -> Vec<u8> {
    let [a, b] = address.to_be_bytes();
    let [c, d] = last.to_be_bytes();
    vec![function, a, b, c, d]
}

/// The answer that refuses.
pub(crate) fn exception(pdu: &[u8], exception: Exception) -> Vec<u8> {
    vec![pdu.first().copied().unwrap_or(0) | 0x80, exception as u8]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_requests_get_the_exception_of_the_standard() {
        for (pdu, expected) in [
            (&[][..], Exception::IllegalFunction),
            (&[43, 14, 1, 0], Exception::IllegalFunction),
            (&[3, 0, 0, 0, 0], Exception::IllegalValue),
            (&[3, 0, 0, 0, 126], Exception::IllegalValue),
            (&[3, 0xFF, 0xFF, 0, 2], Exception::IllegalAddress),
            (&[5, 0, 0, 0x12, 0x34], Exception::IllegalValue),
            (&[5, 0, 0], Exception::IllegalValue),
            (&[15, 0, 0, 0, 9, 1, 0xFF], Exception::IllegalValue),
            (&[16, 0, 100, 0, 1, 2, 0], Exception::IllegalValue),
            (&[16, 0, 100], Exception::IllegalValue),
        ] {
            assert_eq!(Request::parse(pdu), Err(expected), "{pdu:?}");
        }
    }

    #[test]
    fn requests_are_shown_in_the_words_of_a_rig_file() {
        for (pdu, expected) in [
            (&[1, 0, 0, 0, 1][..], "read_coil 0"),
            (&[4, 0, 20, 0, 2], "read_input 20 x2"),
            (&[5, 0, 0, 0xFF, 0], "write_coil 0 true"),
            (&[6, 0, 100, 4, 176], "write_register 100 1200"),
            (&[15, 0, 0, 0, 2, 1, 0b10], "write_coil 0 false true"),
            (&[16, 0, 100, 0, 2, 4, 0, 1, 0, 2], "write_register 100 1 2"),
        ] {
            assert_eq!(Request::parse(pdu).unwrap().to_string(), expected);
        }
    }
}
