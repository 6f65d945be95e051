//! `killcord stand-in ADDRESS LINE`: a drill's stand-in for a program of the rig.

use crate::{args, drill, stop::Stop};

pub(super) fn run(stand_in: &args::StandIn) -> Result<u8, Stop> {
    drill::tell(stand_in.at, &stand_in.line).map_err(|source| Stop::System {
        what: String::from("the drill's twin was not told; it has ended"),
        source,
    })?;
    Ok(0)
}
