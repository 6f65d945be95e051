//! Frames of a page, and the bodies of the HTTP interface that a device is driven by.

use killcord_core::Value;
use killcord_wire::{ArmBody, MAX_FRAME, NoFrame, SetBody, ToHost};
use serde::{Serialize, de::DeserializeOwned};

/// A frame as a page sends it.
///
/// - It is read, or refused with the right reason; too long is refused unread.
/// - What was read is the same once written and read again.
/// - A value that is a number is a finite one.
/// - Nothing that was read is larger than what was sent.
///
/// # Panics
/// When one of these does not hold.
pub fn frame(bytes: &[u8]) {
    match ToHost::read(bytes) {
        Ok(frame) => {
            assert!(bytes.len() <= MAX_FRAME, "it is longer than any frame");
            same_again(&frame);
            of_the_input(&frame, bytes.len());
        }
        Err(NoFrame::TooLong) => assert!(bytes.len() > MAX_FRAME, "it is not too long"),
        Err(NoFrame::Unknown) => assert!(bytes.len() <= MAX_FRAME, "it is too long"),
    }
    if let Ok(body) = serde_json::from_slice::<ArmBody>(bytes) {
        same_again(&body);
    }
    if let Ok(body) = serde_json::from_slice::<SetBody>(bytes) {
        same_again(&body);
        finite(&body.value);
    }
}

fn same_again<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(read: &T) {
    let text = serde_json::to_string(read).expect("what was read can be written");
    let again: T = serde_json::from_str(&text).expect("what was written can be read");
    assert_eq!(&again, read, "it is another one once written: {text}");
}

fn finite(value: &Value) {
    if let Value::Number(number) = value {
        assert!(number.0.is_finite(), "{number} is no number to set");
    }
}

fn of_the_input(frame: &ToHost, sent: usize) {
    let texts: &[&String] = match frame {
        ToHost::Hello { resume: Some(resume), nonce, .. } => &[resume, nonce],
        ToHost::Hello { nonce, .. } | ToHost::Bye { nonce, .. } => &[nonce],
        ToHost::Arm { id, .. } => &[id],
        ToHost::Set { id, device, control, value, .. } => {
            finite(value);
            &[id, device, control]
        }
        _ => &[],
    };
    let held: usize = texts.iter().map(|text| text.len()).sum();
    assert!(held <= sent, "{held} bytes of text were read from {sent}");
}
