//! Room for open files: links, programs, the journal, the watchdog and every page need a descriptor each.
//!
//! The usual soft limit (1024) is there for programs that use `select`. A host that ran out of descriptors could
//! start no program that makes a device safe, and connect none.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// As many as a host makes use of. Not all that the system allows: programs that close every number up to the limit
/// when they start are started by this process.
const WANTED: u64 = 8192;

/// Raises this process' soft limit of open files to what a host makes use of, as far as the system lets it.
pub(crate) fn make_room() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let most = maximum.map_or(WANTED, |maximum| WANTED.min(maximum));
    if current.is_some_and(|current| current < most)
        && let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: Some(most), maximum })
    {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_low_soft_limit_is_raised_and_a_high_one_and_the_hard_one_are_left() {
        let before = getrlimit(Resource::Nofile);
        setrlimit(Resource::Nofile, Rlimit { current: Some(512), maximum: before.maximum }).unwrap();
        make_room();
        let after = getrlimit(Resource::Nofile);
        assert_eq!(after.current, Some(before.maximum.map_or(WANTED, |maximum| WANTED.min(maximum))));
        assert_eq!(after.maximum, before.maximum);
        make_room();
        assert_eq!(getrlimit(Resource::Nofile).current, after.current);
    }
}
