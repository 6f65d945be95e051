//! A driver of your own, complete: a GRBL-like motion and laser controller.
//!
//! What a driver is: something that **opens**, performs **one step**, brings its line **in step** again, and
//! **closes**. It never decides what to do with the device: sequences stay in the rig file, where
//! `killcord check --plan` and the watchdog see them:
//!
//! ```toml
//! [[device]]
//! name = "laser"
//! driver = "grbl"
//! connect = "serial:///dev/serial/by-id/usb-…?baud=115200&dtr=keep"
//! park = "X0 Y0"                      # a key of this driver's own
//! arm  = ["$X", "M3 S0"]
//! safe = ["M5", { call = "park" }]
//! emergency = [{ bytes = "0x18" }]    # the controller's own reset: past its queue, beam off at once
//! verify = [{ query = "?", matches = "<(Idle|Alarm)" }]
//! ```
//!
//! To use it: `Registry::default().with(Grbl)`. To read it: start with [`SPEC`], then [`Grbl`], then the four
//! methods of the device. To test it, see the end of the file: a [`killcord_device::testing::Script`] plays
//! the controller.
//!
//! Three rules that the types cannot enforce:
//! - Pass `cx` on to every call of the link. It carries the deadline, the cut and the fence; a transport that
//!   a driver is given asks the fence before each write by itself.
//! - Only writes that were asked for: no keep-alive, no cached "it is off already". Safe commands are always
//!   sent.
//! - [`Device::resync`] must not return `Ok` while a late reply could still be taken for a later answer.

use killcord_core::{
    Step, Value,
    driver::{DriverSpec, KeyKind, KeySpec, LinkKind, StepKind},
    plan::KeyValue,
};
use killcord_device::{Cx, Device, DeviceError, Driver, Identity, Setup, Transport};
use std::time::Duration;

/// What a rig file may ask of this driver. It is checked against this before anything is opened, so that
/// `{ call = "pakr" }` is an error with a "did you mean" and not a surprise on the bench.
pub static SPEC: DriverSpec = DriverSpec {
    name: "grbl",
    about: "GRBL 1.1 motion and laser controllers, over serial or TCP",
    links: &[LinkKind::Line],
    keys: &[KeySpec {
        name: "park",
        kind: KeyKind::Text,
        required: false,
        about: "where `call = \"park\"` goes, in machine coordinates (X0 Y0 if left out)",
    }],
    steps: &[StepKind::Send, StepKind::Query, StepKind::Bytes, StepKind::Call],
    calls: &["park"],
};

/// Time between two questions whether a movement is over.
const ASK_AGAIN: Duration = Duration::from_millis(50);

/// `driver = "grbl"`.
#[derive(Clone, Copy, Debug)]
pub struct Grbl;

impl Driver for Grbl {
    fn spec(&self) -> &'static DriverSpec {
        &SPEC
    }

    /// Makes the device; connects nothing yet. The link is shared by all devices on it, and is used by one
    /// thread: nothing here needs a lock.
    fn device(&self, setup: &Setup<'_>, link: Box<dyn Transport>) -> Result<Box<dyn Device>, DeviceError> {
        let park = match setup.keys().get("park") {
            Some(KeyValue::Text(park)) => park.clone(),
            _ => String::from("X0 Y0"),
        };
        Ok(Box::new(Controller { link, park }))
    }
}

/// One controller on its link. Generic drivers keep as little as this: what is not remembered cannot be stale.
struct Controller {
    link: Box<dyn Transport>,
    park: String,
}

impl Controller {
    /// One line, without its end. What the controller says unasked (`[MSG:…]`, status reports) comes through
    /// here too; the callers below know what they wait for.
    fn line(&mut self, cx: &Cx<'_>) -> Result<String, DeviceError> {
        // `read_until` hands over what has come in so far and asks how many bytes of it are one message. It
        // gives up after `killcord_device::MAX_MESSAGE` bytes, so an endless line costs no memory.
        let end = &mut |bytes: &[u8]| bytes.iter().position(|byte| *byte == b'\n').map(|at| at + 1);
        let line = self.link.read_until(end, cx)?;
        Ok(String::from_utf8_lossy(&line).trim().to_owned())
    }

    /// Reads to the first line that is wanted. A controller that talks without end is left at the deadline:
    /// without this check its chatter would keep us here.
    fn line_that(&mut self, wanted: impl Fn(&str) -> bool, cx: &Cx<'_>) -> Result<String, DeviceError> {
        loop {
            let line = self.line(cx)?;
            if wanted(&line) {
                return Ok(line);
            }
            if cx.left().is_zero() {
                return Err(DeviceError::Timeout);
            }
        }
    }

    /// A line of G-code: GRBL answers each with `ok` or `error:N`.
    fn command(&mut self, text: &str, cx: &Cx<'_>) -> Result<(), DeviceError> {
        // An answer never comes before its question: what lies there now is old.
        self.link.discard()?;
        self.link.write(format!("{text}\n").as_bytes(), cx)?;
        let answer = self.line_that(is_verdict, cx)?;
        if answer == "ok" {
            return Ok(());
        }
        // A refusal is an answer: the line stays in step. Say what a person can do about it.
        Err(DeviceError::Refused(format!(
            "`{text}` was answered `{answer}`; see the controller's list of errors"
        )))
    }

    /// `?` is a real-time command: no line end, answered at once with a report in angle brackets.
    fn status(&mut self, cx: &Cx<'_>) -> Result<String, DeviceError> {
        self.link.discard()?;
        self.link.write(b"?", cx)?;
        self.line_that(|line| line.starts_with('<'), cx)
    }

    /// `$I` names the controller: `[VER:1.1h.20190825:]`, `[OPT:…]`, `ok`.
    fn version(&mut self, cx: &Cx<'_>) -> Result<String, DeviceError> {
        self.link.discard()?;
        self.link.write(b"$I\n", cx)?;
        let version = self.line_that(|line| line.starts_with("[VER:"), cx)?;
        self.line_that(is_verdict, cx)?;
        Ok(version)
    }

    /// A step that only this driver knows: to the parking place, and wait until it is there.
    fn go_and_park(&mut self, cx: &Cx<'_>) -> Result<(), DeviceError> {
        let park = format!("G53 G0 {}", self.park);
        self.command(&park, cx)?;
        // `ok` only says that the movement is queued.
        while !self.status(cx)?.starts_with("<Idle") {
            // Never sleep: a pause is cut when a safe step waits, and ends by the deadline.
            cx.pause(ASK_AGAIN)?;
        }
        Ok(())
    }
}

/// The end of an answer.
fn is_verdict(line: &str) -> bool {
    line == "ok" || line.starts_with("error:") || line.starts_with("ALARM:")
}

impl Device for Controller {
    /// Connects and changes no output. What the protocol tells of the device is its identity; the rig file's
    /// `expect_id` is compared with it by the link's thread.
    fn open(&mut self, cx: &Cx<'_>) -> Result<Identity, DeviceError> {
        self.link.connect(cx)?;
        match self.version(cx) {
            Ok(version) => Ok(Identity(Some(version))),
            // A mute controller is told to be safe all the same, so this is no reason to fail.
            Err(DeviceError::Timeout) => Ok(Identity(None)),
            Err(error) => Err(error),
        }
    }

    /// One step. `cx.deadline` is the step's own `timeout`, so there is no time to choose here.
    fn perform(&mut self, step: &Step, cx: &Cx<'_>) -> Result<Option<Value>, DeviceError> {
        match step {
            Step::Send { text, .. } => self.command(text, cx).map(|()| None),
            Step::Query { text, .. } if text == "?" => {
                self.status(cx).map(|report| Some(Value::Text(report)))
            }
            Step::Query { text, .. } => {
                self.link.discard()?;
                self.link.write(format!("{text}\n").as_bytes(), cx)?;
                let answer = self.line(cx)?;
                self.line_that(is_verdict, cx)?;
                Ok(Some(Value::Text(answer)))
            }
            // Past the controller's own queue, nothing awaited.
            Step::Bytes(bytes) => self.link.write(bytes, cx).map(|()| None),
            Step::Call { name } if name == "park" => self.go_and_park(cx).map(|()| None),
            // A rig file that was checked never gets here; a plan from elsewhere may.
            other => Err(DeviceError::Unsupported { driver: SPEC.name.to_owned(), step: other.to_string() }),
        }
    }

    /// After a timeout or a cut, an `ok` may still be on its way that belongs to no later command. The version
    /// can be mistaken for nothing else; whatever came before it is old.
    fn resync(&mut self, cx: &Cx<'_>) -> Result<(), DeviceError> {
        self.version(cx).map(drop)
    }

    /// What was written still arrives.
    fn close(mut self: Box<Self>, cx: &Cx<'_>) -> Result<(), DeviceError> {
        self.link.close(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use killcord_device::{
        Cancel, SystemClock,
        testing::{self, Script},
    };

    use super::*;

    const VERSION: &str = "[VER:1.1h.20190825:]\r\n[OPT:V,15,128]\r\nok\r\n";

    /// A controller at the other end of a script, and something to do with it.
    fn with(script: &Script, test: impl FnOnce(&mut dyn Device, &Cx<'_>)) {
        let device = testing::device("laser", "grbl");
        let link = testing::link(1);
        let setup = Setup { device: &device, link: &link };
        let mut controller = Grbl.device(&setup, Box::new(script.clone())).unwrap();
        let cancel = Cancel::never();
        let cx =
            Cx { deadline: Instant::now() + Duration::from_secs(5), cancel: &cancel, clock: &SystemClock };
        test(controller.as_mut(), &cx);
        script.finish();
    }

    /// The script of a controller that was opened.
    fn opened() -> Script {
        Script::new().expects("$I\n").replies("Grbl 1.1h ['$' for help]\r\n").replies(VERSION)
    }

    #[test]
    fn it_says_who_it_is_whatever_banner_comes_before() {
        with(&opened(), |device, cx| {
            assert_eq!(device.open(cx).unwrap().0.as_deref(), Some("[VER:1.1h.20190825:]"));
        });
    }

    #[test]
    fn a_command_is_done_when_it_is_confirmed() {
        let script = opened().expects("M5\n").replies("<Run|MPos:1,2,3>\r\n").replies("ok\r\n");
        with(&script, |device, cx| {
            device.open(cx).unwrap();
            assert_eq!(device.perform(&Step::send("M5"), cx).unwrap(), None);
        });
    }

    #[test]
    fn a_refused_command_fails_and_says_with_what() {
        let script = opened().expects("M3 S1000\n").replies("error:9\r\n");
        with(&script, |device, cx| {
            device.open(cx).unwrap();
            let error = device.perform(&Step::send("M3 S1000"), cx).unwrap_err();
            assert!(error.to_string().contains("error:9"), "{error}");
            assert!(!error.leaves_out_of_step());
        });
    }

    #[test]
    fn the_reset_byte_goes_out_alone_and_awaits_nothing() {
        with(&opened().expects([0x18]), |device, cx| {
            device.open(cx).unwrap();
            assert_eq!(device.perform(&Step::Bytes(vec![0x18]), cx).unwrap(), None);
        });
    }

    #[test]
    fn park_waits_until_the_machine_stands_still() {
        let script = opened()
            .expects("G53 G0 X0 Y0\n")
            .replies("ok\r\n")
            .expects("?")
            .replies("<Run|MPos:10,0,0>\r\n")
            .expects("?")
            .replies("<Idle|MPos:0,0,0>\r\n");
        with(&script, |device, cx| {
            device.open(cx).unwrap();
            device.perform(&Step::Call { name: String::from("park") }, cx).unwrap();
        });
    }

    #[test]
    fn a_late_ok_confirms_nothing_once_the_line_was_brought_in_step() {
        let script = opened()
            .expects("M5\n")
            .stays_silent()
            .expects("$I\n")
            // The late one comes first.
            .replies("ok\r\n")
            .replies(VERSION)
            .expects("M5\n")
            .replies("error:1\r\n");
        with(&script, |device, cx| {
            device.open(cx).unwrap();
            let late = device.perform(&Step::send("M5"), cx).unwrap_err();
            assert!(late.leaves_out_of_step());
            device.resync(cx).unwrap();
            device.perform(&Step::send("M5"), cx).unwrap_err();
        });
    }
}
