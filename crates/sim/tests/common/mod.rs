//! Clients as simple as can be: what they see is what an instrument sends.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "each test file uses its part; a failed step is a failed test"
)]

use std::{
    io::{BufRead, BufReader, ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use killcord_sim::{Config, Running, Sim};

/// Generous: only reached when something is wrong.
pub(crate) const SOON: Duration = Duration::from_secs(10);

pub(crate) fn bench(text: &str) -> Running {
    Sim::start(Config::parse(text, "test.toml").unwrap()).unwrap()
}

pub(crate) const SUPPLY: &str =
    "[[instrument]]\nname = \"psu\"\nkind = \"supply\"\nlisten = \"tcp://127.0.0.1:0\"\n";
pub(crate) const FURNACE: &str = "[[instrument]]\nname = \"furnace\"\nkind = \"furnace\"\nlisten = \"tcp://127.0.0.1:0\"\ntime_constant = \"1s\"\n";

pub(crate) fn tcp(bench: &Running, name: &str) -> SocketAddr {
    bench.addresses()[name].tcp().unwrap()
}

/// A client of a SCPI instrument.
pub(crate) struct Scpi {
    pub(crate) reader: BufReader<TcpStream>,
}

impl Scpi {
    pub(crate) fn connect(bench: &Running, name: &str) -> Self {
        let stream = TcpStream::connect(tcp(bench, name)).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { reader: BufReader::new(stream) }
    }

    pub(crate) fn send(&mut self, line: &str) {
        self.reader.get_mut().write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// The next line, without its end.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.reader.read_line(&mut line).unwrap();
        assert!(line.ends_with('\n'), "not a whole line: {line:?}");
        line.trim_end().to_owned()
    }

    pub(crate) fn ask(&mut self, query: &str) -> String {
        self.send(query);
        self.line()
    }

    /// True if nothing at all comes within `time`.
    pub(crate) fn silent_for(&mut self, time: Duration) -> bool {
        self.reader.get_mut().set_read_timeout(Some(time)).unwrap();
        let mut byte = [0];
        let result = self.reader.read(&mut byte);
        self.reader.get_mut().set_read_timeout(Some(SOON)).unwrap();
        matches!(result, Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut))
    }

    /// True if the instrument closed the connection.
    pub(crate) fn closed(&mut self) -> bool {
        let mut rest = Vec::new();
        match self.reader.read_to_end(&mut rest) {
            Ok(_) => rest.is_empty(),
            Err(error) => error.kind() == ErrorKind::ConnectionReset,
        }
    }
}

/// Sends a Modbus TCP request and gives the answer's PDU.
pub(crate) fn modbus(stream: &mut TcpStream, unit: u8, pdu: &[u8]) -> Vec<u8> {
    let length = u16::try_from(pdu.len() + 1).unwrap().to_be_bytes();
    let request = [&[0x12, 0x34, 0, 0, length[0], length[1], unit], pdu].concat();
    stream.set_read_timeout(Some(SOON)).unwrap();
    stream.write_all(&request).unwrap();
    let mut header = [0; 7];
    stream.read_exact(&mut header).unwrap();
    assert_eq!(header[..4], [0x12, 0x34, 0, 0]);
    assert_eq!(header[6], unit);
    let mut answer = vec![0; usize::from(u16::from_be_bytes([header[4], header[5]])) - 1];
    stream.read_exact(&mut answer).unwrap();
    answer
}

/// CRC-16/MODBUS, written a second time on purpose (with the reversed table-less form of the standard).
pub(crate) fn rtu(unit: u8, pdu: &[u8]) -> Vec<u8> {
    let mut bytes = [&[unit], pdu].concat();
    let mut crc = u16::MAX;
    for byte in &bytes {
        crc ^= u16::from(*byte);
        for _ in 0..8 {
            let carry = crc & 1;
            crc >>= 1;
            if carry == 1 {
                crc ^= 0xA001;
            }
        }
    }
    bytes.extend(crc.to_le_bytes());
    bytes
}
