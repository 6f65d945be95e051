//! Modbus over TCP and RTU, by a small codec of our own: the known crate is paused and goes out of step after
//! a timeout, another's licence forbids use.
//!
//! Source: MODBUS Application Protocol V1.1b3; MODBUS over Serial Line V1.02; MODBUS Messaging on TCP/IP V1.0b.

mod frame;
mod pdu;
mod register;
mod spec;

use std::time::Duration;

use killcord_core::{
    Step, Value,
    driver::DriverSpec,
    plan::{Connect, Protocol},
    step::Table,
};

use self::{
    frame::Framing,
    pdu::{Reply, Request},
};
use crate::{Cx, Device, DeviceError, Driver, Identity, Setup, Transport};

/// `driver = "modbus"`.
#[derive(Clone, Copy, Debug)]
pub struct Modbus;

impl Driver for Modbus {
    fn spec(&self) -> &'static DriverSpec {
        &spec::SPEC
    }

    fn device(&self, setup: &Setup<'_>, link: Box<dyn Transport>) -> Result<Box<dyn Device>, DeviceError> {
        let unit = setup.integer("unit").unwrap_or(1);
        let (framing, units) = match &setup.link.connect {
            Connect::Tcp { protocol: Protocol::ModbusTcp, .. } => (Framing::Tcp, 0..=255),
            Connect::Tcp { protocol: Protocol::ModbusRtu, .. } => (Framing::rtu(115_200), 1..=247),
            Connect::Serial { protocol: Protocol::ModbusRtu, line, .. } => (Framing::rtu(line.baud), 1..=247),
            _ => {
                return Err(DeviceError::Setup(String::from(
                    "the driver modbus needs `connect = \"modbus+tcp://…\"` or `\"modbus+rtu://…\"`",
                )));
            }
        };
        // Unit 0 of a serial line is everybody, and nobody answers.
        if !units.contains(&unit) {
            let (first, last) = (units.start(), units.end());
            return Err(DeviceError::Setup(format!(
                "unit {unit} cannot be asked on this link; choose one from {first} to {last}"
            )));
        }
        let unit = u8::try_from(unit).unwrap_or(1);
        Ok(Box::new(Unit { link, framing, unit, timeout: setup.timeout() }))
    }
}

/// One unit on a connection.
struct Unit {
    link: Box<dyn Transport>,
    framing: Framing,
    unit: u8,
    timeout: Duration,
}

impl Unit {
    fn ask(&mut self, request: &Request, cx: &Cx<'_>) -> Result<Reply, DeviceError> {
        self.framing.exchange(self.link.as_mut(), self.unit, request, cx)
    }

    fn read_words(
        &mut self,
        table: Table,
        address: u16,
        count: u16,
        cx: &Cx<'_>,
    ) -> Result<Vec<u16>, DeviceError> {
        let request = Request::ReadWords { input: table == Table::Input, address, count };
        match self.ask(&request, cx)? {
            Reply::Words(words) => Ok(words),
            _ => Err(unexpected()),
        }
    }
}

impl Device for Unit {
    fn open(&mut self, cx: &Cx<'_>) -> Result<Identity, DeviceError> {
        self.link.connect(cx)?;
        Ok(Identity::default())
    }

    fn perform(&mut self, step: &Step, cx: &Cx<'_>) -> Result<Option<Value>, DeviceError> {
        match step {
            Step::Read { table: table @ (Table::Coil | Table::Discrete), address, .. } => {
                let discrete = *table == Table::Discrete;
                match self.ask(&Request::ReadBit { discrete, address: *address }, cx)? {
                    Reply::Bit(on) => Ok(Some(Value::Truth(on))),
                    _ => Err(unexpected()),
                }
            }
            Step::Read { table, address, format } => {
                let words = self.read_words(*table, *address, format.r#type.registers(), cx)?;
                Ok(Some(Value::Number(register::decode(&words, *format))))
            }
            Step::WriteCoil { address, value } => {
                self.ask(&Request::WriteCoil { address: *address, on: *value }, cx)?;
                Ok(None)
            }
            Step::WriteRegister { address, value, format } => {
                let mut words = register::encode(*value, *format)?;
                if let (Some(mask), [word]) = (format.mask, words.as_mut_slice()) {
                    let before = self.read_words(Table::Register, *address, 1, cx)?;
                    *word = (before.first().copied().unwrap_or_default() & !mask) | (*word & mask);
                }
                self.ask(&Request::WriteWords { address: *address, words }, cx)?;
                Ok(None)
            }
            other => Err(DeviceError::Unsupported {
                driver: String::from(spec::SPEC.name),
                step: other.to_string(),
            }),
        }
    }

    /// Over TCP the connection is replaced. On a serial line the unit is asked to echo something that it was
    /// never asked before; one that cannot has to be silent
    /// for a good while more.
    fn resync(&mut self, cx: &Cx<'_>) -> Result<(), DeviceError> {
        match self.framing {
            Framing::Tcp => {
                self.link.disconnect();
                self.link.connect(cx)
            }
            Framing::Rtu { .. } if !self.link.is_connected() => self.link.connect(cx),
            Framing::Rtu { .. } => {
                match self.ask(&Request::echo(), &cx.within(self.timeout)) {
                    // A refusal to echo answers this very question too.
                    Ok(_) | Err(DeviceError::Refused(_)) => Ok(()),
                    Err(DeviceError::Timeout) if !cx.left().is_zero() => {
                        self.framing.silence(self.link.as_mut(), self.timeout.min(cx.left() / 2), cx)
                    }
                    Err(error) => Err(error),
                }
            }
        }
    }

    fn close(mut self: Box<Self>, cx: &Cx<'_>) -> Result<(), DeviceError> {
        self.link.close(cx)
    }
}

/// The codec gives each request its own kind of reply.
fn unexpected() -> DeviceError {
    DeviceError::Driver(String::from("a reply of another kind came through"))
}

#[cfg(test)]
mod tests;
