//! The names that this server has, and whose page asks. Pure.
//!
//! A page of another site that has its name resolve to this machine (DNS rebinding) is caught by the name that was
//! asked for, one that sends its requests here by its origin.

use std::net::{IpAddr, SocketAddr};

use axum::http::{
    HeaderMap, HeaderName, Method, Uri,
    header::{AUTHORIZATION, ORIGIN, UPGRADE},
};

use crate::from::{Ends, From, single};

/// What a browser says of who asks, how, and for what (Fetch Metadata).
const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// The names that this server has.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    port: u16,
    /// Lower case, without a port.
    more: Vec<String>,
}

impl Names {
    pub(crate) fn of(address: SocketAddr, more: &[String]) -> Self {
        Self { port: address.port(), more: more.iter().map(|name| name.to_ascii_lowercase()).collect() }
    }

    /// Whether the name that was asked for is one of ours. An address counts if the connection came to it: no other
    /// site has that for its name.
    pub(crate) fn host(&self, from: &From, ends: Ends, uri: &Uri) -> bool {
        let ours = |asked: &str| self.has(asked, from.proxied, ends.local.ip());
        let absolute = uri.authority().is_none_or(|authority| from.proxied || ours(authority.as_str()));
        absolute && from.host.as_deref().is_some_and(ours)
    }

    fn has(&self, asked: &str, proxied: bool, local: IpAddr) -> bool {
        if asked.contains('@') {
            return false;
        }
        let (name, port) = match asked.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
            _ => (asked, None),
        };
        let exact = port == Some(self.port.to_string().as_str());
        // A proxy has a port of its own.
        let port_fits = |may_lack: bool| proxied || exact || (may_lack && port.is_none());
        let address = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(name);
        if let Ok(address) = address.parse::<IpAddr>() {
            let here = address.to_canonical() == local.to_canonical();
            return (here && port_fits(false))
                || self.more.iter().any(|known| known == name) && port_fits(true);
        }
        let local_name = local.to_canonical().is_loopback() && name.eq_ignore_ascii_case("localhost");
        (local_name && port_fits(false))
            || (self.more.iter().any(|known| known.eq_ignore_ascii_case(name)) && port_fits(true))
    }
}

/// Whether a request comes from a page of ours: of the very name that it asks. Browsers always say so where something
/// is changed or a socket is opened; a plain GET may say nothing. A program with a key is no page: no browser sends
/// one unasked.
pub(crate) fn is_ours(from: &From, method: &Method, headers: &HeaderMap) -> bool {
    let reads = matches!(*method, Method::GET | Method::HEAD) && !headers.contains_key(UPGRADE);
    match single(headers, &ORIGIN) {
        None => reads || headers.contains_key(AUTHORIZATION),
        Some(origin) => {
            let name = origin.and_then(|origin| origin.strip_prefix(from.scheme.word())?.strip_prefix("://"));
            matches!((name, &from.host), (Some(name), Some(host)) if name.eq_ignore_ascii_case(host))
        }
    }
}

/// Whether another site's page asks for something that is no page: an image, a script, a frame's content, a fetch.
/// Browsers say so unasked (Fetch Metadata Request Headers, section 2).
pub(crate) fn is_of_another_site(headers: &HeaderMap) -> bool {
    let is = |name: &HeaderName, word: &str| single(headers, name).flatten() == Some(word);
    let opened = is(&MODE, "navigate") && is(&DEST, "document");
    (is(&SITE, "cross-site") || is(&SITE, "same-site")) && !opened
}

/// Whether a person, or a page of ours, has asked for a document. Another site's page that led to it stays its origin
/// through redirects; where a browser says nothing it may be one.
pub(crate) fn is_opened(headers: &HeaderMap) -> bool {
    matches!(single(headers, &SITE).flatten(), Some("none" | "same-origin"))
}

/// Whether a page of another name or port of this site asks for the content of a frame.
pub(crate) fn is_framed_by_a_neighbour(method: &Method, headers: &HeaderMap) -> bool {
    let is = |name: &HeaderName, word: &str| single(headers, name).flatten() == Some(word);
    let reads = matches!(*method, Method::GET | Method::HEAD);
    reads && is(&SITE, "same-site") && is(&MODE, "navigate") && is(&DEST, "iframe")
}

/// What a browser says that a request is for: `document` is a tab's own.
pub(crate) fn destination(headers: &HeaderMap) -> Option<&str> {
    single(headers, &DEST).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::from::Scheme;

    fn knows(asked: &str, proxied: bool, local: &str) -> bool {
        let names = Names::of("0.0.0.0:8420".parse().unwrap(), &["Bench1.lab".into(), "192.0.2.9".into()]);
        let from = From {
            address: "203.0.113.7".parse().unwrap(),
            proxied,
            scheme: Scheme::Plain,
            host: Some(asked.into()),
        };
        let local = SocketAddr::new(local.parse().unwrap(), 8420);
        let ends = Ends { peer: "203.0.113.7:50000".parse().unwrap(), local, tls: false };
        names.host(&from, ends, &Uri::from_static("/"))
    }

    #[test]
    fn an_address_is_a_name_where_the_connection_came_to_it() {
        assert!(knows("192.0.2.1:8420", false, "192.0.2.1"));
        assert!(knows("192.0.2.1:8420", false, "::ffff:192.0.2.1"));
        assert!(knows("[2001:db8::1]:8420", false, "2001:db8::1"));
        assert!(knows("127.0.0.1:8420", false, "127.0.0.1") && knows("LocalHost:8420", false, "127.0.0.1"));
        for other in
            ["192.0.2.2:8420", "192.0.2.1", "192.0.2.1:1", "localhost:8420", "127.0.0.1:8420", "0.0.0.0:8420"]
        {
            assert!(!knows(other, false, "192.0.2.1"), "{other}");
        }
    }

    #[test]
    fn a_name_of_the_rig_file_is_one_with_our_port_or_none() {
        for name in ["bench1.lab", "BENCH1.LAB:8420", "192.0.2.9", "192.0.2.9:8420"] {
            assert!(knows(name, false, "192.0.2.1"), "{name}");
        }
        for name in [
            "bench1.lab:1",
            "bench1.lab.evil.example",
            "x@bench1.lab",
            "bench1.lab@evil",
            "evil",
            "",
            ":8420",
        ] {
            assert!(!knows(name, false, "192.0.2.1"), "{name}");
        }
        assert!(knows("bench1.lab:443", true, "127.0.0.1"), "a proxy has a port of its own");
        assert!(!knows("evil.example", true, "127.0.0.1"));
    }

    fn asks(scheme: Scheme, origin: &'static str) -> bool {
        let from = From {
            address: "203.0.113.7".parse().unwrap(),
            proxied: false,
            scheme,
            host: Some("bench1.lab:8420".into()),
        };
        let headers = HeaderMap::from_iter([(ORIGIN, axum::http::HeaderValue::from_static(origin))]);
        is_ours(&from, &Method::POST, &headers)
    }

    #[test]
    fn a_page_is_ours_by_name_port_and_scheme() {
        assert!(
            asks(Scheme::Plain, "http://bench1.lab:8420")
                && asks(Scheme::Encrypted, "https://bench1.lab:8420")
        );
        for foreign in
            ["https://bench1.lab:8420", "http://bench1.lab", "http://bench1.lab:8421", "null", "", "http:"]
        {
            assert!(!asks(Scheme::Plain, foreign), "{foreign}");
        }
        assert!(!asks(Scheme::Encrypted, "http://bench1.lab:8420"));
    }

    #[test]
    fn what_another_site_embeds_is_told_from_what_a_person_opens() {
        let of = |site: &'static str, mode: &'static str, dest: &'static str| {
            let line = |name: &'static str, value: &'static str| {
                (HeaderName::from_static(name), axum::http::HeaderValue::from_static(value))
            };
            let lines =
                [line("sec-fetch-site", site), line("sec-fetch-mode", mode), line("sec-fetch-dest", dest)];
            is_of_another_site(&HeaderMap::from_iter(lines))
        };
        assert!(of("cross-site", "no-cors", "image") && of("same-site", "cors", "empty"));
        assert!(of("cross-site", "navigate", "iframe"));
        assert!(!of("cross-site", "navigate", "document"), "a link in a mail");
        assert!(!of("same-origin", "cors", "empty") && !of("none", "navigate", "document"));
    }
}
