//! Identifiers as types of their own, so that no session number is ever taken for a device number.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

macro_rules! index {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "generate", derive(ts_rs::TS, schemars::JsonSchema))]
        #[serde(transparent)]
        pub struct $name(pub u16);

        impl $name {
            /// The position as a slice index.
            #[must_use]
            pub const fn at(self) -> usize {
                self.0 as usize
            }
        }

        impl From<usize> for $name {
            /// The identifier of the element at `index`; a rig is refused long before 65 536 of anything.
            fn from(index: usize) -> Self {
                Self(u16::try_from(index).unwrap_or(u16::MAX))
            }
        }
    };
}

index! {
    /// A device, by its place in the rig file.
    DeviceIx
}
index! {
    /// A link, by its place in [`crate::Plan::links`].
    LinkIx
}
index! {
    /// A reading, by its place in [`crate::Rig::readings`] (all devices' readings in file order).
    ReadingIx
}
index! {
    /// A control, by its place in [`crate::Rig::controls`] (all devices' controls in file order).
    ControlIx
}

/// One attached GUI. Never reused within a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(schemars::JsonSchema))]
// What a page's own numbers hold without loss.
#[cfg_attr(feature = "generate", schemars(extend("maximum" = 9_007_199_254_740_991_u64)))]
#[serde(transparent)]
pub struct SessionId(pub u64);

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s{}", self.0)
    }
}

/// One life of a host. Never repeats for one state folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "generate", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct RunId(pub u64);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The fencing number: raised at every change of control and at every teardown. Written `run.n`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "generate", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "generate", schemars(with = "String", extend("pattern" = "^[0-9]{1,15}\\.[0-9]{1,15}$")))]
pub struct Epoch {
    /// The host's life that it belongs to.
    pub run: RunId,
    /// Counts up within the run.
    pub n: u64,
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.run, self.n)
    }
}

/// An epoch is two whole numbers with a point between them, such as `17.4`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an epoch is written run.n, such as 17.4; take it from the last welcome or control frame")]
pub struct BadEpoch;

impl FromStr for Epoch {
    type Err = BadEpoch;

    fn from_str(text: &str) -> Result<Self, BadEpoch> {
        let (run, n) = text.split_once('.').ok_or(BadEpoch)?;
        Ok(Self { run: RunId(run.parse().map_err(|_| BadEpoch)?), n: n.parse().map_err(|_| BadEpoch)? })
    }
}

impl Serialize for Epoch {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Epoch {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_is_read_back_as_it_was_written() {
        let epoch = Epoch { run: RunId(17), n: 4 };
        assert_eq!(epoch.to_string().parse(), Ok(epoch));
        for bad in ["", "17", "17.", ".4", "17.4.1", "-1.2", "a.b"] {
            assert_eq!(bad.parse::<Epoch>(), Err(BadEpoch), "{bad:?}");
        }
    }
}
