//! From the bytes of a wire to a frame. The one place where that is done: what the fuzzer tries is what the host does.
//!
//! It must never panic, whatever the bytes, nor look at more than [`MAX_FRAME`] of them.

use std::fmt;

use crate::{MAX_FRAME, ToHost};

/// Why bytes are no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoFrame {
    /// More than [`MAX_FRAME`] of them.
    TooLong,
    /// Not a frame of this protocol.
    Unknown,
}

impl fmt::Display for NoFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "this frame is too long",
            Self::Unknown => "this is not a frame of the protocol; reload the page",
        })
    }
}

impl std::error::Error for NoFrame {}

impl ToHost {
    /// Reads a frame as it came over a wire.
    ///
    /// # Errors
    /// [`NoFrame`], with the words to answer with.
    pub fn read(text: &[u8]) -> Result<Self, NoFrame> {
        if text.len() > MAX_FRAME {
            return Err(NoFrame::TooLong);
        }
        serde_json::from_slice(text).map_err(|_| NoFrame::Unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_frame_is_read_and_one_byte_more_is_not_looked_at() {
        let mut text = br#"{"t":"safe"}"#.to_vec();
        text.resize(MAX_FRAME, b' ');
        assert_eq!(ToHost::read(&text), Ok(ToHost::Safe));
        text.push(b' ');
        assert_eq!(ToHost::read(&text), Err(NoFrame::TooLong));
    }

    #[test]
    fn what_is_no_text_is_no_frame() {
        for bytes in [b"".as_slice(), b"\xff", b"{\"t\":\"hello\",\"nonce\":\"\xff\"}", &[b'['; 4000]] {
            assert_eq!(ToHost::read(bytes), Err(NoFrame::Unknown), "{bytes:?}");
        }
    }
}
