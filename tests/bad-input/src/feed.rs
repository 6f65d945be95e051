//! An input that is used up from its front: what the program under test is asked to do, and what it is answered.

/// The rest of an input. Used up, it gives zeros, so that every input means something.
pub(crate) struct Feed {
    bytes: Vec<u8>,
    at: usize,
}

impl Feed {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        Self { bytes: bytes.to_vec(), at: 0 }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.at >= self.bytes.len()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        let byte = self.bytes.get(self.at).copied().unwrap_or_default();
        self.at += 1;
        byte
    }

    pub(crate) fn word(&mut self) -> u16 {
        u16::from_be_bytes([self.byte(), self.byte()])
    }

    /// A length, then so many bytes; fewer at the end.
    pub(crate) fn chunk(&mut self) -> Vec<u8> {
        let len = usize::from(self.byte());
        let end = (self.at + len).min(self.bytes.len());
        let chunk = self.bytes.get(self.at..end).unwrap_or_default().to_vec();
        self.at = end;
        chunk
    }

    /// A number: a small one, or any at all that is one.
    pub(crate) fn number(&mut self) -> f64 {
        if self.byte() & 1 == 0 {
            return f64::from(self.word().cast_signed()) / 8.0;
        }
        let bits = std::array::from_fn(|_| self.byte());
        let number = f64::from_be_bytes(bits);
        if number.is_finite() { number } else { 0.0 }
    }
}
