//! `connect = "…"`: where a link leads and how its line is set.
//!
//! Nothing is opened and no name is resolved here. The address is read by hand: no percent signs, user
//! names or fragments mean anything in it, and every part keeps its place in the file.

mod query;
mod serial_path;

use std::path::PathBuf;

use killcord_core::{
    driver::LinkKind,
    plan::{Connect, Parity, Protocol, SerialLine, Terminator},
};

use self::query::Query;
use crate::node::{Node, short};

/// A link's address, checked.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    pub(crate) connect: Connect,
    pub(crate) kind: LinkKind,
    pub(crate) cut_in: bool,
    /// Whether `multi_drop` is written there, so that sharing does not decide it.
    pub(crate) multi_drop_said: bool,
    /// The same for two addresses that lead to the same place.
    pub(crate) identity: String,
}

const FORMS: &str = "the forms are tcp://HOST:PORT, serial:///dev/…?baud=9600, modbus+tcp://HOST:502 and \
                     modbus+rtu:///dev/…?baud=19200&parity=even";

/// Reads an address.
pub(crate) fn read(node: Node<'_>) -> Option<Connection> {
    let text = node.text()?;
    let Some((scheme, rest)) = text.split_once("://") else {
        no_scheme(node, text);
        return None;
    };
    let at = scheme.len() + 3;
    let (address, query) = match rest.split_once('?') {
        Some((address, query)) => (address, Some((at + address.len() + 1, query))),
        None => (rest, None),
    };
    let query = Query::new(node, query);
    match scheme {
        "tcp" => tcp(node, at, address, None, query),
        "modbus+tcp" => tcp(node, at, address, Some(502), query),
        "serial" => serial(node, at, address, LinkKind::Line, query),
        "modbus+rtu" => serial(node, at, address, LinkKind::Modbus, query),
        "usbtmc" | "vxi11" | "hislip" | "gpib" | "gpio" | "visa" | "modbus+udp" | "udp" => {
            node.problems
                .error(node.part(0, scheme.len()), format!("`{scheme}` is not supported yet"))
                .help("most instruments also take SCPI on a plain socket: connect = \"tcp://HOST:5025\"")
                .tell();
            None
        }
        _ => {
            node.problems
                .error(node.part(0, scheme.len()), format!("`{}` is no way to connect", short(scheme)))
                .suggest(scheme, ["tcp", "serial", "modbus+tcp", "modbus+rtu"])
                .help(FORMS)
                .tell();
            None
        }
    }
}

/// What was probably meant by an address without a scheme.
fn no_scheme(node: Node<'_>, text: &str) {
    let visa: Vec<&str> = text.split("::").collect();
    let guess = match visa.as_slice() {
        [board, host, port, "SOCKET"] if board.starts_with("TCPIP") => Some(format!("tcp://{host}:{port}")),
        [board, host, ..] if board.starts_with("TCPIP") => Some(format!("tcp://{host}:5025")),
        [port, ..] if port.starts_with("ASRL/") => Some(format!("serial://{}?baud=9600", &port[4..])),
        _ if text.starts_with('/') => Some(format!("serial://{text}?baud=9600")),
        _ => match text.rsplit_once(':') {
            Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => {
                Some(format!("tcp://{text}"))
            }
            _ => None,
        },
    };
    let draft = node.error("an address begins with the way to connect");
    match guess {
        Some(guess) => draft.help(format!("did you mean \"{guess}\"?")),
        None => draft,
    }
    .help(FORMS)
    .tell();
}

/// `tcp://` and `modbus+tcp://`; the latter has a port that is meant when none is written.
fn tcp(
    node: Node<'_>,
    at: usize,
    address: &str,
    usual_port: Option<u16>,
    mut query: Query<'_>,
) -> Option<Connection> {
    let cut_in = query.truth("cut_in").unwrap_or(true);
    let (protocol, kind) = if usual_port.is_some() {
        (Protocol::ModbusTcp, LinkKind::Modbus)
    } else {
        let terminator = query.terminator().unwrap_or(Terminator::Lf);
        (Protocol::Line { terminator }, LinkKind::Line)
    };
    query.finish();

    let trimmed = address.strip_suffix('/').unwrap_or(address);
    let (host, port) = match trimmed.rsplit_once(':') {
        // The last colon of a bare [::1] stands inside the brackets.
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (trimmed, None),
    };
    let host_span = node.part(at, at + host.len());
    let port = match port {
        Some(port) => match port.parse::<u16>() {
            Ok(port) if port > 0 => port,
            _ => {
                let start = at + host.len() + 1;
                node.problems
                    .error(node.part(start, start + port.len()), "a port is a number from 1 to 65535")
                    .tell();
                return None;
            }
        },
        None => match usual_port {
            Some(port) => port,
            None => {
                node.problems
                    .error(host_span, "the address has no port")
                    .help(format!(
                        "write it behind a colon; SCPI instruments often listen on 5025: \"tcp://{}:5025\"",
                        short(host)
                    ))
                    .tell();
                return None;
            }
        },
    };
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let good = match bare {
        Some(v6) => v6.split('%').next().is_some_and(|v6| v6.parse::<std::net::Ipv6Addr>().is_ok()),
        None => {
            !host.is_empty()
                && host.len() <= 253
                && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
        }
    };
    if !good {
        let draft = node.problems.error(host_span, "this is no host name or address");
        match host.parse::<std::net::Ipv6Addr>() {
            Ok(v6) => draft.help(format!("an IPv6 address stands in brackets: [{v6}]:{port}")),
            Err(_) => draft.help("such as 192.168.1.21, bench-psu.local or [fe80::1]"),
        }
        .tell();
        return None;
    }
    let host = bare.unwrap_or(host).to_owned();
    Some(Connection {
        identity: format!("tcp {}:{port}", host.to_ascii_lowercase()),
        connect: Connect::Tcp { host, port, protocol },
        kind,
        cut_in,
        multi_drop_said: false,
    })
}

/// `serial://` and `modbus+rtu://`.
fn serial(
    node: Node<'_>,
    at: usize,
    address: &str,
    kind: LinkKind,
    mut query: Query<'_>,
) -> Option<Connection> {
    let rtu = kind == LinkKind::Modbus;
    let usual = if rtu {
        // Modbus over Serial Line V1.02, sections 2.2 and 2.5.1: 19.2 kbit/s, even parity.
        SerialLine { baud: 19_200, parity: Parity::Even, ..SerialLine::default() }
    } else {
        SerialLine::default()
    };
    let baud = query.integer("baud", 50..=4_000_000).unwrap_or(usual.baud);
    let parity = query.parity().unwrap_or(usual.parity);
    let stop_bits = query.integer("stop", 1..=2).map_or(usual.stop_bits, |bits| bits as u8);
    let dtr = query.dtr().unwrap_or(usual.dtr);
    let (line, protocol, cut_in, multi_drop_said);
    if rtu {
        // Half-duplex with frames told apart by silence: an exchange is never cut in on.
        line = SerialLine { baud, parity, stop_bits, dtr, multi_drop: true, ..usual };
        (protocol, cut_in, multi_drop_said) = (Protocol::ModbusRtu, false, true);
    } else {
        let data_bits = query.integer("data", 5..=8).map_or(usual.data_bits, |bits| bits as u8);
        let flow = query.flow().unwrap_or(usual.flow);
        let multi_drop = query.truth("multi_drop");
        let said_cut_in = query.truth("cut_in");
        let terminator = query.terminator().unwrap_or(Terminator::Lf);
        if multi_drop == Some(true) && said_cut_in == Some(true) {
            query
                .error("cut_in", "a multi-drop line cannot be cut in on: the answer in flight would collide")
                .help("leave cut_in out, or multi_drop if the instrument has the line to itself")
                .tell();
        }
        line = SerialLine {
            baud,
            data_bits,
            parity,
            stop_bits,
            flow,
            dtr,
            multi_drop: multi_drop.unwrap_or(false),
        };
        protocol = Protocol::Line { terminator };
        cut_in = said_cut_in.unwrap_or(!line.multi_drop);
        multi_drop_said = multi_drop.is_some();
    }
    query.finish();

    let scheme = if rtu { "modbus+rtu" } else { "serial" };
    let path_span = node.part(at, at + address.len());
    if !address.starts_with('/') || address.len() < 2 {
        let draft = node.problems.error(path_span, "the serial port is a full path");
        match address {
            "" => draft.help(format!("such as {scheme}:///dev/serial/by-id/usb-…")),
            _ if address.to_ascii_uppercase().starts_with("COM") => {
                draft.help("COM ports are Windows'; here they are files such as /dev/serial/by-id/usb-…")
            }
            _ => draft.help(format!("three slashes in a row: \"{scheme}:///{}\"", short(address))),
        }
        .tell();
        return None;
    }
    serial_path::warn_of_a_name_that_moves(node, path_span, address);
    Some(Connection {
        identity: serial_path::identity(address),
        connect: Connect::Serial { path: PathBuf::from(address), line, protocol },
        kind,
        cut_in,
        multi_drop_said,
    })
}
