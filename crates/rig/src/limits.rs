//! How much of anything a rig may have: far above any bench, far below what would hurt the host.

use std::time::Duration;

/// Bytes of a rig file: 250 devices of a thousand bytes each, and what the parser reads in well under a second
/// whatever stands there.
pub(crate) const FILE: usize = 256 << 10;
/// Devices.
pub(crate) const DEVICES: usize = 256;
/// `[[link]]`s.
pub(crate) const LINKS: usize = 256;
/// Readings of one device.
pub(crate) const READINGS: usize = 256;
/// Controls of one device.
pub(crate) const CONTROLS: usize = 256;
/// Steps of one sequence.
pub(crate) const STEPS: usize = 256;
/// Words of a choice, arguments of a program.
pub(crate) const WORDS: usize = 256;
/// Bytes of a line to send.
pub(crate) const LINE: usize = 4096;
/// Characters of a label, a unit or the rig's name.
pub(crate) const LABEL: usize = 80;
/// Characters of a device's, link's, reading's or control's name.
pub(crate) const NAME: usize = 40;
/// Bytes of one of `[messages]`: a page is sent all of them with each welcome.
pub(crate) const MESSAGE: usize = 2000;
/// Bytes of a regular expression.
pub(crate) const PATTERN: usize = 1000;

/// How often a condition with `within` is asked when `every` is left out.
pub(crate) const CHECK_EVERY: Duration = Duration::from_millis(100);
/// Nothing is polled, written or fed more often.
pub(crate) const FASTEST: Duration = Duration::from_millis(10);
/// Nor less often.
pub(crate) const SLOWEST: Duration = Duration::from_hours(1);
