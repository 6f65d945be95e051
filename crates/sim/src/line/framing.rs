//! From bytes to frames.

use crate::{modbus, world::Frame};

/// A longer line is thrown away with error -363, as instruments do.
const LONGEST_LINE: usize = 4096;

/// What is spoken on a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speaks {
    Text,
    ModbusTcp,
    ModbusRtu,
}

/// The bytes that are no frame yet; never more than a frame's length.
#[derive(Debug)]
pub(super) struct Framing {
    speaks: Speaks,
    /// Real-time commands of a line's instruments: taken where a line could begin.
    immediate: Vec<Vec<u8>>,
    buffer: Vec<u8>,
    overrun: bool,
}

/// The bytes cannot become a frame any more; the connection is closed.
#[derive(Debug)]
pub(super) struct Lost;

impl Framing {
    pub(super) fn new(speaks: Speaks, immediate: Vec<Vec<u8>>) -> Self {
        Self { speaks, immediate, buffer: Vec::new(), overrun: false }
    }

    /// Whether silence has a meaning now: the end of a serial frame.
    pub(super) fn silence_counts(&self) -> bool {
        self.speaks == Speaks::ModbusRtu && !self.buffer.is_empty()
    }

    /// Adds bytes; gives the frames that are whole now.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<Vec<Frame>, Lost> {
        let mut frames = Vec::new();
        match self.speaks {
            Speaks::Text => self.push_text(bytes, &mut frames),
            Speaks::ModbusTcp => {
                self.buffer.extend(bytes);
                while let Some(adu) = modbus::tcp::take(&mut self.buffer).map_err(|_| Lost)? {
                    frames.push(Frame::Tcp(adu));
                }
            }
            Speaks::ModbusRtu => {
                self.buffer.extend(bytes);
                while let Some((unit, pdu)) = modbus::rtu::take(&mut self.buffer) {
                    frames.push(Frame::Rtu(unit, pdu));
                }
                // Longer than any frame: noise, of which the end is enough to find silence.
                let excess = self.buffer.len().saturating_sub(256);
                self.buffer.drain(..excess);
            }
        }
        Ok(frames)
    }

    fn push_text(&mut self, bytes: &[u8], frames: &mut Vec<Frame>) {
        for byte in bytes {
            match byte {
                b'\n' | b'\r' if self.overrun => {
                    self.overrun = false;
                    frames.push(Frame::Overrun);
                }
                b'\n' | b'\r' => {
                    let line = String::from_utf8_lossy(&self.buffer).trim().to_owned();
                    self.buffer.clear();
                    if !line.is_empty() {
                        frames.push(Frame::Text(line)); // a bare terminator is none
                    }
                }
                _ if self.overrun => {}
                _ if self.buffer.len() == LONGEST_LINE => {
                    self.buffer.clear();
                    self.overrun = true;
                }
                byte => {
                    self.buffer.push(*byte);
                    if self.immediate.contains(&self.buffer) {
                        frames.push(Frame::Immediate(std::mem::take(&mut self.buffer)));
                    }
                }
            }
        }
    }

    /// The line has been silent.
    pub(super) fn silence(&mut self) -> Option<Frame> {
        modbus::rtu::take_after_silence(&mut self.buffer).map(|(unit, pdu)| Frame::Rtu(unit, pdu))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_without_end_is_thrown_away_and_the_next_is_read() {
        let mut framing = Framing::new(Speaks::Text, Vec::new());
        for _ in 0..100 {
            assert!(framing.push(&[b'x'; 1000]).unwrap().is_empty());
            assert!(framing.buffer.len() <= LONGEST_LINE);
        }
        let frames = framing.push(b"\r\nOUTP OFF\r\n\n").unwrap();
        assert!(
            matches!(&frames[..], [Frame::Overrun, Frame::Text(line)] if line == "OUTP OFF"),
            "{frames:?}"
        );
    }

    #[test]
    fn a_real_time_command_needs_no_line_end() {
        let mut framing = Framing::new(Speaks::Text, vec![vec![0x18]]);
        let frames = framing.push(b"\x18G0 X1\n").unwrap();
        assert!(
            matches!(&frames[..], [Frame::Immediate(bytes), Frame::Text(line)] if bytes == b"\x18" && line == "G0 X1"),
            "{frames:?}"
        );
    }

    #[test]
    fn what_is_no_modbus_ends_the_connection() {
        assert!(Framing::new(Speaks::ModbusTcp, Vec::new()).push(b"GET / HTTP/1.1\r\n").is_err());
        let mut rtu = Framing::new(Speaks::ModbusRtu, Vec::new());
        assert!(rtu.push(&[7; 100_000]).unwrap().is_empty());
        assert!(rtu.buffer.len() <= 256);
    }
}
