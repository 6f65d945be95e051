//! `killcord serve RIG`: a host whose session is this terminal. No window, no listener.

use killcord::{Host, core::policy::ArmPolicy, system::Service};

use super::Scene;
use crate::{args, load, stop::Stop, terminal};

pub(super) fn run(scene: &Scene<'_>, serve: &args::Serve) -> Result<u8, Stop> {
    let mut rig = load::rig(&serve.rig, scene.console)?;
    if serve.arm {
        rig.policy.safety.arm = ArmPolicy::OnFirstSession;
    }
    let options = scene.options(&serve.rig).service(Service::from_env());
    scene.signals.hold();
    let host = match Host::start(rig, options) {
        Ok(host) => host,
        Err(error) => {
            scene.signals.let_go();
            return Err(error.into());
        }
    };
    scene.signals.deliver_to(&host);
    Ok(terminal::attend(&host, scene.console, scene.common.json))
}
