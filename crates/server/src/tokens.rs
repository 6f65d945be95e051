//! Who is let in: a folder with one file for each token. Whoever may write there decides; to revoke a token is to
//! delete its file.
//!
//! **It must never** keep a secret: only hashes are written, and what cannot be read lets nobody in anew. Nor may it take
//! what cannot be read for revoked: a session would end by it. A host and `killcord token` use the folder side by side,
//! without a lock: each file is whole or not there.

use std::{
    collections::BTreeMap,
    fs, io,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use killcord::Role;
use serde::{Deserialize, Serialize};

use crate::secret;

/// The folder's name, in the folder of the rig's state.
const FOLDER: &str = "tokens";
/// The most tokens that are taken from the folder.
const MOST: usize = 1024;
/// The longest name, in bytes.
const LONGEST_NAME: usize = 40;
/// Every file is shorter, in bytes.
const LONGEST_FILE: u64 = 4096;

/// With what each key begins, so that one that was written down somewhere is found.
pub(crate) const PREFIX: &str = "killcord_";

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Made by `killcord token add`, for a program or to pair browsers with.
    Key,
    /// The cookie of one browser that was paired.
    Browser,
}

/// What is kept of a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// Unique among the rig's tokens; the name of its file.
    #[serde(skip)]
    pub name: String,
    /// What it is for.
    pub kind: Kind,
    /// What it may do.
    pub role: Role,
    /// By which token it was let in; it goes with that one. `None`: by a link of the host's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// What the browser said that it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// When it was made, in milliseconds since 1970.
    pub made_unix_ms: u64,
    /// When it is worth nothing any more; `None`: not by time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_unix_ms: Option<u64>,
    /// SHA-256 of the secret, in hex.
    pub(crate) hash: String,
}

impl Token {
    /// Whether its time is over.
    #[must_use]
    pub fn is_over(&self, unix_ms: u64) -> bool {
        self.expires_unix_ms.is_some_and(|end| end <= unix_ms)
    }
}

/// What is wrong with a token, or with the folder.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// It could lead elsewhere, or be mistaken for an option.
    #[error(
        "`{0}` cannot be a token's name: write 1 to 40 lower-case letters, digits, `-` and `_`, the first a letter"
    )]
    Name(String),
    /// There is one of that name.
    #[error("there is a token `{0}` already; revoke it first, or take another name")]
    Taken(String),
    /// There is none.
    #[error("there is no token `{0}`; `killcord token list` shows them")]
    Unknown(String),
    /// The system has no randomness.
    #[error("this machine gives no random numbers: no token can be made")]
    Random,
    /// The folder cannot be read or written.
    #[error("{path} cannot be used: {source}; check its owner and the free space")]
    Folder {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// The tokens of one rig.
#[derive(Clone, Debug)]
pub struct Tokens(PathBuf);

impl Tokens {
    /// Those in the folder of a rig's state.
    #[must_use]
    pub fn of(state: &Path) -> Self {
        Self(state.join(FOLDER))
    }

    /// All that can be read, by name. What cannot is told, and lets nobody in.
    ///
    /// # Errors
    /// [`TokenError::Folder`].
    pub fn list(&self) -> Result<Vec<Token>, TokenError> {
        self.list_beside(&[])
    }

    /// The same for somebody who knows these: a file that is there and cannot be read is taken for what is known of it, so
    /// that nobody is taken for revoked whose file is there.
    ///
    /// # Errors
    /// [`TokenError::Folder`], also where only a part of it could be listed.
    pub(crate) fn list_beside(&self, known: &[Token]) -> Result<Vec<Token>, TokenError> {
        let entries = match fs::read_dir(&self.0) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(self.folder(source)),
        };
        let mut tokens = Vec::new();
        for entry in entries.take(2 * MOST) {
            let entry = entry.map_err(|source| self.folder(source))?;
            let file = entry.file_name();
            let name = file.to_str().and_then(|file| file.strip_suffix(".json")).filter(|name| is_name(name));
            let Some(name) = name else { continue };
            match read(&entry.path()) {
                Ok(token) if tokens.len() < MOST => tokens.push(Token { name: name.into(), ..token }),
                Ok(_) => tracing::warn!(name, "one token too many: it lets nobody in; revoke some"),
                // Revoked since.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => match known.iter().find(|token| token.name == name) {
                    Some(token) => {
                        tracing::warn!(name, %error, "a token cannot be read; it stays as it was; revoke it");
                        tokens.push(token.clone());
                    }
                    None => {
                        tracing::warn!(name, %error, "a token cannot be read: it lets nobody in; revoke it");
                    }
                },
            }
        }
        tokens.sort_by(|one, other| one.name.cmp(&other.name));
        // Whoever was let in by a token goes with it.
        loop {
            let before = tokens.len();
            let made: BTreeMap<String, u64> =
                tokens.iter().map(|token| (token.name.clone(), token.made_unix_ms)).collect();
            // One of the same name that is newer than what it would have let in is another.
            let by = |by: &String, since| made.get(by).is_some_and(|made| *made <= since);
            tokens.retain(|token| token.by.as_ref().is_none_or(|name| by(name, token.made_unix_ms)));
            if tokens.len() == before {
                return Ok(tokens);
            }
        }
    }

    /// Makes a key; what it is, and its secret, which is nowhere else.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn add(
        &self,
        name: &str,
        role: Role,
        lives: Option<Duration>,
    ) -> Result<(Token, String), TokenError> {
        if !is_name(name) {
            return Err(TokenError::Name(name.into()));
        }
        let secret = format!("{PREFIX}{}", secret::word().ok_or(TokenError::Random)?);
        let now = unix_ms();
        let token = Token {
            name: name.into(),
            kind: Kind::Key,
            role,
            by: None,
            agent: None,
            made_unix_ms: now,
            expires_unix_ms: lives.map(|lives| now.saturating_add(ms(lives))),
            hash: secret::kept(&secret),
        };
        self.write(&token)?;
        Ok((token, secret))
    }

    /// Writes a token's file, whole or not at all, and for nobody else's eyes.
    pub(crate) fn write(&self, token: &Token) -> Result<(), TokenError> {
        let error = |source| self.folder(source);
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.0).map_err(error)?;
        // Hidden from whoever lists, by its name.
        let draft = self.0.join(format!(".{}.new", token.name));
        let text = serde_json::to_string(token).map_err(|wrong| error(wrong.into()))?;
        let made = (|| {
            let mut options = fs::OpenOptions::new();
            let mut out = options.write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
            io::Write::write_all(&mut out, text.as_bytes())?;
            out.sync_all()?;
            // Unlike a rename this leaves one that is there as it is.
            fs::hard_link(&draft, self.file(&token.name))
        })();
        let gone = fs::remove_file(&draft);
        match made {
            Err(taken) if taken.kind() == io::ErrorKind::AlreadyExists => {
                Err(TokenError::Taken(token.name.clone()))
            }
            made => made.and(gone).map_err(error),
        }
    }

    /// Revokes a token, and all that were let in by it. A host that runs ends their sessions at once.
    ///
    /// # Errors
    /// [`TokenError::Unknown`], [`TokenError::Folder`].
    pub fn revoke(&self, name: &str) -> Result<(), TokenError> {
        if !is_name(name) {
            return Err(TokenError::Unknown(name.into()));
        }
        let children = self.list()?.into_iter().filter(|token| token.by.as_deref() == Some(name));
        let children: Vec<String> = children.map(|token| token.name).collect();
        // The token first: without it the others let nobody in.
        self.delete(name)?;
        for child in children {
            match self.revoke(&child) {
                Ok(()) | Err(TokenError::Unknown(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn delete(&self, name: &str) -> Result<(), TokenError> {
        match fs::remove_file(self.file(name)) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(TokenError::Unknown(name.into())),
            Err(source) => Err(self.folder(source)),
        }
    }

    /// When something was added or revoked last.
    pub(crate) fn changed(&self) -> Option<SystemTime> {
        fs::metadata(&self.0).and_then(|folder| folder.modified()).ok()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(format!("{name}.json"))
    }

    fn folder(&self, source: io::Error) -> TokenError {
        TokenError::Folder { path: self.0.clone(), source }
    }
}

fn is_name(name: &str) -> bool {
    let sound = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.len() <= LONGEST_NAME
        && name.chars().all(sound)
}

fn read(file: &Path) -> io::Result<Token> {
    let input = fs::File::open(file)?;
    let mut text = String::new();
    io::Read::read_to_string(&mut io::Read::take(input, LONGEST_FILE), &mut text)?;
    Ok(serde_json::from_str(&text)?)
}

pub(crate) fn unix_ms() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, ms)
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens() -> (tempfile::TempDir, Tokens) {
        let folder = tempfile::tempdir().unwrap();
        let tokens = Tokens::of(folder.path());
        (folder, tokens)
    }

    fn names(tokens: &Tokens) -> Vec<String> {
        tokens.list().unwrap().into_iter().map(|token| token.name).collect()
    }

    fn browser(name: &str, by: &str) -> Token {
        Token {
            name: name.into(),
            kind: Kind::Browser,
            role: Role::Observer,
            by: Some(by.into()),
            agent: None,
            made_unix_ms: unix_ms(),
            expires_unix_ms: None,
            hash: secret::kept(name),
        }
    }

    #[test]
    fn a_token_is_listed_until_it_is_revoked_and_its_secret_is_not_on_the_disk() {
        let (folder, tokens) = tokens();
        let (token, secret) = tokens.add("alice", Role::Operator, None).unwrap();
        assert_eq!(tokens.list().unwrap(), [token]);
        let text = fs::read_to_string(folder.path().join("tokens/alice.json")).unwrap();
        assert!(secret.starts_with("killcord_") && !text.contains(&secret[9..]), "{text}");
        tokens.revoke("alice").unwrap();
        assert!(names(&tokens).is_empty());
        assert!(matches!(tokens.revoke("alice"), Err(TokenError::Unknown(_))));
    }

    #[test]
    fn a_name_is_taken_once_and_the_first_stays() {
        let (_folder, tokens) = tokens();
        let (first, _) = tokens.add("alice", Role::Observer, None).unwrap();
        assert!(matches!(tokens.add("alice", Role::Operator, None), Err(TokenError::Taken(_))));
        assert_eq!(tokens.list().unwrap(), [first]);
    }

    #[test]
    fn a_name_never_leads_out_of_the_folder() {
        let (_folder, tokens) = tokens();
        let long = "a".repeat(41);
        for name in
            ["", ".", "..", "../alice", "a/b", "-a", "A", "a.json", "a b", "\u{e9}", "9a", long.as_str()]
        {
            assert!(matches!(tokens.add(name, Role::Observer, None), Err(TokenError::Name(_))), "{name}");
            assert!(matches!(tokens.revoke(name), Err(TokenError::Unknown(_))), "{name}");
        }
    }

    #[test]
    fn whoever_was_let_in_by_a_token_goes_with_it() {
        let (_folder, tokens) = tokens();
        tokens.add("alice", Role::Operator, None).unwrap();
        tokens.write(&browser("b1", "alice")).unwrap();
        tokens.write(&browser("b2", "b1")).unwrap();
        assert_eq!(names(&tokens), ["alice", "b1", "b2"]);
        tokens.delete("alice").unwrap();
        assert!(names(&tokens).is_empty(), "also where only its own file was deleted");
        let next = Token { made_unix_ms: unix_ms() + 10_000, by: None, ..browser("alice", "") };
        tokens.write(&next).unwrap();
        assert_eq!(names(&tokens), ["alice"], "and is not back with the next of its name");
        tokens.revoke("alice").unwrap();
        assert!(names(&tokens).is_empty());
    }

    #[test]
    fn a_file_that_is_no_token_lets_nobody_in_and_shuts_nobody_out() {
        let (folder, tokens) = tokens();
        tokens.add("alice", Role::Operator, None).unwrap();
        let path = |name: &str| folder.path().join("tokens").join(name);
        fs::write(path("half.json"), "{\"kind\":\"key\",").unwrap();
        fs::write(path("long.json"), " ".repeat(1 << 20)).unwrap();
        fs::write(path("binary.json"), [0xff, 0xfe]).unwrap();
        fs::write(path("notes.txt"), "x").unwrap();
        fs::create_dir(path("folder.json")).unwrap();
        assert_eq!(names(&tokens), ["alice"]);
        tokens.revoke("half").unwrap();
    }

    #[test]
    fn a_token_is_over_at_its_moment_and_not_before() {
        let token = Token { expires_unix_ms: Some(10), ..browser("b", "a") };
        assert!(!token.is_over(9) && token.is_over(10));
    }
}
