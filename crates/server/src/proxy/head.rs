//! What a request's head becomes on its way to the app, and an answer's on its way back (RFC 9110 section 7.6,
//! RFC 9112). Pure.
//!
//! To the app it is asked by its own name: frameworks compare `Host` and `Origin` with where they listen.

use axum::http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode, Uri,
    header::{
        AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, COOKIE, EXPECT, FORWARDED, HOST,
        LOCATION, ORIGIN, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, REFERER, SET_COOKIE,
        STRICT_TRANSPORT_SECURITY, TE, TRAILER, TRANSFER_ENCODING, UPGRADE, X_FRAME_OPTIONS,
    },
    uri::PathAndQuery,
};

use super::origin;
use crate::from::From;

/// What belongs to one connection, besides what `Connection` names.
const HOP_BY_HOP: [HeaderName; 9] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];
/// What only a proxy may say of whom it speaks for. None is in front of us.
const FORWARDING: [HeaderName; 6] = [
    FORWARDED,
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-forwarded-port"),
    HeaderName::from_static("x-forwarded-proto"),
    HeaderName::from_static("x-real-ip"),
];
/// With what each key begins.
const KEY: &str = crate::tokens::PREFIX;
/// What speaks for the whole name, our pages at another port of it included: the one would take our cookie with the
/// app's (Clear Site Data section 3.1), the other lasts beyond the app (RFC 6797 section 5.4).
const FOR_THE_NAME: [HeaderName; 2] = [HeaderName::from_static("clear-site-data"), STRICT_TRANSPORT_SECURITY];

/// Whether a request wants to change to the WebSocket protocol; no other is passed on.
pub(super) fn is_socket(headers: &HeaderMap) -> bool {
    let named = |name: &HeaderName, word: &str| {
        let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).any(|item| item.trim().eq_ignore_ascii_case(word))
    };
    named(&CONNECTION, "upgrade") && named(&UPGRADE, "websocket")
}

/// A worker of the app's would stand between its frame and this host, and show what is no more: there is none.
pub(super) fn is_service_worker(headers: &HeaderMap) -> bool {
    headers.contains_key("service-worker")
}

/// The path and query that the app is asked for.
pub(super) fn target(uri: &Uri) -> Uri {
    Uri::from(uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/")))
}

/// Makes a browser's head one for the app, whose names the first of these is.
pub(super) fn to_app(headers: &mut HeaderMap, names: &[String], from: &From) {
    let app = names.first().map_or("localhost", String::as_str);
    let socket = is_socket(headers);
    let asked = from.host.clone();
    if headers.contains_key(TRANSFER_ENCODING) {
        // Whoever reads the one must not be told the other.
        headers.remove(CONTENT_LENGTH);
    }
    drop_hop_by_hop(headers);
    headers.remove(EXPECT);
    // A key of ours is nothing for an app.
    keep(headers, &AUTHORIZATION, |value| (!value.contains(KEY)).then(|| value.to_owned()));
    for name in &FORWARDING {
        headers.remove(name);
    }
    let mut set = |name: HeaderName, text: String| {
        // An address and a path are always a header's text.
        if let Ok(value) = HeaderValue::from_str(&text) {
            headers.insert(name, value);
        }
    };
    set(HOST, app.to_owned());
    set(HeaderName::from_static("x-forwarded-for"), from.address.to_string());
    set(HeaderName::from_static("x-forwarded-proto"), from.scheme.word().into());
    if let Some(asked) = &asked {
        set(HeaderName::from_static("x-forwarded-host"), asked.clone());
    }
    if headers.contains_key(ORIGIN) {
        replace(headers, ORIGIN, |_| Some(format!("http://{app}")));
    }
    let ours = asked.map(|asked| format!("{}://{asked}/", from.scheme.word()));
    replace(headers, REFERER, |referer| {
        let rest = referer.strip_prefix(ours.as_deref()?)?;
        Some(format!("http://{app}/{rest}"))
    });
    cookies_to_app(headers);
    if socket {
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    }
}

/// Makes the app's head one for the browser. `shell` is the origin of our own page, which alone frames the app.
pub(super) fn to_browser(headers: &mut HeaderMap, status: StatusCode, names: &[String], shell: &str) {
    drop_hop_by_hop(headers);
    if status == StatusCode::SWITCHING_PROTOCOLS {
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    }
    // It believes that it was asked by its own name.
    replace(headers, LOCATION, |location| {
        let rest =
            names.iter().find_map(|name| location.strip_prefix("http://")?.strip_prefix(name.as_str()))?;
        match rest.chars().next() {
            None => Some("/".into()),
            Some('/') if !rest.starts_with("//") => Some(rest.to_owned()),
            Some('?') => Some(format!("/{rest}")),
            Some(_) => None,
        }
    });
    for name in &FOR_THE_NAME {
        headers.remove(name);
    }
    keep(headers, &SET_COOKIE, |cookie| {
        // One without a name comes back as its value alone, which then looks like one with a name (RFC 6265bis, 5.8.3).
        let shown = cookie.trim_start_matches(|c: char| c == '=' || c.is_whitespace());
        let name = shown.split(['=', ';']).next().unwrap_or_default();
        (!is_ours(name)).then(|| cookie.to_owned())
    });
    // One that forbids every frame would be seen nowhere.
    keep(headers, &CONTENT_SECURITY_POLICY, without_ancestors);
    let framed = HeaderValue::from_str(&format!("frame-ancestors {}", origin::source(shell)));
    let framed = framed.unwrap_or(HeaderValue::from_static("frame-ancestors 'none'"));
    headers.append(CONTENT_SECURITY_POLICY, framed);
    // It knows no other origin than its own.
    headers.remove(X_FRAME_OPTIONS);
}

fn drop_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    // A sender must not name what the whole way needs (RFC 9110 section 7.6.1); one that does is not followed.
    let kept = [HOST, ORIGIN, COOKIE, CONTENT_LENGTH];
    for name in HOP_BY_HOP.iter().chain(named.iter().filter(|name| !kept.contains(name))) {
        headers.remove(name);
    }
}

/// Ours, and those of other hosts on this machine: cookies do not tell ports apart.
fn is_ours(name: &str) -> bool {
    let name = name.trim();
    let bare = ["__Host-", "__Secure-"].iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name);
    let port = bare.strip_prefix("killcord-").unwrap_or_default();
    !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())
}

fn cookies_to_app(headers: &mut HeaderMap) {
    keep(headers, &COOKIE, |cookies| {
        let others = cookies.split(';').map(str::trim).filter(|cookie| {
            let name = cookie.split('=').next().unwrap_or_default();
            !cookie.is_empty() && !is_ours(name)
        });
        let others = others.collect::<Vec<_>>().join("; ");
        (!others.is_empty()).then_some(others)
    });
}

/// A policy without its word on frames; `None` where it said nothing else. Several policies are parted by commas.
fn without_ancestors(policies: &str) -> Option<String> {
    let is_about_frames = |directive: &&str| {
        let name = directive.split_ascii_whitespace().next().unwrap_or_default();
        name.is_empty() || name.eq_ignore_ascii_case("frame-ancestors")
    };
    let each = policies.split(',').map(|policy| {
        let rest = policy.split(';').filter(|directive| !is_about_frames(directive));
        rest.map(str::trim).collect::<Vec<_>>().join("; ")
    });
    let rest = each.filter(|policy| !policy.is_empty()).collect::<Vec<_>>().join(", ");
    (!rest.is_empty()).then_some(rest)
}

/// A header's one value, changed where `change` has another.
fn replace(headers: &mut HeaderMap, name: HeaderName, change: impl Fn(&str) -> Option<String>) {
    let next = headers.get(&name).and_then(|value| value.to_str().ok()).and_then(change);
    if let Some(value) = next.and_then(|text| HeaderValue::from_str(&text).ok()) {
        headers.insert(name, value);
    }
}

/// All values of a header, each as `change` has it. One that is no visible text is read as far as it is.
fn keep(headers: &mut HeaderMap, name: &HeaderName, change: impl Fn(&str) -> Option<String>) {
    let all: Vec<HeaderValue> = headers.get_all(name).iter().cloned().collect();
    headers.remove(name);
    for value in all {
        let text = String::from_utf8_lossy(value.as_bytes());
        match change(&text) {
            Some(same) if same == text => {
                headers.append(name, value);
            }
            Some(other) => {
                if let Ok(value) = HeaderValue::from_bytes(other.as_bytes()) {
                    headers.append(name, value);
                }
            }
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const APP: [&str; 2] = ["127.0.0.1:4711", "localhost:4711"];

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        let mut headers = HeaderMap::new();
        for (name, value) in lines.iter().map(pair) {
            headers.append(name, value);
        }
        headers
    }

    fn all(headers: &HeaderMap, name: &str) -> Vec<String> {
        headers.get_all(name).iter().map(|value| value.to_str().unwrap().to_owned()).collect()
    }

    fn sent(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = headers(lines);
        let from = From {
            address: "127.0.0.1".parse().unwrap(),
            proxied: false,
            scheme: crate::from::Scheme::Plain,
            host: headers.get(HOST).and_then(|host| host.to_str().ok()).map(str::to_owned),
        };
        to_app(&mut headers, &APP.map(str::to_owned), &from);
        headers
    }

    fn answered(status: u16, lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = headers(lines);
        let status = StatusCode::from_u16(status).unwrap();
        to_browser(&mut headers, status, &APP.map(str::to_owned), "http://bench1.lab:8420");
        headers
    }

    #[test]
    fn the_app_is_asked_by_its_own_name() {
        let sent = sent(&[
            ("host", "bench1.lab:8420"),
            ("origin", "http://bench1.lab:8420"),
            ("referer", "http://bench1.lab:8420/plots?n=1"),
        ]);
        assert_eq!(all(&sent, "host"), [APP[0]]);
        assert_eq!(all(&sent, "origin"), ["http://127.0.0.1:4711"]);
        assert_eq!(all(&sent, "referer"), ["http://127.0.0.1:4711/plots?n=1"]);
        assert_eq!(all(&sent, "x-forwarded-host"), ["bench1.lab:8420"]);
    }

    #[test]
    fn nobody_speaks_for_somebody_else() {
        let sent =
            sent(&[("x-forwarded-for", "10.0.0.1"), ("forwarded", "for=10.0.0.1"), ("x-real-ip", "x")]);
        assert_eq!(all(&sent, "x-forwarded-for"), ["127.0.0.1"]);
        assert!(!sent.contains_key("forwarded") && !sent.contains_key("x-real-ip"));
    }

    #[test]
    fn our_cookie_is_never_the_app_s() {
        let sent_ = sent(&[
            ("cookie", "a=1; killcord-8420=secret;killcord-1=other; b=2"),
            ("cookie", "killcord-8420=x"),
        ]);
        assert_eq!(all(&sent_, "cookie"), ["a=1; b=2"]);
        assert!(!sent(&[("cookie", "killcord-8420=secret")]).contains_key("cookie"));
        assert_eq!(all(&sent(&[("cookie", "killcord-theme=dark")]), "cookie"), ["killcord-theme=dark"]);
        let got =
            answered(200, &[("set-cookie", "killcord-8420=; Max-Age=0"), ("set-cookie", "sid=1; Path=/")]);
        assert_eq!(all(&got, "set-cookie"), ["sid=1; Path=/"]);
        for ours in ["__Host-killcord-8420=secret", "__Secure-killcord-8420=secret"] {
            assert!(!sent(&[("cookie", ours)]).contains_key("cookie"), "{ours}");
            assert!(!answered(200, &[("set-cookie", ours)]).contains_key("set-cookie"), "{ours}");
        }
        for set in ["__Host-killcord-8421=x; Path=/", "killcord-8421=x; Path=/killcord", "= killcord-8420=x"]
        {
            assert!(!answered(200, &[("set-cookie", set)]).contains_key("set-cookie"), "{set}");
        }
        for line in [("clear-site-data", "\"cookies\""), ("strict-transport-security", "max-age=1")] {
            assert!(!answered(200, &[line]).contains_key(line.0));
        }
    }

    #[test]
    fn our_keys_are_never_the_app_s_and_its_own_are() {
        assert!(!sent(&[("authorization", "Bearer killcord_0123")]).contains_key("authorization"));
        assert_eq!(all(&sent(&[("authorization", "Basic abc")]), "authorization"), ["Basic abc"]);
    }

    #[test]
    fn what_belongs_to_one_connection_stays_on_it() {
        let sent = sent(&[
            ("connection", "keep-alive, X-Mine, Cookie"),
            ("x-mine", "1"),
            ("cookie", "a=1"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("content-length", "5"),
            ("upgrade", "h2c"),
            ("expect", "100-continue"),
        ]);
        let left: Vec<_> = sent.keys().map(HeaderName::as_str).collect();
        for gone in ["connection", "x-mine", "te", "transfer-encoding", "content-length", "upgrade", "expect"]
        {
            assert!(!left.contains(&gone), "{gone}");
        }
        assert_eq!(all(&sent, "cookie"), ["a=1"]);
    }

    #[test]
    fn a_socket_is_asked_for_and_no_other_protocol() {
        let asked = [("connection", "keep-alive, Upgrade"), ("upgrade", "WebSocket")];
        assert_eq!(all(&sent(&asked), "upgrade"), ["websocket"]);
        assert_eq!(all(&answered(101, &asked), "connection"), ["upgrade"]);
        assert!(!is_socket(&headers(&[("connection", "upgrade"), ("upgrade", "h2c")])));
        assert!(!is_socket(&headers(&[("upgrade", "websocket")])));
    }

    #[test]
    fn a_redirect_to_its_own_name_stays_here() {
        for (location, wanted) in [
            ("http://127.0.0.1:4711/login?next=/", "/login?next=/"),
            ("http://localhost:4711", "/"),
            ("http://127.0.0.1:4711?x=1", "/?x=1"),
            ("/app", "/app"),
            ("http://127.0.0.1:47110/", "http://127.0.0.1:47110/"),
            ("http://127.0.0.1:4711//evil.example", "http://127.0.0.1:4711//evil.example"),
            ("https://docs.example/", "https://docs.example/"),
        ] {
            assert_eq!(all(&answered(302, &[("location", location)]), "location"), [wanted]);
        }
    }

    #[test]
    fn only_our_page_frames_the_app_and_the_rest_of_its_policy_stays() {
        let got = answered(
            200,
            &[
                ("x-frame-options", "DENY"),
                ("content-security-policy", "default-src 'self'; Frame-Ancestors 'none'; img-src *"),
                ("content-security-policy", "frame-ancestors https://evil.example, script-src 'self'"),
            ],
        );
        assert!(!got.contains_key("x-frame-options"));
        assert_eq!(
            all(&got, "content-security-policy"),
            ["default-src 'self'; img-src *", "script-src 'self'", "frame-ancestors http://bench1.lab:8420"]
        );
    }

    #[test]
    fn the_app_is_asked_for_the_path_as_it_stands() {
        for (asked, wanted) in [
            ("/", "/"),
            ("/a?b=1&b=2", "/a?b=1&b=2"),
            ("/a?b=1&c=%20", "/a?b=1&c=%20"),
            ("http://bench1.lab:8421/a?b", "/a?b"),
        ] {
            assert_eq!(target(&asked.parse().unwrap()).to_string(), wanted);
        }
    }
}
