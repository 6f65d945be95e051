//! `[remote]`

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

use ipnet::IpNet;
use killcord_core::rig::{Remote, Tls};

use crate::{fields::Fields, node::Node};

/// More names than a bench has.
const MOST_NAMES: usize = 32;
/// More proxies than stand before one.
const MOST_PROXIES: usize = 32;

/// Reads the section; without it no port is opened.
pub(crate) fn read(root: &Fields<'_>) -> Option<Remote> {
    let node = root.get("remote")?;
    let fields = node.table("[remote]", "a table: write [remote] once, in single brackets")?;
    let at = fields.require("listen", "write listen = \"127.0.0.1:8420\"");
    let listen = at.and_then(address);
    let names = fields.get("names").and_then(|node| node.list("a list of names", MOST_NAMES));
    let names = names.unwrap_or_default().into_iter().filter_map(name).collect();
    let proxies = fields.get("trusted_proxies");
    let proxies = proxies.and_then(|node| node.list("a list of addresses", MOST_PROXIES)).unwrap_or_default();
    let base_path = fields.get("base_path").map_or_else(|| Some("/".into()), base_path);
    let written = fields.get("tls");
    let tls = written.map_or(Some(Tls::Off), tls);
    if let (Some(at), Some(listen), Some(Tls::Off)) = (at, listen, &tls)
        && !listen.ip().is_loopback()
        && (written.is_none() || proxies.is_empty())
    {
        at.error("other machines reach this address, and nothing is encrypted")
            .label("whoever can listen on the network could take control")
            .help("write tls = \"self-signed\"")
            .help("or write tls = \"off\" and, in trusted_proxies, the address of the proxy that encrypts")
            .help(format!("or stay on this machine: write listen = \"127.0.0.1:{}\"", listen.port()))
            .tell();
    }
    let trusted_proxies: Vec<IpNet> = proxies.into_iter().filter_map(proxy).collect();
    let (app_listen, app_origin) = app(root, &fields, listen);
    if let (Some(app), Some(base_path), None) = (root.peek("app"), &base_path, fields.get("app_origin"))
        && (!trusted_proxies.is_empty() || base_path != "/")
    {
        let problems = node.problems;
        problems
            .error(app.key_span, "behind a proxy the app has no address of its own")
            .label("its pages are shown under another name or port than Killcord's")
            .help("write app_origin = \"https://bench1-app.lab.example\" in [remote]: where the proxy shows the app")
            .tell();
    }
    fields.finish();
    Some(Remote {
        listen: listen?,
        tls: tls?,
        names,
        trusted_proxies,
        base_path: base_path?,
        app_listen,
        app_origin,
    })
}

/// `app_listen` and `app_origin`: where the pages of a wrapped app are, apart from Killcord's own.
fn app(
    root: &Fields<'_>,
    fields: &Fields<'_>,
    listen: Option<SocketAddr>,
) -> (Option<SocketAddr>, Option<String>) {
    let (at, shown) = (fields.get("app_listen"), fields.get("app_origin"));
    if root.peek("app").is_none() {
        for node in [at, shown].into_iter().flatten() {
            node.warning("this is for the pages of a wrapped app, and there is no [app]")
                .help("leave it out")
                .tell();
        }
    }
    let address = at.and_then(address);
    if let (Some(at), Some(address), Some(listen)) = (at, address, listen) {
        let next = listen.port().checked_add(1).unwrap_or(1024);
        let help = format!("write app_listen = \"{}\"", SocketAddr::new(listen.ip(), next));
        if address.ip() != listen.ip() {
            at.error("the app is reached at the address of `listen`, and at another port").help(help).tell();
        } else if address.port() != 0 && address.port() == listen.port() {
            at.error("Killcord's own pages are at this port").help(help).tell();
        }
    }
    (address, shown.and_then(origin))
}

/// Scheme and name, with or without a port.
fn origin(node: Node<'_>) -> Option<String> {
    let text = node.text()?.to_ascii_lowercase();
    let sound = |rest: &str| {
        let (name, port) = rest.split_once(':').map_or((rest, None), |(name, port)| (name, Some(port)));
        let label = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
        let fits = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
        !name.is_empty() && name.chars().all(label) && fits
    };
    let rest = text.strip_prefix("https://").map(|rest| (rest, ":443"));
    let rest = rest.or_else(|| text.strip_prefix("http://").map(|rest| (rest, ":80")));
    match rest {
        // As browsers write it.
        Some((rest, usual)) if sound(rest) => Some(text.strip_suffix(usual).unwrap_or(&text).to_owned()),
        _ => {
            node.error("this is no origin: a scheme and a name, and a port if need be, without a path")
                .help("write app_origin = \"https://bench1-app.lab.example\"")
                .tell();
            None
        }
    }
}

fn address(node: Node<'_>) -> Option<SocketAddr> {
    let address = node.text()?.parse();
    if address.is_err() {
        node.error(format!("`{}` is an address and a port, as in 127.0.0.1:8420", node.key))
            .help(format!("write {} = \"127.0.0.1:8420\"", node.key))
            .tell();
    }
    address.ok()
}

fn name(node: Node<'_>) -> Option<String> {
    let name = node.text()?;
    let sound = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    if name.is_empty() || !name.chars().all(sound) {
        node.error("this is no name of a machine").help("write it without scheme, port and path").tell();
        return None;
    }
    Some(name.to_ascii_lowercase())
}

/// An address, or a network as `10.0.0.0/24`. One that holds every address would believe everybody.
fn proxy(node: Node<'_>) -> Option<IpNet> {
    let text = node.text()?;
    let network = text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
    match network {
        Some(network) if network.prefix_len() == 0 => {
            node.error("everybody would be believed to be a proxy").help("name the proxy's address").tell();
            None
        }
        Some(network) => Some(network.trunc()),
        None => {
            node.error("this is no address of a proxy")
                .help("write an address such as \"192.168.1.5\", or a network such as \"192.168.1.0/24\"")
                .tell();
            None
        }
    }
}

/// With a slash at both ends.
fn base_path(node: Node<'_>) -> Option<String> {
    let text = node.text()?;
    let sound = |part: &str| {
        let unreserved = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~');
        !part.is_empty() && !matches!(part, "." | "..") && part.chars().all(unreserved)
    };
    let inner = text.strip_prefix('/').map(|rest| rest.strip_suffix('/').unwrap_or(rest));
    match inner {
        Some("") => Some("/".into()),
        Some(inner) if inner.split('/').all(sound) => Some(format!("/{inner}/")),
        _ => {
            node.error("this is no path")
                .help("write the path that the proxy shows, as in \"/bench1/\"")
                .tell();
            None
        }
    }
}

fn tls(node: Node<'_>) -> Option<Tls> {
    if node.value.as_table().is_none() {
        return node
            .word(&[("off", false), ("self-signed", true)])
            .map(|signed| if signed { Tls::SelfSigned } else { Tls::Off });
    }
    let fields = node.table("`tls`", "text or a table")?;
    let file = |key, help| fields.require(key, help).and_then(|node| node.text()).map(PathBuf::from);
    let cert =
        file("cert", "write cert = \"bench.pem\": the certificate, then those between it and the root");
    let key = file("key", "write key = \"bench.key\": its private key");
    fields.finish();
    Some(Tls::Own { cert: cert?, key: key? })
}
