//! A Modbus unit that answers as the input says, and a reader of our own that judges what was believed of it.
//!
//! Source: MODBUS Application Protocol V1.1b3; MODBUS over Serial Line V1.02; MODBUS Messaging on TCP/IP V1.0b.

use crate::feed::Feed;

/// Which frame is around requests and answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    Tcp,
    Rtu,
}

/// What is inside of a frame that was written: unit, request.
pub(crate) fn request(frame: Frame, written: &[u8]) -> Option<(u8, &[u8])> {
    match frame {
        Frame::Tcp => Some((*written.get(6)?, written.get(7..)?)),
        Frame::Rtu => Some((*written.first()?, written.get(1..written.len().checked_sub(2)?)?)),
    }
}

/// Whether what a driver wrote is a whole frame of the standard.
pub(crate) fn is_frame(frame: Frame, written: &[u8]) -> bool {
    match frame {
        Frame::Tcp => match *written {
            [_, _, 0, 0, high, low, _, _, ..] => {
                let length = usize::from(u16::from_be_bytes([high, low]));
                (2..=254).contains(&length) && written.len() == 6 + length
            }
            _ => false,
        },
        Frame::Rtu => (4..=256).contains(&written.len()) && checks(written),
    }
}

/// Whether the last two bytes are the checksum of those before: what is left of the whole is nothing.
fn checks(frame: &[u8]) -> bool {
    sum(frame) == 0
}

/// CRC-16, x^16 + x^15 + x^2 + 1, low bit first (Serial Line V1.02, section 2.5.1.2).
fn sum(bytes: &[u8]) -> u16 {
    let mut rest: u16 = 0xffff;
    for byte in bytes {
        for bit in 0..8 {
            let carried = (rest & 1 == 1) != (byte >> bit & 1 == 1);
            rest >>= 1;
            if carried {
                rest ^= 0xa001;
            }
        }
    }
    rest
}

/// Over TCP: an answer out of the input.
pub(crate) fn compose_tcp(feed: &mut Feed, written: &[u8]) -> Vec<u8> {
    compose(Frame::Tcp, feed, written)
}

/// Over RTU: an answer out of the input.
pub(crate) fn compose_rtu(feed: &mut Feed, written: &[u8]) -> Vec<u8> {
    compose(Frame::Rtu, feed, written)
}

fn compose(frame: Frame, feed: &mut Feed, written: &[u8]) -> Vec<u8> {
    let Some((unit, request)) = request(frame, written) else { return feed.chunk() };
    let how = feed.byte();
    let function = request.first().copied().unwrap_or_default();
    let mut answer = match how & 3 {
        // A refusal, and something of the input's own.
        1 => vec![function | 0x80, feed.byte()],
        2 => feed.chunk(),
        _ => good(function, request, feed),
    };
    if how & 4 != 0 {
        let at = usize::from(feed.byte()) % answer.len().max(1);
        let bits = feed.byte();
        if let Some(byte) = answer.get_mut(at) {
            *byte ^= bits;
        }
    }
    let unit = if how & 8 == 0 { unit } else { feed.byte() };
    let late = if how & 16 == 0 { 0 } else { feed.word() };
    match frame {
        Frame::Tcp => {
            let transaction = u16::from_be_bytes([written[0], written[1]]).wrapping_sub(late);
            let length = u16::try_from(answer.len() + 1).unwrap_or(u16::MAX);
            let header = [transaction.to_be_bytes(), [0, 0], length.to_be_bytes()].concat();
            [header, vec![unit], answer].concat()
        }
        Frame::Rtu => {
            let mut whole = [vec![unit], answer].concat();
            let sum = sum(&whole) ^ late;
            whole.extend(sum.to_le_bytes());
            whole
        }
    }
}

fn good(function: u8, request: &[u8], feed: &mut Feed) -> Vec<u8> {
    match function {
        1 | 2 => vec![function, 1, feed.byte()],
        3 | 4 => {
            let words = request.get(4).copied().unwrap_or_default();
            let mut answer = vec![function, words.wrapping_mul(2)];
            answer.extend((0..u16::from(words) * 2).map(|_| feed.byte()));
            answer
        }
        _ => request.get(..5).unwrap_or(request).to_vec(),
    }
}

/// Every good answer to what was written last that is anywhere in `since`, the bytes that came behind it; over TCP in
/// `came`, all bytes of the connections: there a transaction tells it apart.
pub(crate) fn answers<'a>(frame: Frame, written: &[u8], since: &'a [u8], came: &'a [u8]) -> Vec<&'a [u8]> {
    let Some((unit, request)) = request(frame, written) else { return Vec::new() };
    let function = request.first().copied().unwrap_or_default();
    let long = match function {
        1 | 2 => 3,
        3 | 4 => 2 + 2 * usize::from(request.get(4).copied().unwrap_or_default()),
        _ => 5,
    };
    let is_good = |answer: &[u8]| match *answer {
        [f, _, ..] if f != function => false,
        [1 | 2, bytes, _] => bytes == 1,
        [3 | 4, bytes, ..] => usize::from(bytes) == long - 2,
        _ => request.get(..5) == Some(answer),
    };
    let (stream, head, tail) = match frame {
        Frame::Tcp => (came, 7, 0),
        Frame::Rtu => (since, 1, 2),
    };
    let whole = head + long + tail;
    let candidates = stream.windows(whole).filter(|window| match frame {
        Frame::Tcp => {
            window[..2] == written[..2]
                && window[2..4] == [0, 0]
                && window[4..6] == u16::try_from(long + 1).unwrap_or_default().to_be_bytes()
                && window[6] == unit
        }
        Frame::Rtu => window[0] == unit && window[1] == function && checks(window),
    });
    candidates.map(|window| &window[head..head + long]).filter(|answer| is_good(answer)).collect()
}
