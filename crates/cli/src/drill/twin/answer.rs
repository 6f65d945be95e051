//! Which answer a twin gives to a question, in each state of its output: the one that says most of what the
//! rig file wants to hear.
//!
//! What the file demands of an answer is a list of wishes with weights. Values that could fulfil them are
//! made from the wishes themselves, and the best is taken. A wish of [`MUST`] that stays open is told.

use killcord::core::{Check, Condition, Expected, Number, Step, Value, rig::Limits, step::Table};

use super::{register, sample};

/// What a twin is for: without it the drill would say nothing.
pub(super) const MUST: u32 = 1000;

/// The state of a twin's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    On,
    Stopping,
    Off,
}

/// What an answer is to say, and how much that counts in each state.
#[derive(Clone, Debug)]
pub(super) struct Want {
    pub(super) wish: Wish,
    pub(super) on: u32,
    pub(super) stopping: u32,
    pub(super) off: u32,
}

#[derive(Clone, Debug)]
pub(super) enum Wish {
    /// The condition holds.
    Holds(Condition),
    /// It does not.
    Breaks(Condition),
    /// A number inside these limits.
    Within(Limits),
    /// This value.
    Is(Value),
    /// A text with this in it.
    Contains(String),
}

impl Want {
    const fn weight(&self, state: State) -> u32 {
        match state {
            State::On => self.on,
            State::Stopping => self.stopping,
            State::Off => self.off,
        }
    }
}

impl Wish {
    fn fulfilled(&self, value: &Value) -> bool {
        match self {
            Self::Holds(condition) => condition.holds(value),
            Self::Breaks(condition) => !condition.holds(value),
            Self::Within(limits) => killcord::core::check::number(value).is_some_and(|n| limits.allow(n)),
            Self::Is(wanted) => match (wanted, value) {
                (Value::Number(wanted), value) => killcord::core::check::number(value)
                    .is_some_and(|n| (n - wanted.0).abs() <= 1e-6 * wanted.0.abs().max(1.0)),
                (wanted, value) => wanted == value,
            },
            Self::Contains(text) => value.to_string().contains(text.as_str()),
        }
    }

    /// Values on both sides of it.
    fn values(&self) -> (Vec<f64>, Vec<String>) {
        let mut texts = Vec::new();
        let numbers = match self {
            Self::Holds(condition) | Self::Breaks(condition) => match condition {
                Condition::Equals(Expected::Number { value, tolerance }) => {
                    vec![value.0, value.0 + tolerance.0 + 1.0, value.0 - tolerance.0 - 1.0]
                }
                Condition::Equals(Expected::Truth(on)) => {
                    let on = f64::from(u8::from(*on));
                    vec![on, 1.0 - on]
                }
                Condition::Equals(Expected::Text(text)) => {
                    texts.extend([text.clone(), format!("NOT {text}")]);
                    Vec::new()
                }
                Condition::Below(limit) | Condition::Above(limit) => around(*limit),
                Condition::Between(low, high) => [around(*low), around(*high)].concat(),
                Condition::Matches(pattern) => {
                    texts.extend(sample::matching(pattern));
                    texts.push(String::from("-"));
                    Vec::new()
                }
            },
            Self::Within(limits) => {
                limits.min.iter().chain(&limits.max).flat_map(|limit| around(*limit)).collect()
            }
            Self::Is(Value::Number(number)) => vec![number.0],
            Self::Is(Value::Truth(on)) => vec![f64::from(u8::from(*on))],
            Self::Is(Value::Text(text)) => {
                texts.push(text.clone());
                Vec::new()
            }
            Self::Contains(text) => {
                texts.push(text.clone());
                Number::parse(text).map(|number| number.0).into_iter().collect()
            }
        };
        (numbers, texts)
    }
}

fn around(limit: Number) -> Vec<f64> {
    vec![limit.0 - 1.0, limit.0, limit.0 + 1.0, limit.0 / 2.0]
}

/// One value that an answer carries, and what is wanted of it.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) query: Step,
    pub(super) field: Option<u16>,
    pub(super) wants: Vec<Want>,
}

impl Slot {
    /// The best value in a state.
    pub(super) fn value(&self, state: State) -> Value {
        let score = |value: &Value| -> u32 {
            let fulfilled = self.wants.iter().filter(|want| want.wish.fulfilled(value));
            fulfilled.map(|want| want.weight(state)).sum()
        };
        let mut best: Option<(u32, Value)> = None;
        for value in self.candidates() {
            let score = score(&value);
            // The first of equals: the wishes' own values come before those between them.
            if best.as_ref().is_none_or(|(most, _)| score > *most) {
                best = Some((score, value));
            }
        }
        best.map_or(Value::Number(Number(0.0)), |(_, value)| value)
    }

    /// A value outside the limits, if there is one.
    pub(super) fn outside(&self, limits: &Limits) -> Option<Value> {
        let probe = Self {
            wants: vec![Want { wish: Wish::Within(limits.clone()), on: 1, stopping: 1, off: 1 }],
            ..self.clone()
        };
        let is_outside =
            |value: &Value| killcord::core::check::number(value).is_some_and(|number| !limits.allow(number));
        probe.candidates().into_iter().find(is_outside)
    }

    /// The demands that its value leaves open in a state, in words.
    pub(super) fn open(&self, state: State) -> Vec<String> {
        let value = self.value(state);
        let left =
            self.wants.iter().filter(|want| want.weight(state) >= MUST && !want.wish.fulfilled(&value));
        left.map(|want| match &want.wish {
            Wish::Holds(condition) => {
                Check { field: self.field, ..Check::once(self.query.clone(), condition.clone()) }.to_string()
            }
            Wish::Within(_) => format!("{} inside its limits", self.query),
            Wish::Breaks(_) | Wish::Is(_) | Wish::Contains(_) => format!("{} as expected", self.query),
        })
        .collect()
    }

    /// Values worth trying.
    fn candidates(&self) -> Vec<Value> {
        let (mut numbers, mut texts) = (Vec::new(), Vec::new());
        for want in &self.wants {
            let (n, t) = want.wish.values();
            numbers.extend(n);
            texts.extend(t);
        }
        // Two wishes may leave only the space between their values.
        let mut sorted = numbers.clone();
        sorted.sort_by(f64::total_cmp);
        numbers.extend(sorted.windows(2).map(|pair| f64::midpoint(pair[0], pair[1])));
        numbers.extend([1.0, 0.0]);
        match &self.query {
            Step::Read { table: Table::Coil | Table::Discrete, .. } => {
                numbers.into_iter().map(|number| Value::Truth(number != 0.0)).collect()
            }
            Step::Read { format, .. } => {
                // As it comes out of the register, rounded to what that can hold.
                let held = |number| register::encode(Number(number), *format);
                numbers
                    .into_iter()
                    .filter_map(held)
                    .map(|words| Value::Number(register::decode(&words, *format)))
                    .collect()
            }
            _ => {
                let number = |number| Value::Text(Number(number).to_string());
                texts.into_iter().map(Value::Text).chain(numbers.into_iter().map(number)).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use killcord::core::rig::{OnLimit, While};
    use std::time::Duration;

    fn want(wish: Wish, on: u32, off: u32) -> Want {
        Want { wish, on, stopping: on, off }
    }

    fn verify(condition: &Condition) -> [Want; 2] {
        [want(Wish::Holds(condition.clone()), 0, MUST), want(Wish::Breaks(condition.clone()), 100, 0)]
    }

    fn limits(max: f64) -> Limits {
        Limits {
            min: None,
            max: Some(Number(max)),
            on: OnLimit::Safe,
            r#while: While::Armed,
            r#for: Duration::ZERO,
        }
    }

    #[test]
    fn a_twin_answers_so_that_the_check_holds_when_it_is_off_and_not_before() {
        let matches = killcord::core::check::Pattern::new("^(IDLE|OFF)").unwrap();
        for condition in [
            Condition::Equals(Expected::Truth(false)),
            Condition::Equals(Expected::Number { value: Number(0.0), tolerance: Number(0.1) }),
            Condition::Equals(Expected::Text(String::from("STANDBY"))),
            Condition::Below(Number(0.5)),
            Condition::Above(Number(20.0)),
            Condition::Between(Number(1.0), Number(2.0)),
            Condition::Matches(matches),
        ] {
            let slot = Slot { query: Step::query("Q?"), field: None, wants: verify(&condition).to_vec() };
            assert!(condition.holds(&slot.value(State::Off)), "{condition}: {:?}", slot.value(State::Off));
            assert!(!condition.holds(&slot.value(State::On)), "{condition}: {:?}", slot.value(State::On));
            assert_eq!(slot.open(State::Off), [] as [String; 0]);
        }
    }

    #[test]
    fn one_question_serves_a_check_and_an_interlock() {
        let mut wants = verify(&Condition::Below(Number(0.5))).to_vec();
        wants.push(want(Wish::Within(limits(13.0)), MUST, 1));
        let slot = Slot { query: Step::query("MEAS:VOLT?"), field: None, wants };
        let on = killcord::core::check::number(&slot.value(State::On)).unwrap();
        assert!((0.5..=13.0).contains(&on), "{on}");
        let outside = slot.outside(&limits(13.0)).unwrap();
        assert!(killcord::core::check::number(&outside).unwrap() > 13.0);
    }

    #[test]
    fn checks_that_contradict_each_other_are_told() {
        let truth = |on| Condition::Equals(Expected::Truth(on));
        let wants = [verify(&truth(false)), verify(&truth(true))].concat();
        let slot = Slot { query: Step::query("OUTP?"), field: None, wants };
        assert_eq!(slot.open(State::Off).len(), 1, "{:?}", slot.open(State::Off));
    }
}
