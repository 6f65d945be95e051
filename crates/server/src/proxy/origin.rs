//! The two origins as a browser sees them: that of our own pages, and that of the app. Pure.

use std::net::SocketAddr;

use crate::from::From;

/// The origin that a request was sent to.
pub(super) fn asked(from: &From) -> Option<String> {
    let host = from.host.as_deref().filter(|host| is_authority(host))?;
    Some(format!("{}://{}", from.scheme.word(), host.to_ascii_lowercase()))
}

/// The same name at this address's port.
pub(super) fn beside(from: &From, address: SocketAddr) -> Option<String> {
    let asked = asked(from)?;
    let (scheme, host) = asked.split_once("://")?;
    let name = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => name,
        _ => host,
    };
    Some(format!("{scheme}://{name}:{}", address.port()))
}

/// The origin of an address such as `https://bench1.lab/bench1/`.
pub(super) fn of(shown: &str) -> &str {
    let after = shown.find("://").map_or(0, |at| at + 3);
    let end = shown.get(after..).and_then(|rest| rest.find('/')).map_or(shown.len(), |at| after + at);
    shown.get(..end).unwrap_or(shown)
}

/// An origin as a content security policy names it (CSP Level 3 section 2.3.1). It knows no IPv6 addresses; their port
/// has to do.
pub(super) fn source(origin: &str) -> String {
    let (scheme, host) = origin.split_once("://").unwrap_or(("http", ""));
    if !is_authority(host) {
        return "'none'".into();
    }
    match host.rsplit_once(']') {
        Some((_, port)) if host.starts_with('[') => format!("{scheme}://*{port}"),
        _ => origin.to_owned(),
    }
}

/// A name or an address, and a port: nothing that would be read as something else in a header or a URL.
fn is_authority(host: &str) -> bool {
    let sound = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
    !host.is_empty() && host.chars().all(sound)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::from::Scheme;

    fn app(scheme: Scheme, host: &str) -> Option<String> {
        let from =
            From { address: "127.0.0.1".parse().unwrap(), proxied: false, scheme, host: Some(host.into()) };
        beside(&from, "127.0.0.1:8421".parse().unwrap())
    }

    #[test]
    fn the_app_is_at_the_same_name_and_another_port() {
        for (scheme, host, wanted) in [
            (Scheme::Plain, "127.0.0.1:8420", "http://127.0.0.1:8421"),
            (Scheme::Encrypted, "Bench1.lab:8420", "https://bench1.lab:8421"),
            (Scheme::Encrypted, "bench1.lab", "https://bench1.lab:8421"),
            (Scheme::Plain, "[::1]:8420", "http://[::1]:8421"),
            (Scheme::Plain, "[::1]", "http://[::1]:8421"),
        ] {
            assert_eq!(app(scheme, host).as_deref(), Some(wanted));
        }
        assert_eq!(app(Scheme::Plain, "bench1.lab; script-src *:1"), None);
    }

    #[test]
    fn a_policy_names_an_origin_and_no_other() {
        assert_eq!(source("https://bench1.lab:8421"), "https://bench1.lab:8421");
        assert_eq!(source("http://[::1]:8421"), "http://*:8421");
        for odd in ["", "http://", "http://a; script-src *", "http://a b"] {
            assert_eq!(source(odd), "'none'", "{odd}");
        }
    }

    #[test]
    fn a_shown_address_is_of_an_origin() {
        assert_eq!(of("https://bench1.lab/bench1/"), "https://bench1.lab");
        assert_eq!(of("http://127.0.0.1:8420/"), "http://127.0.0.1:8420");
    }
}
