//! `killcord token add|list|revoke`: who may come in from a browser or a program. Works beside a running host, which
//! sees the change within a moment.

use std::path::Path;

use killcord::{Rig, Role};
use killcord_server::{Kind, Token, Tokens};

use super::{Scene, json, print};
use crate::{
    args::{self, TokenCommand, TokenRole},
    load, moment,
    stop::Stop,
    table,
};

pub(super) fn run(scene: &Scene<'_>, command: &TokenCommand) -> Result<u8, Stop> {
    match command {
        TokenCommand::Add(add) => self::add(scene, add),
        TokenCommand::List { rig } => list(scene, rig),
        TokenCommand::Revoke { rig, name } => {
            // Also where the rig file is broken: whoever wants to shut somebody out does not mend it first.
            tokens(scene, rig).revoke(name)?;
            scene.console.error(format!("Revoked {name}, and whoever was let in by it."));
            Ok(0)
        }
    }
}

fn tokens(scene: &Scene<'_>, rig: &Path) -> Tokens {
    Tokens::of(&scene.options(rig).rig_dir())
}

fn add(scene: &Scene<'_>, add: &args::TokenAdd) -> Result<u8, Stop> {
    let rig = load::rig(&add.rig, scene.console)?;
    let role = match add.role {
        TokenRole::Operator => Role::Operator,
        TokenRole::Observer => Role::Observer,
    };
    let (token, secret) = tokens(scene, &add.rig).add(&add.name, role, add.lives)?;
    if scene.common.json {
        print(&json(&serde_json::json!({ "name": token.name, "role": token.role, "secret": secret })));
        return Ok(0);
    }
    scene.console.error(hint(&rig, &token));
    scene.console.flush();
    print(&secret);
    Ok(0)
}

fn hint(rig: &Rig, token: &Token) -> String {
    let name = &token.name;
    let what = format!(
        "{name} is let in as {}. This is the only time that its secret is shown. A person enters it on the pairing page; a \
         program sends it as `Authorization: Bearer SECRET`. `killcord token revoke` ends it.",
        role(token.role)
    );
    if rig.remote.is_some() {
        what
    } else {
        format!("{what}\nThe rig file has no [remote] yet: nothing is served.")
    }
}

fn list(scene: &Scene<'_>, rig: &Path) -> Result<u8, Stop> {
    let tokens = tokens(scene, rig).list()?;
    if scene.common.json {
        let rows: Vec<_> = tokens.iter().map(row).collect();
        print(&json(&rows));
        return Ok(0);
    }
    if tokens.is_empty() {
        scene
            .console
            .error("Nobody is let in. `killcord token add` makes a token; `killcord serve` prints a link.");
        return Ok(0);
    }
    let rows: Vec<Vec<String>> = tokens
        .iter()
        .map(|token| {
            let until = token.expires_unix_ms.map_or_else(|| "revoked".into(), moment::local);
            let what = match token.kind {
                Kind::Key => "key".into(),
                Kind::Browser => token.agent.clone().unwrap_or_else(|| "browser".into()),
            };
            let by = token.by.clone().unwrap_or_default();
            vec![
                token.name.clone(),
                role(token.role).into(),
                what,
                by,
                moment::local(token.made_unix_ms),
                until,
            ]
        })
        .collect();
    print(&table::columns(&["name", "role", "what", "let in by", "since", "until"], &rows));
    Ok(0)
}

fn row(token: &Token) -> serde_json::Value {
    serde_json::json!({
        "name": token.name,
        "kind": token.kind,
        "role": token.role,
        "by": token.by,
        "agent": token.agent,
        "made": moment::utc(token.made_unix_ms),
        "expires": token.expires_unix_ms.map(moment::utc),
    })
}

const fn role(role: Role) -> &'static str {
    match role {
        Role::Operator => "operator",
        Role::Observer => "observer",
    }
}
