//! Tokens and roles: what each may do, and what becomes of it when it is revoked under use.

use killcord::{
    Role,
    core::SessionEnd,
    wire::{ErrorCode, LinkView, SessionsView, ToHost, ToPage, TokensView},
};

use crate::bench::{Answer, Bench, Browser, Kept, Page, bearer, get, post};

fn refused(answer: &Answer) -> (u16, String) {
    (answer.status, answer.code())
}

fn forbidden() -> (u16, String) {
    (403, "operators_only".into())
}

/// Waits until the page's session is ended, and its socket closed with the code of that.
fn ended_by_operator(page: &mut Page) {
    let ended = page.until(|frame| matches!(frame, ToPage::Ended { .. }));
    assert!(matches!(ended, ToPage::Ended { reason: SessionEnd::EndedByOperator, .. }), "{ended:?}");
    assert_eq!(page.closed(), killcord::wire::close_code(SessionEnd::EndedByOperator));
}

#[test]
fn an_observer_sees_and_stops_the_bench_and_does_nothing_else() {
    let bench = Bench::start();
    let mut operator = bench.browser().page(None);
    operator.arm(&bench);
    let observer = bench.browser_by(&bench.key("visitor", Role::Observer));
    let mut page = observer.page(None);
    assert_eq!(page.role(), Role::Observer);
    page.frame(&ToHost::TakeControl { force: true });
    let error = page.until(|frame| matches!(frame, ToPage::Error { .. }));
    assert!(matches!(error, ToPage::Error { code: ErrorCode::NotOperator, .. }), "{error:?}");
    let epoch = operator.epoch.unwrap();
    let (me, theirs) = (page.session.0, operator.session.0);
    for session in [me, theirs] {
        let arm = format!(r#"{{"session":{session},"epoch":"{epoch}","id":"x"}}"#);
        assert_eq!(refused(&observer.post("/killcord/api/v1/arm", &arm)), forbidden());
    }
    assert_eq!(refused(&observer.post("/killcord/api/v1/release", "")), forbidden());
    assert_eq!(refused(&observer.delete(&format!("/killcord/api/v1/sessions/{theirs}"))), forbidden());
    assert_eq!(refused(&observer.get("/killcord/api/v1/tokens")), forbidden());
    assert_eq!(refused(&observer.delete("/killcord/api/v1/tokens/visitor")), forbidden());
    assert_eq!(refused(&observer.post("/killcord/api/v1/links", r#"{"role":"operator"}"#)), forbidden());
    let seen = observer.get("/killcord/api/v1/sessions");
    let seen: SessionsView = serde_json::from_str(&seen.body).unwrap();
    assert_eq!(seen.sessions.len(), 2);
    assert!(
        seen.sessions.iter().all(|session| session.address.is_none() && session.who.is_none()),
        "{seen:?}"
    );
    assert!(bench.is_on());
    assert_eq!(observer.post("/killcord/api/v1/stop", "").status, 202, "a safe stop is nobody's privilege");
    bench.until_off();
}

#[test]
fn a_program_with_a_key_is_let_in_without_being_a_page() {
    let bench = Bench::start();
    let key = bench.key("script", Role::Operator);
    let at = bench.at();
    let safe = post(at, "/killcord/api/v1/safe", &bearer(&key), "");
    let no_page = safe.replace(&format!("Origin: http://{at}\r\n"), "");
    assert_eq!(bench.ask(&no_page).status, 202);
    let foreign = safe.replace(&format!("Origin: http://{at}"), "Origin: http://evil.example");
    assert_eq!(refused(&bench.ask(&foreign)), (403, "wrong_origin".into()), "a page is still none of ours");
    let lower = get(at, "/killcord/api/v1/rig", &format!("authorization: bearer {key}\r\n"));
    assert_eq!(bench.ask(&lower).status, 200);
    for wrong in [
        bearer("killcord_00000000000000000000000000000000"),
        bearer(""),
        format!("Authorization: Basic {key}\r\n"),
        format!("Authorization: {key}\r\n"),
        format!("{}{}", bearer(&key), bearer(&key)),
    ] {
        let answer = bench.ask(&get(at, "/killcord/api/v1/rig", &wrong));
        assert_eq!(refused(&answer), (401, "not_paired".into()), "{wrong}");
    }
}

#[test]
fn a_key_that_is_revoked_ends_all_that_it_let_in_at_once_and_the_bench_is_safe() {
    let bench = Bench::start();
    let key = bench.key("alice", Role::Operator);
    let (browser, other) = (bench.browser_by(&key), bench.browser());
    let mut page = browser.page(None);
    page.arm(&bench);
    // Let in by a link of that browser's, and so by alice.
    let link = browser.post("/killcord/api/v1/links", r#"{"role":"observer"}"#);
    let link: LinkView = serde_json::from_str(&link.body).unwrap();
    let second = bench.browser_by(link.link.split_once('#').unwrap().1);
    let mut watcher = second.page(None);
    assert_eq!(watcher.role(), Role::Observer);
    let mut silent = browser.socket().unwrap();
    let mut idle = [browser.keeps(), second.keeps()];
    let mut bystander = other.page(None);

    bench.tokens().revoke("alice").unwrap();
    ended_by_operator(&mut page);
    ended_by_operator(&mut watcher);
    assert_eq!(silent.closed(), 1008, "a socket that has said nothing yet");
    idle.iter_mut().for_each(Kept::closed);
    bench.until_off();
    bystander.beat(1);
    for gone in [&browser, &second] {
        assert_eq!(refused(&gone.get("/killcord/api/v1/rig")), (401, "not_paired".into()));
        assert_eq!(gone.get("/").status, 303);
    }
    let answer = bench.ask(&get(bench.at(), "/killcord/api/v1/rig", &bearer(&key)));
    assert_eq!(refused(&answer), (401, "not_paired".into()));
    let again = bench.ask(&post(bench.at(), "/killcord/pair", "", &format!("{{\"code\":\"{key}\"}}")));
    assert_eq!(refused(&again), (403, "code_wrong".into()));
}

#[test]
fn an_operator_lists_tokens_and_revokes_one_from_the_panel() {
    let bench = Bench::start();
    let operator = bench.browser();
    let visitor = bench.browser_by(&bench.key("visitor", Role::Observer));
    let mut page = visitor.page(None);
    let list =
        || -> TokensView { serde_json::from_str(&operator.get("/killcord/api/v1/tokens").body).unwrap() };
    let tokens = list().tokens;
    let by_visitor = tokens.iter().find(|token| token.by.as_deref() == Some("visitor")).unwrap();
    assert!(by_visitor.is_browser && by_visitor.role == Role::Observer);
    assert_eq!(tokens.iter().filter(|token| token.here).count(), 1);
    assert!(tokens.iter().any(|token| token.name == "visitor" && !token.is_browser));
    let all = operator.get("/killcord/api/v1/tokens").body + &operator.get("/killcord/api/v1/sessions").body;
    assert!(!all.contains(visitor.cookie.split_once('=').unwrap().1), "no secret is shown");

    assert_eq!(operator.delete(&format!("/killcord/api/v1/tokens/{}", by_visitor.name)).status, 204);
    ended_by_operator(&mut page);
    assert_eq!(list().tokens.len(), tokens.len() - 1);
    assert_eq!(bench.tokens().list().unwrap().len(), tokens.len() - 1, "on the disk too");
    for nobody in ["nobody", "..%2F..%2Fjournal", "%00"] {
        let answer = operator.delete(&format!("/killcord/api/v1/tokens/{nobody}"));
        assert_eq!(refused(&answer), (404, "unknown".into()), "{nobody}");
    }
}

#[test]
fn sessions_say_who_they_are_and_from_where_also_when_they_have_ended() {
    let bench = Bench::start();
    let operator = bench.browser();
    let _page = operator.page(None);
    let visitor = bench.browser_by(&bench.key("visitor", Role::Observer)).page(None);
    let sessions =
        || -> SessionsView { serde_json::from_str(&operator.get("/killcord/api/v1/sessions").body).unwrap() };
    let all = sessions();
    let found = all.sessions.iter().find(|session| session.session == visitor.session).unwrap();
    assert_eq!(found.who.as_deref(), Some("visitor"));
    assert_eq!(found.address, Some("127.0.0.1".parse().unwrap()));
    assert_eq!(operator.delete(&format!("/killcord/api/v1/sessions/{}", visitor.session.0)).status, 204);
    let ended = sessions().ended;
    let last = ended.iter().find(|session| session.session == visitor.session).unwrap();
    assert_eq!((last.who.as_deref(), last.reason), (Some("visitor"), SessionEnd::EndedByOperator));
}

#[test]
fn nobody_goes_on_with_another_s_session() {
    let bench = Bench::start();
    let operator = bench.browser();
    let mut page = operator.page(None);
    page.arm(&bench);
    // A visitor who has come by the token of an operator's session: its page is gone just now.
    let visitor = bench.browser_by(&bench.key("visitor", Role::Observer));
    let (session, token) = (page.session, page.token.clone());
    drop(page);
    let thief = visitor.page(Some(&token));
    assert!(!thief.resumed() && thief.session != session && thief.role() == Role::Observer);
    let back = operator.page(Some(&token));
    assert!(back.resumed() && back.session == session);
    assert!(bench.is_on());
}

#[test]
fn a_cookie_of_another_host_a_forged_one_and_one_that_was_signed_out_let_nobody_in() {
    let (bench, elsewhere) = (Bench::start(), Bench::start());
    let other = elsewhere.browser();
    let port = bench.at().port();
    let value = other.cookie.split_once('=').unwrap().1;
    let gone = bench.browser();
    assert_eq!(gone.delete("/killcord/pair").status, 204);
    for cookie in [
        other.cookie.clone(),
        format!("killcord-{port}={value}"),
        gone.cookie.clone(),
        format!("__Host-{}", bench.browser().cookie),
        format!("killcord-{port}="),
        format!("killcord-{port}=killcord_{value}"),
    ] {
        let forged = Browser { at: bench.at(), cookie };
        let answer = forged.get("/killcord/api/v1/rig");
        assert_eq!(refused(&answer), (401, "not_paired".into()), "{}", forged.cookie);
        assert!(forged.socket().is_err());
    }
}
