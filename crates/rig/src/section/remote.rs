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
    let trusted_proxies = proxies.into_iter().filter_map(proxy).collect();
    fields.finish();
    Some(Remote { listen: listen?, tls: tls?, names, trusted_proxies, base_path: base_path? })
}

fn address(node: Node<'_>) -> Option<SocketAddr> {
    let address = node.text()?.parse();
    if address.is_err() {
        node.error("`listen` is an address and a port, as in 127.0.0.1:8420")
            .help("write listen = \"127.0.0.1:8420\"")
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
