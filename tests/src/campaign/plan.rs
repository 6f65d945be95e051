//! One run as its seed has it: which bench, which cause at which moment, which device fault, under which load.
//!
//! Drawn whole before anything starts, so that nothing that happens in a run can change what it was to be.

use std::fmt;
use std::time::Duration;

use killcord_sim::{Fault, FaultKind};

use super::bench::Unit;
use super::cause::Cause;
use super::draw::Draw;

/// The whole of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// What it was drawn from.
    pub seed: u64,
    /// In a window of the desktop app; else by `killcord serve`.
    pub window: bool,
    /// The devices, the supply first.
    pub units: Vec<Unit>,
    /// The serial device waits for the supply too, not the load alone.
    pub line_waits: bool,
    /// When.
    pub moment: Moment,
    /// The cause that the run is about.
    pub cause: Cause,
    /// Another one, so long after it.
    pub second: Option<(Duration, Cause)>,
    /// What is wrong with one device.
    pub trouble: Option<Trouble>,
    /// Every processor is busy.
    pub loaded: bool,
    /// From a cause that leaves the host where it is to the campaign's own request to end.
    pub farewell: Duration,
}

/// Where in a host's life the cause comes, and how long after that was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// From the start of the process.
    Connecting(Duration),
    /// Connected, safe, not armed.
    Idle(Duration),
    /// From the first byte of the arm sequences.
    Arming(Duration),
    /// In the supply's ramp upwards.
    Ramp,
    /// Armed.
    Armed(Duration),
    /// From the supply's first step down in a safe stop.
    Teardown(Duration),
    /// From the last output's going off at the end of a host.
    Release(Duration),
}

impl Moment {
    fn draw(draw: &mut Draw, window: bool) -> Self {
        let starting = if window { 2500 } else { 400 };
        let mut of = vec![
            Self::Connecting(draw.millis(0, starting)),
            Self::Arming(draw.millis(0, 1400)),
            Self::Armed(draw.millis(0, 1500)),
            Self::Armed(draw.millis(0, 300)),
            Self::Teardown(draw.millis(0, 1000)),
        ];
        if !window {
            // A window arms by itself as soon as it is safe, and has no terminal to be told `quit` at.
            of.extend([Self::Idle(draw.millis(0, 500)), Self::Ramp, Self::Release(draw.millis(0, 300))]);
        }
        draw.one_of(&of)
    }

    /// Whether anything was armed by then.
    #[must_use]
    pub const fn has_armed(self) -> bool {
        !matches!(self, Self::Connecting(_) | Self::Idle(_))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connecting(after) => write!(f, "{after:?} into the start"),
            Self::Idle(after) => write!(f, "{after:?} after it was safe"),
            Self::Arming(after) => write!(f, "{after:?} into arming"),
            Self::Ramp => f.write_str("in the supply's ramp"),
            Self::Armed(after) => write!(f, "armed for {after:?}"),
            Self::Teardown(after) => write!(f, "{after:?} into a teardown"),
            Self::Release(after) => write!(f, "{after:?} into the release"),
        }
    }
}

/// A device's own fault.
#[derive(Clone, Debug, PartialEq)]
pub struct Trouble {
    /// Whose.
    pub unit: Unit,
    /// What.
    pub fault: Fault,
    /// It begins so long before the cause.
    pub lead: Duration,
    /// It lasts until somebody has said that this device is not safe.
    pub until_said: bool,
}

impl Trouble {
    fn draw(draw: &mut Draw, units: &[Unit]) -> Self {
        let unit = draw.one_of(units);
        let lasts = draw.millis(200, 4000);
        let fault = |kind| Fault::new(kind).lasting(lasts);
        let of = [
            fault(FaultKind::Mute),
            fault(FaultKind::Slow).delay(draw.millis(50, 400)),
            fault(FaultKind::Late).delay(draw.millis(500, 1500)),
            fault(FaultKind::NotReading),
            fault(FaultKind::Dead),
            fault(FaultKind::OneClient).delay(draw.millis(100, 2000)),
            fault(FaultKind::Unplugged),
            Fault::new(FaultKind::Unplugged),
            Fault::new(FaultKind::Refuse).on(unit.off()).times(1),
            Fault::new(FaultKind::Drop).times(1),
        ];
        let fault = draw.one_of(&of);
        // It has no end of its own, and is not counted out.
        let until_said = fault.lasts.is_none() && fault.count.is_none();
        Self { unit, fault, lead: draw.millis(0, 400), until_said }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.unit.name(), self.fault.kind)?;
        match self.fault.lasts {
            Some(lasts) => write!(f, " for {lasts:?} from {:?} before", self.lead),
            None if self.until_said => write!(f, " until that is said, from {:?} before", self.lead),
            None => f.write_str(" once"),
        }
    }
}

impl Plan {
    /// The run of this seed.
    #[must_use]
    pub fn draw(seed: u64, windows: bool) -> Self {
        let mut draw = Draw::from_seed(seed);
        // Drawn in any case: without windows a seed gives the same run wherever it is none with a window.
        let window = draw.one_in(10) && windows;
        let mut units = vec![Unit::Supply];
        units.extend([Unit::Load, Unit::Line, Unit::Furnace].into_iter().filter(|_| !draw.one_in(3)));
        if units.len() == 1 {
            units.push(Unit::Line);
        }
        let line_waits = draw.one_in(2);
        let moment = Moment::draw(&mut draw, window);
        let cause = Cause::draw(&mut draw, window, matches!(moment, Moment::Armed(_)));
        let second = draw.one_in(4).then(|| (draw.millis(0, 800), Cause::draw_second(&mut draw)));
        let trouble = draw.one_in(2).then(|| Trouble::draw(&mut draw, &units));
        let (loaded, farewell) = (draw.one_in(3), draw.millis(0, 2500));
        Self { seed, window, units, line_waits, moment, cause, second, trouble, loaded, farewell }
    }

    /// The causes, in the order in which they come.
    pub fn causes(&self) -> impl Iterator<Item = Cause> {
        std::iter::once(self.cause).chain(self.second.map(|(_, cause)| cause))
    }

    /// The device that something is wrong with.
    #[must_use]
    pub fn troubled(&self) -> Option<Unit> {
        self.trouble.as_ref().map(|trouble| trouble.unit)
    }

    /// The device that does not read for a while.
    pub(super) fn deaf(&self) -> Option<Unit> {
        let deaf = self.trouble.as_ref().filter(|trouble| trouble.fault.kind == FaultKind::NotReading);
        deaf.map(|trouble| trouble.unit)
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units: Vec<&str> = self.units.iter().map(|unit| unit.name()).collect();
        let host = if self.window { "window" } else { "serve" };
        write!(f, "seed {}: {host} with {}: {}", self.seed, units.join(", "), self.cause)?;
        if let Some((after, second)) = self.second {
            write!(f, ", and {after:?} later {second}")?;
        }
        write!(f, "; {}", self.moment)?;
        if let Some(trouble) = &self.trouble {
            write!(f, "; {trouble}")?;
        }
        f.write_str(if self.loaded { "; processors busy" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_seed_gives_the_same_run_each_time() {
        for seed in 0..200 {
            assert_eq!(Plan::draw(seed, true), Plan::draw(seed, true));
        }
    }

    #[test]
    fn a_few_hundred_seeds_reach_every_cause() {
        let names: BTreeSet<&str> = (0..400).map(|seed| Plan::draw(seed, true).cause.name()).collect();
        assert_eq!(names.len(), 21, "{names:?}");
        let windows = (0..1000).filter(|seed| Plan::draw(*seed, true).window).count();
        assert!((50..200).contains(&windows), "{windows} of 1000 with a window");
    }

    #[test]
    fn without_windows_the_other_runs_stay_as_they_are() {
        for seed in (0..200).filter(|seed| !Plan::draw(*seed, true).window) {
            assert_eq!(Plan::draw(seed, true), Plan::draw(seed, false));
        }
    }

    #[test]
    fn only_an_armed_rig_is_tripped_and_only_a_window_is_closed() {
        for plan in (0..500).map(|seed| Plan::draw(seed, true)) {
            assert!(plan.cause != Cause::Interlock || matches!(plan.moment, Moment::Armed(_)), "{plan}");
            let of_a_window = matches!(plan.cause, Cause::WindowClosed | Cause::DisplayKilled);
            assert!(plan.window || !of_a_window, "{plan}");
        }
    }
}
