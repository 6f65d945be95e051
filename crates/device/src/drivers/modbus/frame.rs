//! Frames: the MBAP header of Modbus TCP (Messaging on TCP/IP V1.0b, section 3.1.3), address and CRC of RTU
//! (Serial Line V1.02, section 2.5.1).

use std::{
    sync::atomic::{AtomicU16, Ordering},
    time::Duration,
};

use super::pdu::{Reply, Request};
use crate::{Cx, DeviceError, Transport};

/// How often a line that does not fall silent is listened to.
const ROUNDS: u32 = 3;

/// How requests are told apart on a link.
#[derive(Clone, Copy, Debug)]
pub(super) enum Framing {
    /// By transaction.
    Tcp,
    /// By silence.
    Rtu {
        /// 3.5 characters (section 2.5.1.1).
        gap: Duration,
    },
}

impl Framing {
    pub(super) fn rtu(baud: u32) -> Self {
        // 11 bits a character; above 19 200 baud the standard fixes it.
        let gap = match baud {
            0..=19_200 => Duration::from_secs_f64(3.5 * 11.0 / f64::from(baud.max(1))),
            _ => Duration::from_micros(1_750),
        };
        Self::Rtu { gap }
    }

    /// One request and its reply.
    pub(super) fn exchange(
        self,
        link: &mut dyn Transport,
        unit: u8,
        request: &Request,
        cx: &Cx<'_>,
    ) -> Result<Reply, DeviceError> {
        match self {
            Self::Tcp => over_tcp(link, unit, request, cx),
            Self::Rtu { gap } => {
                cx.pause(gap)?;
                over_rtu(link, unit, request, cx)
            }
        }
    }

    /// Returns once nothing has come in for so long.
    pub(super) fn silence(
        self,
        link: &mut dyn Transport,
        long: Duration,
        cx: &Cx<'_>,
    ) -> Result<(), DeviceError> {
        for _ in 0..ROUNDS {
            link.discard()?;
            let listening = cx.within(long);
            match link
                .read_until(&mut |received| (!received.is_empty()).then_some(received.len()), &listening)
            {
                Err(DeviceError::Timeout) if listening.deadline < cx.deadline => return Ok(()),
                Err(error) => return Err(error),
                Ok(_) => {}
            }
        }
        Err(DeviceError::Refused(String::from(
            "the line does not fall silent; is there another master, or the wrong baud rate?",
        )))
    }
}

/// Transaction, protocol, length, unit.
const HEADER: usize = 7;

fn over_tcp(
    link: &mut dyn Transport,
    unit: u8,
    request: &Request,
    cx: &Cx<'_>,
) -> Result<Reply, DeviceError> {
    // One count for the whole process: several units on a connection must never share a number.
    static TRANSACTION: AtomicU16 = AtomicU16::new(1);
    let transaction = TRANSACTION.fetch_add(1, Ordering::Relaxed);
    let pdu = request.encode();
    let length = u16::try_from(pdu.len() + 1).unwrap_or(u16::MAX);
    let mut frame = Vec::with_capacity(HEADER + pdu.len());
    frame.extend(transaction.to_be_bytes());
    frame.extend([0, 0]);
    frame.extend(length.to_be_bytes());
    frame.push(unit);
    frame.extend(pdu);
    link.write(&frame, cx)?;
    loop {
        let reply = link.read_until(&mut mbap_end, cx)?;
        let (Some(header), Some(pdu)) = (reply.get(..HEADER), reply.get(HEADER..)) else {
            return Err(no_modbus(link, &reply));
        };
        match *header {
            [high, low, 0, 0, _, _, from] => {
                if u16::from_be_bytes([high, low]) != transaction {
                    // A late reply to an earlier request.
                    in_time(cx)?;
                    continue;
                }
                if from != unit {
                    return Err(DeviceError::Refused(format!(
                        "unit {from} answered where unit {unit} was asked; check `unit` and the gateway"
                    )));
                }
                return request.decode(pdu);
            }
            _ => return Err(no_modbus(link, &reply)),
        }
    }
}

/// Where a frame ends; something that cannot be one ends where it is.
fn mbap_end(received: &[u8]) -> Option<usize> {
    let header = received.get(..HEADER - 1)?;
    match *header {
        [_, _, 0, 0, high, low] => match usize::from(u16::from_be_bytes([high, low])) {
            length @ 2..=254 => (received.len() >= HEADER - 1 + length).then_some(HEADER - 1 + length),
            _ => Some(received.len()),
        },
        _ => Some(received.len()),
    }
}

/// With the frames' ends lost, nothing behind can be understood.
fn no_modbus(link: &mut dyn Transport, reply: &[u8]) -> DeviceError {
    link.disconnect();
    let shown = reply.get(..reply.len().min(16)).unwrap_or_default();
    DeviceError::OtherProtocol { protocol: "Modbus TCP", shown: format!("{shown:02x?}") }
}

fn over_rtu(
    link: &mut dyn Transport,
    unit: u8,
    request: &Request,
    cx: &Cx<'_>,
) -> Result<Reply, DeviceError> {
    let mut frame = vec![unit];
    frame.extend(request.encode());
    frame.extend(crc(&frame).to_le_bytes());
    link.discard()?;
    link.write(&frame, cx)?;
    loop {
        let mut at = 0;
        let received = link.read_until(
            &mut |received| {
                let (start, end) = rtu_frame(received, unit, request)?;
                at = start;
                Some(end)
            },
            cx,
        )?;
        // Noise, and replies of other units, may stand before it.
        let pdu = received.get(at + 1..received.len() - 2).unwrap_or_default();
        let reply = request.decode(pdu);
        let echo = matches!(request, Request::Echo { .. }) && pdu.first() == Some(&request.function());
        if echo && reply.is_err() {
            // The echo of an earlier question.
            in_time(cx)?;
            continue;
        }
        return reply;
    }
}

/// One that never stops talking does not keep us here.
fn in_time(cx: &Cx<'_>) -> Result<(), DeviceError> {
    if cx.left().is_zero() { Err(DeviceError::Timeout) } else { Ok(()) }
}

/// Start and end of the first whole reply of that unit to that function.
fn rtu_frame(received: &[u8], unit: u8, request: &Request) -> Option<(usize, usize)> {
    (0..received.len()).find_map(|start| {
        let rest = received.get(start..)?;
        let length = match rest {
            [from, function, ..] if *from == unit && *function == request.function() => {
                request.reply_len() + 3
            }
            [from, function, ..] if *from == unit && *function == request.function() | 0x80 => 5,
            _ => return None,
        };
        let (body, sum) = rest.get(..length)?.split_at_checked(length - 2)?;
        (crc(body).to_le_bytes() == sum).then_some((start, start + length))
    })
}

/// CRC-16/MODBUS (Serial Line V1.02, section 6.2.2).
pub(super) fn crc(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xffff, |crc, &byte| {
        (0..8).fold(crc ^ u16::from(byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xa001 } else { crc >> 1 })
    })
}
