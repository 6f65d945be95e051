//! Lines: SCPI and whatever else is asked and answered in lines, and what is believed of the answers.

use std::time::Duration;

use killcord_core::{
    Step, Value,
    plan::{Connect, Protocol, SerialLine, Terminator},
};
use killcord_device::{Device, DeviceError, Driver, Setup, drivers::line::Line, testing};

use crate::{belief, far::Far, feed::Feed};

const LIMIT: Duration = Duration::from_secs(2);
/// As many steps as any sequence needs to get out of step and in step again.
const STEPS: u8 = 12;
/// A part of the instrument's name.
const NAME: &str = "ACME";

/// The first byte chooses the line; then come steps and, as they are read, answers. All of the input is also judged
/// as one answer.
///
/// - An answer is a whole line that came behind its question, its end taken off and nothing else.
/// - A step with an `answer` is done only where that very line came behind it.
/// - Numbers, truth values and parts of lists are what IEEE 488.2 and SCPI-99 say, by a reader of our own; silence,
///   noise and blocks are none, and satisfy no condition.
/// - In step again means that nothing more is to be read.
/// - No call stays beyond its deadline.
///
/// # Panics
/// When one of these does not hold.
pub fn scpi(bytes: &[u8]) {
    belief::judge(&String::from_utf8_lossy(bytes));
    let mut feed = Feed::new(bytes);
    let how = feed.byte();
    let terminator = match how % 3 {
        0 => Terminator::Lf,
        1 => Terminator::Crlf,
        _ => Terminator::Cr,
    };
    let protocol = Protocol::Line { terminator };
    let mut plan = testing::device("psu", "scpi");
    match how >> 2 & 3 {
        0 => {}
        1 => plan.sync = Some(Step::query("*OPC?")),
        2 => plan.id = Some(Step::query("*IDN?")),
        _ => {
            plan.id = Some(Step::query("*IDN?"));
            plan.expect_id = Some(NAME.to_owned());
        }
    }
    let mut link = testing::link(5025);
    link.connect = if how & 0x10 == 0 {
        Connect::Tcp { host: String::new(), port: 5025, protocol }
    } else {
        Connect::Serial { path: "/dev/null".into(), line: SerialLine::default(), protocol }
    };
    let far = Far::new(feed, compose);
    let made = Line::scpi().device(&Setup { device: &plan, link: &link }, Box::new(far.clone()));
    converse(made.expect("a line of text is what this driver wants"), &far, terminator);
}

fn converse(mut device: Box<dyn Device>, far: &Far, terminator: Terminator) {
    if far.call(LIMIT, |cx| device.open(cx)).is_err() {
        return;
    }
    for _ in 0..STEPS {
        if far.state().feed.is_empty() {
            break;
        }
        let step = step(&mut far.state().feed);
        let outcome = far.call(LIMIT, |cx| device.perform(&step, cx));
        judge(&step, &outcome, far, terminator);
        // As a link's thread does.
        let brought = match outcome {
            Err(error) if error.is_disconnected() => far.call(LIMIT, |cx| device.open(cx)).map(drop),
            Err(error) if error.leaves_out_of_step() => {
                let brought = far.call(LIMIT, |cx| device.resync(cx));
                assert!(brought.is_err() || !far.has_unread(), "in step, and something is still to be read");
                brought
            }
            _ => Ok(()),
        };
        if brought.is_err() {
            break;
        }
    }
    let _closed = far.call(LIMIT, |cx| device.close(cx));
}

fn step(feed: &mut Feed) -> Step {
    match feed.byte() % 8 {
        0 => Step::query("*IDN?"),
        1 => Step::query("*OPC?"),
        2 | 3 => Step::query("OUTP?"),
        4 => Step::send("OUTP OFF"),
        5 => Step::Bytes(vec![0x18]),
        6 => Step::Send { text: "G0".into(), answer: Some("ok".into()), timeout: None },
        _ => {
            let answer = String::from_utf8_lossy(&feed.chunk()).into_owned();
            Step::Send { text: "M3".into(), answer: Some(answer), timeout: None }
        }
    }
}

/// A line of the input's own, or one that an instrument might say; with the line's end, or without.
fn compose(feed: &mut Feed, _: &[u8]) -> Vec<u8> {
    const WORDS: [&str; 16] = [
        "0",
        "1",
        "ON",
        "OFF",
        "+1.5E-03",
        "9.91E37",
        "9.9E37",
        "ACME,PSU,12,1.0",
        "ok",
        "error:2",
        "1,2,\"a,b\",4",
        "\"Ready\"",
        "-222,\"Data out of range\"",
        "#15hello",
        "12.0 V",
        "",
    ];
    let how = feed.byte();
    let mut line = if how & 1 == 0 { WORDS[usize::from(how >> 4)].as_bytes().to_vec() } else { feed.chunk() };
    line.extend_from_slice(match how >> 1 & 3 {
        0 => b"\n".as_slice(),
        1 => b"\r\n",
        2 => b"\r",
        _ => b"",
    });
    line
}

fn judge(step: &Step, outcome: &Result<Option<Value>, DeviceError>, far: &Far, terminator: Terminator) {
    let state = far.state();
    let end = if terminator == Terminator::Cr { b'\r' } else { b'\n' };
    // What is behind the last line's end is no line yet.
    let mut lines: Vec<&[u8]> = state.since.split(|byte| *byte == end).collect();
    lines.pop();
    let bare = |line: &&[u8]| String::from_utf8_lossy(line).trim_end_matches(['\r', '\n']).to_owned();
    match (step, outcome) {
        (_, Err(_)) | (Step::Send { answer: None, .. } | Step::Bytes(_), Ok(None)) => {}
        (Step::Query { .. }, Ok(Some(Value::Text(answer)))) => {
            assert!(lines.iter().map(bare).any(|line| line == *answer), "nobody said {answer:?}");
            belief::judge(answer);
        }
        (Step::Send { answer: Some(expected), .. }, Ok(Some(Value::Text(answer)))) => {
            assert_eq!(answer.trim(), expected.trim(), "confirmed by another line");
            assert!(lines.iter().map(bare).any(|line| line == *answer), "nobody said {answer:?}");
        }
        other => panic!("{other:?} is no outcome"),
    }
}
