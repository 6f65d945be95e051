//! Who is let in, and who no more.

use std::net::Ipv4Addr;

use super::*;

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

struct Door {
    folder: tempfile::TempDir,
    access: Access,
    now: Instant,
}

impl Door {
    fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let now = Instant::now();
        Self { access: Access::open(Some(Tokens::of(folder.path())), now), folder, now }
    }

    fn again(&self) -> Access {
        Access::open(Some(self.tokens()), self.now)
    }

    fn tokens(&self) -> Tokens {
        Tokens::of(self.folder.path())
    }

    fn code(&self) -> String {
        self.access.invite(Role::Operator, None, self.now).unwrap()
    }

    fn take(&self, code: &str) -> Result<String, Refused> {
        let paired = self.access.pair(code, None, HERE, self.now)?;
        save(&self.access, &paired.token);
        Ok(paired.cookie)
    }

    fn guest(&self, proof: Proof<'_>) -> Result<Guest, Refused> {
        self.access.guest(proof, HERE, self.now)
    }

    fn cookie(&self, cookie: &str) -> Result<Guest, Refused> {
        self.guest(Proof::Cookie(cookie))
    }
}

#[test]
fn a_code_lets_one_browser_in_once() {
    let door = Door::open();
    let code = door.code();
    let cookie = door.take(&code).unwrap();
    assert_eq!(door.cookie(&cookie).unwrap().role, Role::Operator);
    assert_eq!(door.take(&code).unwrap_err(), Refused::CodeUsed);
    assert!(door.cookie(&code).is_err(), "a code is no cookie");
}

#[test]
fn guessing_is_slowed_down_and_shuts_nobody_out() {
    let door = Door::open();
    let (code, key) = (door.code(), door.tokens().add("key", Role::Observer, None).unwrap().1);
    door.access.look();
    while door.take("guess") == Err(Refused::CodeWrong) {}
    assert_eq!(door.take("guess"), Err(Refused::TooMany));
    assert_eq!(door.guest(Proof::Key("guess")).unwrap_err(), Refused::TooMany);
    door.take(&code).unwrap();
    door.guest(Proof::Key(&key)).unwrap();
}

#[test]
fn a_browser_is_known_after_a_restart_and_its_cookie_is_not_on_the_disk() {
    let door = Door::open();
    let cookie = door.take(&door.code()).unwrap();
    for entry in std::fs::read_dir(door.folder.path().join("tokens")).unwrap() {
        assert!(!std::fs::read_to_string(entry.unwrap().path()).unwrap().contains(&cookie));
    }
    assert!(door.again().guest(Proof::Cookie(&cookie), HERE, door.now).is_ok());
}

fn ids(guests: Vec<Guest>) -> Vec<BrowserId> {
    guests.into_iter().map(|guest| guest.id).collect()
}

#[test]
fn who_is_revoked_is_let_in_no_more_with_all_whom_it_let_in_not_even_after_a_restart() {
    let door = Door::open();
    let (_, key) = door.tokens().add("alice", Role::Operator, None).unwrap();
    assert!(door.access.look().is_empty());
    let first = door.take(&key).unwrap();
    let alice = door.cookie(&first).unwrap();
    let code = door.access.invite(Role::Observer, Some(&alice), door.now).unwrap();
    let second = door.take(&code).unwrap();
    let late = door.access.invite(Role::Observer, Some(&alice), door.now).unwrap();
    let other = door.take(&door.code()).unwrap();
    let bob = door.cookie(&second).unwrap();
    assert_eq!((&*alice.who, &*bob.who, bob.role), ("alice", &*bob.name, Role::Observer));
    let again = door.again().guest(Proof::Cookie(&first), HERE, door.now).unwrap();
    assert_eq!(&*again.who, "alice", "also after a restart");

    let ended = ids(door.access.forget("alice"));
    assert!(ended.contains(&alice.id) && ended.contains(&bob.id) && ended.len() == 3, "{ended:?}");
    assert!(alice.revoked.is_cancelled() && bob.revoked.is_cancelled());
    delete(&door.access, "alice").unwrap();
    for access in [&door.access, &door.again()] {
        let knows = |cookie| access.guest(Proof::Cookie(cookie), HERE, door.now).is_ok();
        assert!(!knows(&first) && !knows(&second) && knows(&other));
    }
    assert_eq!(door.take(&key).unwrap_err(), Refused::CodeWrong);
    assert_eq!(door.take(&late).unwrap_err(), Refused::CodeWrong, "nor by a link that it had made");
}

#[test]
fn a_token_that_is_deleted_beside_the_host_is_seen() {
    let door = Door::open();
    let cookie = door.take(&door.code()).unwrap();
    let guest = door.cookie(&cookie).unwrap();
    assert!(door.access.look().is_empty());
    door.tokens().revoke(&guest.name).unwrap();
    assert_eq!(ids(door.access.look()), [guest.id]);
    assert!(guest.revoked.is_cancelled() && door.cookie(&cookie).is_err());
}

#[test]
fn a_token_that_is_changed_beside_the_host_is_another() {
    let door = Door::open();
    let (token, key) = door.tokens().add("alice", Role::Operator, None).unwrap();
    door.access.look();
    let guest = door.guest(Proof::Key(&key)).unwrap();
    door.tokens().revoke("alice").unwrap();
    door.tokens().write(&Token { role: Role::Observer, ..token }).unwrap();
    assert_eq!(ids(door.access.look()), [guest.id]);
    assert!(guest.revoked.is_cancelled());
    assert_eq!(door.guest(Proof::Key(&key)).unwrap().role, Role::Observer);
}

#[test]
fn a_browser_whose_file_could_not_be_written_stays_for_this_run() {
    let door = Door::open();
    let Paired { cookie, .. } = door.access.pair(&door.code(), None, HERE, door.now).unwrap();
    door.tokens().add("other", Role::Observer, None).unwrap();
    assert!(door.access.look().is_empty());
    door.cookie(&cookie).unwrap();
}

#[test]
fn a_cookie_is_no_key_and_a_key_no_cookie() {
    let door = Door::open();
    let cookie = door.take(&door.code()).unwrap();
    let (_, key) = door.tokens().add("key", Role::Operator, None).unwrap();
    door.access.look();
    assert!(door.guest(Proof::Key(&cookie)).is_err() && door.guest(Proof::Cookie(&key)).is_err());
    assert!(door.guest(Proof::Key(&key)).is_ok() && door.cookie(&cookie).is_ok());
}

#[test]
fn whom_a_key_lets_in_is_let_in_no_longer_than_the_key() {
    let door = Door::open();
    let (token, key) = door.tokens().add("short", Role::Operator, Some(Duration::from_hours(1))).unwrap();
    door.access.look();
    let paired = door.access.pair(&key, None, HERE, door.now).unwrap();
    assert_eq!(paired.token.expires_unix_ms, token.expires_unix_ms);
    let (_, over) = door.tokens().add("over", Role::Operator, Some(Duration::ZERO)).unwrap();
    door.access.look();
    assert!(door.guest(Proof::Key(&over)).is_err());
    assert_eq!(door.take(&over), Err(Refused::CodeWrong));
}

#[test]
fn the_oldest_browser_is_forgotten_for_one_more() {
    let door = Door::open();
    let first = door.take(&door.code()).unwrap();
    let name = door.cookie(&first).unwrap().name;
    // Made a moment later than that one.
    while unix_ms() <= door.access.list()[0].made_unix_ms {}
    for n in 0..MOST_BROWSERS {
        let paired = door.access.pair(&door.code(), None, HERE, door.now).unwrap();
        let last = n == MOST_BROWSERS - 1;
        assert_eq!(paired.forgotten.as_deref(), last.then_some(&*name));
        assert_eq!(door.cookie(&first).is_err(), last);
        door.cookie(&paired.cookie).unwrap();
    }
}

#[test]
fn what_is_revoked_stays_so_while_its_file_is_still_there() {
    let door = Door::open();
    let cookie = door.take(&door.code()).unwrap();
    let name = door.cookie(&cookie).unwrap().name;
    door.access.forget(&name);
    door.tokens().add("other", Role::Observer, None).unwrap();
    door.access.look();
    assert!(door.cookie(&cookie).is_err());
}
