//! `killcord serve RIG`: a host without a window. With `[remote]` its sessions are pages in browsers, without it
//! this terminal.

use std::{io::IsTerminal as _, os::fd::AsFd as _};

use killcord::{Host, Rig, core::policy::ArmPolicy, system::Service};
use killcord_server::{Assets, BindError, Bound, Qr, Remote, Server};

use super::Scene;
use crate::{args, load, stop::Stop, terminal};

pub(super) fn run(scene: &Scene<'_>, serve: &args::Serve) -> Result<u8, Stop> {
    let mut rig = load::rig(&serve.rig, scene.console)?;
    if serve.arm {
        rig.policy.safety.arm = ArmPolicy::OnFirstSession;
    }
    match rig.remote.clone() {
        Some(remote) => in_browsers(scene, serve, rig, &remote),
        None => {
            let host = start(scene, serve, rig)?;
            Ok(terminal::attend(&host, scene.console, scene.common.json))
        }
    }
}

fn start(scene: &Scene<'_>, serve: &args::Serve, rig: Rig) -> Result<Host, Stop> {
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
    Ok(host)
}

/// Ports are taken before a device is touched, and given back after the record is written.
fn in_browsers(scene: &Scene<'_>, serve: &args::Serve, rig: Rig, remote: &Remote) -> Result<u8, Stop> {
    let folder = scene.options(&serve.rig).rig_dir();
    let assets = Assets::of(&rig).map_err(BindError::from)?;
    let mut bound = Bound::to(remote, &folder)?;
    if rig.plan.app.is_some() {
        bound = bound.with_app(remote)?;
    }
    let host = start(scene, serve, rig)?;
    let console = scene.console.clone();
    let json = scene.common.json;
    let out = std::io::stdout();
    let kept = Service::keeps(out.as_fd());
    let camera = out.is_terminal();
    let tell = move |link: String| match (json, kept) {
        // A link in a log is one for whoever reads the log.
        (_, true) => {}
        (true, _) => console.say(serde_json::json!({ "t": "link", "url": link }).to_string()),
        _ => {
            console.say(format!("Open in a browser (once, within 10 minutes): {link}"));
            if let Some(qr) = Qr::of(&link).filter(|_| camera) {
                console.say(qr.text());
            }
        }
    };
    let server = bound.serve(host.clone(), assets, tell.clone());
    match &server {
        Ok(server) => match server.invite() {
            Some(link) => {
                if let Some(fingerprint) = server.fingerprint() {
                    scene.console.error(format!(
                        "The browser will not know this host's certificate. Compare its SHA-256 fingerprint before you go \
                         on:\n{fingerprint}"
                    ));
                }
                if kept {
                    let rig = serve.rig.display();
                    scene.console.error(format!("Served. Let people in by: killcord token add {rig} NAME"));
                }
                tell(link);
            }
            None => scene.console.error("this machine gives no random numbers: nobody new can be paired"),
        },
        // Nobody will ever get in: the host ends as it would by a signal.
        Err(_) => drop(host.shutdown(killcord::Cause::Requested)),
    }
    let exit = terminal::await_end(&host, scene.console, json);
    let _ended: Server = server?;
    Ok(exit)
}
