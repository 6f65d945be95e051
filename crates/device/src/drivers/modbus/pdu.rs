//! Requests and replies without their frame (Application Protocol V1.1b3, sections 6 and 7).

use std::sync::atomic::{AtomicU16, Ordering};

use crate::DeviceError;

/// What is asked of a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Request {
    /// FC 1 or 2.
    ReadBit { discrete: bool, address: u16 },
    /// FC 3 or 4.
    ReadWords { input: bool, address: u16, count: u16 },
    /// FC 5.
    WriteCoil { address: u16, on: bool },
    /// FC 6 for one, FC 16 for more.
    WriteWords { address: u16, words: Vec<u16> },
    /// FC 8, subfunction 0: changes nothing, comes back as it is.
    Echo { token: u16 },
}

/// What it answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    Bit(bool),
    Words(Vec<u16>),
    Done,
}

impl Request {
    /// An echo that was not asked for before.
    pub(super) fn echo() -> Self {
        static TOKEN: AtomicU16 = AtomicU16::new(0x4b43);
        Self::Echo { token: TOKEN.fetch_add(1, Ordering::Relaxed) }
    }

    pub(super) fn function(&self) -> u8 {
        match self {
            Self::ReadBit { discrete: false, .. } => 1,
            Self::ReadBit { discrete: true, .. } => 2,
            Self::ReadWords { input: false, .. } => 3,
            Self::ReadWords { input: true, .. } => 4,
            Self::WriteCoil { .. } => 5,
            Self::WriteWords { words, .. } if words.len() == 1 => 6,
            Self::Echo { .. } => 8,
            Self::WriteWords { .. } => 16,
        }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut pdu = vec![self.function()];
        let mut put = |word: u16| pdu.extend(word.to_be_bytes());
        match self {
            Self::ReadBit { address, .. } => [*address, 1].into_iter().for_each(&mut put),
            Self::ReadWords { address, count, .. } => [*address, *count].into_iter().for_each(&mut put),
            Self::WriteCoil { address, on } => {
                [*address, if *on { 0xff00 } else { 0 }].into_iter().for_each(&mut put);
            }
            Self::Echo { token } => [0, *token].into_iter().for_each(&mut put),
            Self::WriteWords { address, words } => {
                put(*address);
                if let [word] = words.as_slice() {
                    put(*word);
                } else {
                    let count = u16::try_from(words.len()).unwrap_or(u16::MAX);
                    put(count);
                    pdu.push(u8::try_from(words.len() * 2).unwrap_or(u8::MAX));
                    pdu.extend(words.iter().flat_map(|word| word.to_be_bytes()));
                }
            }
        }
        pdu
    }

    /// How long a good reply is, its function code included.
    pub(super) fn reply_len(&self) -> usize {
        match self {
            Self::ReadBit { .. } => 3,
            Self::ReadWords { count, .. } => 2 + 2 * usize::from(*count),
            Self::WriteCoil { .. } | Self::WriteWords { .. } | Self::Echo { .. } => 5,
        }
    }

    /// Reads the reply to this request. Whatever it is, it never panics.
    pub(super) fn decode(&self, pdu: &[u8]) -> Result<Reply, DeviceError> {
        let strange = || DeviceError::Refused(format!("answered {pdu:02x?}, which is no answer to that"));
        let (&function, data) = pdu.split_first().ok_or_else(strange)?;
        if function == self.function() | 0x80 {
            return Err(refusal(data.first().copied().unwrap_or_default()));
        }
        if function != self.function() || pdu.len() != self.reply_len() {
            return Err(strange());
        }
        match self {
            Self::ReadBit { .. } => match data {
                [1, bits] => Ok(Reply::Bit(bits & 1 == 1)),
                _ => Err(strange()),
            },
            Self::ReadWords { count, .. } => match data.split_first() {
                Some((&bytes, words)) if usize::from(bytes) == usize::from(*count) * 2 => {
                    Ok(Reply::Words(words.chunks_exact(2).map(word).collect()))
                }
                _ => Err(strange()),
            },
            // Address and value come back; of FC 16 address and count: in both cases the first four bytes.
            _ if self.encode().get(1..5) == Some(data) => Ok(Reply::Done),
            _ => Err(strange()),
        }
    }
}

fn word(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |word, &byte| word << 8 | u16::from(byte))
}

/// An exception (V1.1b3, section 7) with what it usually means for a rig file.
fn refusal(code: u8) -> DeviceError {
    let why = match code {
        1 => "illegal function; the unit has no such table, try read_input for read_register or the like",
        2 => "illegal data address; addresses are as on the wire, from 0: 40101 of a manual is 100",
        3 => "illegal data value; check range, `type` and `scale`",
        4 => "device failure; look at the device itself",
        5 => "acknowledged, and not done yet; give it time",
        6 => "busy; ask it less often",
        8 => "memory parity error; look at the device itself",
        10 => "gateway path unavailable; check the gateway's settings and `unit`",
        11 => "the gateway got no answer from the unit; check `unit`, its power and its wiring",
        _ => "an exception that the standard does not name; see the device's manual",
    };
    DeviceError::Refused(format!("Modbus exception {code}: {why}"))
}
