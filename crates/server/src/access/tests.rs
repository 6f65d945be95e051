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

/// Until the next token is made a moment later than the last.
fn a_moment_later() {
    let now = unix_ms();
    while unix_ms() <= now {}
}

#[test]
fn a_key_pushes_out_only_whom_it_let_in() {
    let door = Door::open();
    let operator = door.take(&door.code()).unwrap();
    let key = |name| door.tokens().add(name, Role::Observer, None).unwrap().1;
    let (alice, bob) = (key("alice"), key("bob"));
    door.access.look();
    let others = [operator, door.take(&bob).unwrap()];
    let first = door.take(&alice).unwrap();
    let name = door.cookie(&first).unwrap().name;
    a_moment_later();
    for n in 1..3 * MOST_BROWSERS {
        let paired = door.access.pair(&alice, None, HERE, door.now).unwrap();
        if n <= MOST_OF_ONE {
            let last = n == MOST_OF_ONE;
            assert_eq!(paired.forgotten.as_deref(), last.then_some(&*name));
            assert_eq!(door.cookie(&first).is_err(), last);
        }
        door.cookie(&paired.cookie).unwrap();
        assert!(others.iter().all(|cookie| door.cookie(cookie).is_ok()), "the {n}th");
    }
    let hers = door.access.list().into_iter().filter(|token| token.by.as_deref() == Some("alice")).count();
    assert_eq!(hers, MOST_OF_ONE);
}

#[test]
fn the_oldest_that_the_host_s_own_links_let_in_is_forgotten_for_one_more() {
    let door = Door::open();
    let first = door.take(&door.code()).unwrap();
    let name = door.cookie(&first).unwrap().name;
    a_moment_later();
    for n in 1..=MOST_OF_THE_HOST {
        let paired = door.access.pair(&door.code(), None, HERE, door.now).unwrap();
        let last = n == MOST_OF_THE_HOST;
        assert_eq!(paired.forgotten.as_deref(), last.then_some(&*name));
        assert_eq!(door.cookie(&first).is_err(), last);
    }
}

#[test]
fn where_all_places_are_taken_one_more_is_refused_and_nobody_goes() {
    let door = Door::open();
    let operator = door.take(&door.code()).unwrap();
    let mut keys: Vec<String> = Vec::new();
    for n in 0..=MOST_BROWSERS / MOST_OF_ONE {
        keys.push(door.tokens().add(&format!("k{n}"), Role::Observer, None).unwrap().1);
    }
    door.access.look();
    let taken = |key: &str| door.access.pair(key, None, HERE, door.now).map(|paired| paired.cookie);
    let all = keys.iter().flat_map(|key| [key; MOST_OF_ONE]);
    let cookies: Vec<String> = all.clone().take(MOST_BROWSERS - 1).map(|key| taken(key).unwrap()).collect();
    for key in all.skip(MOST_BROWSERS - 1) {
        assert_eq!(taken(key), Err(Refused::Full));
    }
    assert_eq!(taken(&door.code()), Err(Refused::Full));
    assert!(cookies.iter().chain([&operator]).all(|cookie| door.cookie(cookie).is_ok()));
    door.access.forget("k0");
    taken(&door.code()).unwrap();
}

#[test]
fn a_file_that_cannot_be_read_for_a_moment_revokes_nobody() {
    let door = Door::open();
    let (_, key) = door.tokens().add("alice", Role::Operator, None).unwrap();
    door.access.look();
    let cookie = door.take(&key).unwrap();
    let guest = door.cookie(&cookie).unwrap();
    let file = |name: &str| door.folder.path().join(format!("tokens/{name}.json"));
    for name in ["alice", &*guest.name] {
        let (whole, aside) = (file(name), door.folder.path().join("aside"));
        std::fs::rename(&whole, &aside).unwrap();
        // Leads in a circle: there, and not to be read, whoever asks.
        std::os::unix::fs::symlink(&whole, &whole).unwrap();
        assert!(door.access.look().is_empty(), "{name}");
        assert!(!guest.revoked.is_cancelled() && door.guest(Proof::Key(&key)).is_ok());
        assert!(
            door.again().guest(Proof::Cookie(&cookie), HERE, door.now).is_err(),
            "nobody new comes in by it"
        );
        std::fs::remove_file(&whole).unwrap();
        std::fs::rename(&aside, &whole).unwrap();
    }
    assert!(door.access.look().is_empty());
    std::fs::remove_file(file(&guest.name)).unwrap();
    assert_eq!(ids(door.access.look()), [guest.id]);
}

#[test]
fn a_browser_that_is_paired_while_the_folder_is_looked_at_stays() {
    let door = Door::open();
    door.tokens().add("other", Role::Observer, None).unwrap();
    let folder = door.access.folder().unwrap();
    let cookie = door.take(&door.code()).unwrap();
    assert!(door.access.take(folder).is_empty());
    door.cookie(&cookie).unwrap();
}

#[test]
fn a_browser_that_is_revoked_while_its_file_is_written_is_not_let_in_after_a_restart() {
    let door = Door::open();
    let Paired { cookie, token, .. } = door.access.pair(&door.code(), None, HERE, door.now).unwrap();
    door.access.forget(&token.name);
    delete(&door.access, &token.name).unwrap();
    door.tokens().add("other", Role::Observer, None).unwrap();
    door.access.look();
    // The disk is back. The folder may be looked at before the one who waited for it goes on.
    door.tokens().write(&token).unwrap();
    door.access.look();
    assert!(door.cookie(&cookie).is_err());
    door.tokens().revoke(&token.name).unwrap();
    save(&door.access, &token);
    assert!(door.cookie(&cookie).is_err());
    assert!(door.again().guest(Proof::Cookie(&cookie), HERE, door.now).is_err());
    assert!(
        !door.access.knows(&token.name)
            && !door.access.inner().revoked.values().any(|it| *it == Kept::Writing)
    );
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
