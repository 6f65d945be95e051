//! From where a request comes, and by which way: what is believed of a proxy's headers, and of whose. Pure.
//!
//! **It must never** believe a header of somebody who is no trusted proxy: whoever sends one is taken for whom his
//! connection says.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, HeaderName, header::HOST};
use ipnet::IpNet;

const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const ASKED: HeaderName = HeaderName::from_static("x-forwarded-host");

/// The two ends of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ends {
    pub(crate) peer: SocketAddr,
    pub(crate) local: SocketAddr,
    /// Encrypted by us.
    pub(crate) tls: bool,
}

/// From where a request comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct From {
    /// The browser's address, by the word of the proxies that are trusted.
    pub(crate) address: IpAddr,
    /// A trusted proxy stands between.
    pub(crate) proxied: bool,
    /// What the browser calls the way to the outermost of us.
    pub(crate) scheme: Scheme,
    /// The name that the browser asked for; `None` where it is none, or said twice.
    pub(crate) host: Option<String>,
}

/// `http` or `https`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    Plain,
    Encrypted,
}

impl Scheme {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Plain => "http",
            Self::Encrypted => "https",
        }
    }
}

/// Whether a connection comes from a proxy that is believed.
pub(crate) fn is_trusted(peer: IpAddr, trusted: &[IpNet]) -> bool {
    let peer = peer.to_canonical();
    trusted.iter().any(|network| network.contains(&peer))
}

impl From {
    pub(crate) fn of(ends: Ends, headers: &HeaderMap, trusted: &[IpNet]) -> Self {
        let peer = ends.peer.ip().to_canonical();
        let own = if ends.tls { Scheme::Encrypted } else { Scheme::Plain };
        let host = single(headers, &HOST).flatten();
        if !is_trusted(peer, trusted) {
            return Self { address: peer, proxied: false, scheme: own, host: host.map(str::to_owned) };
        }
        let scheme = match single(headers, &PROTO) {
            Some(Some("https" | "wss")) => Scheme::Encrypted,
            Some(Some("http" | "ws")) => Scheme::Plain,
            _ => own,
        };
        let host = single(headers, &ASKED).unwrap_or(host);
        Self {
            address: browser(peer, headers, trusted),
            proxied: true,
            scheme,
            host: host.map(str::to_owned),
        }
    }
}

/// The nearest address that is no trusted proxy's: each proxy adds whom it speaks for at the end. What stands before
/// that address anybody could have written.
fn browser(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let mut nearest = peer;
    for line in headers.get_all(FOR).iter().rev() {
        let Ok(line) = line.to_str() else { return nearest };
        for item in line.rsplit(',') {
            let Some(address) = address(item.trim()) else { return nearest };
            nearest = address;
            if !is_trusted(address, trusted) {
                return nearest;
            }
        }
    }
    nearest
}

/// An address, with or without a port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().or_else(|_| text.parse::<SocketAddr>().map(|with_port| with_port.ip()));
    address.ok().map(|address: IpAddr| address.to_canonical())
}

/// A header that may come once; `Some(None)` where it came twice or is no text.
pub(crate) fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<Option<&'a str>> {
    let mut all = headers.get_all(name).iter();
    let first = all.next()?;
    Some(first.to_str().ok().filter(|_| all.next().is_none()))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    const BROWSER: &str = "203.0.113.7";

    fn from(peer: &str, lines: &[(&'static str, &str)]) -> From {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        let ends = Ends {
            peer: SocketAddr::new(peer.parse().unwrap(), 50_000),
            local: "192.0.2.1:8420".parse().unwrap(),
            tls: false,
        };
        From::of(ends, &headers, &["192.0.2.5/32".parse().unwrap(), "10.1.0.0/16".parse().unwrap()])
    }

    #[test]
    fn a_trusted_proxy_says_for_whom_it_speaks() {
        let lines =
            [("host", "127.0.0.1:8420"), ("x-forwarded-for", BROWSER), ("x-forwarded-proto", "https")];
        let found = from("192.0.2.5", &lines);
        assert_eq!((found.address, found.scheme), (BROWSER.parse().unwrap(), Scheme::Encrypted));
        assert_eq!(found.host.as_deref(), Some("127.0.0.1:8420"));
        let asked = from("192.0.2.5", &[("host", "inner"), ("x-forwarded-host", "bench.example")]);
        assert_eq!(asked.host.as_deref(), Some("bench.example"));
    }

    #[test]
    fn nobody_else_is_believed() {
        let lines = [
            ("host", "bench.example"),
            ("x-forwarded-for", "192.0.2.5"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "other.example"),
        ];
        for peer in ["203.0.113.7", "::1", "10.2.0.1", "192.0.2.50"] {
            let found = from(peer, &lines);
            assert_eq!((found.address, found.proxied), (peer.parse().unwrap(), false));
            assert_eq!((found.scheme, found.host.as_deref()), (Scheme::Plain, Some("bench.example")));
        }
    }

    #[test]
    fn what_stands_before_the_nearest_address_is_not_believed() {
        for said in [
            format!("10.1.0.1, 127.0.0.1, {BROWSER}"),
            format!("1.2.3.4, {BROWSER}, 10.1.0.9"),
            format!("nonsense, {BROWSER}:1234, 10.1.0.9, 10.1.2.3"),
        ] {
            assert_eq!(
                from("192.0.2.5", &[("x-forwarded-for", &said)]).address.to_string(),
                BROWSER,
                "{said}"
            );
        }
        let two = [("x-forwarded-for", "1.2.3.4"), ("x-forwarded-for", BROWSER)];
        assert_eq!(from("192.0.2.5", &two).address.to_string(), BROWSER);
    }

    #[test]
    fn what_is_no_address_leaves_the_proxy_s_own() {
        for said in ["", "unknown", "_hidden", "999.1.1.1", "\u{e9}", ","] {
            let found = from("192.0.2.5", &[("x-forwarded-for", said)]);
            assert_eq!(found.address.to_string(), "192.0.2.5", "{said}");
        }
    }

    #[test]
    fn an_address_of_ipv4_in_ipv6_is_what_it_is() {
        let lines = [("x-forwarded-for", "[2001:db8::7]:443")];
        assert_eq!(from("::ffff:192.0.2.5", &lines).address.to_string(), "2001:db8::7");
        assert_eq!(from("::ffff:203.0.113.7", &lines).address.to_string(), BROWSER);
    }

    #[test]
    fn a_header_that_comes_twice_says_nothing() {
        let twice = [("host", "one"), ("host", "two")];
        assert_eq!(from(BROWSER, &twice).host, None);
        let twice = [("host", "one"), ("x-forwarded-host", "two"), ("x-forwarded-host", "three")];
        assert_eq!(from("192.0.2.5", &twice).host, None);
        let twice = [("x-forwarded-proto", "https"), ("x-forwarded-proto", "https")];
        assert_eq!(from("192.0.2.5", &twice).scheme, Scheme::Plain);
    }
}
