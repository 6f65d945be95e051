//! Pages of the author's own in the panel's place (`[ui]`): a folder's files, read once, before anything is served.
//!
//! **It must never** look at the file system by what a request says, or read what lies outside the folder.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use axum::body::Bytes;
use percent_encoding::percent_decode_str;

/// The most files and folders; a bundler's output has hundreds.
const MOST_FILES: usize = 4096;
/// The most that they take together, in bytes: they are kept in memory.
const MOST_BYTES: u64 = 64 * 1024 * 1024;
/// The page that a folder's address shows.
const INDEX: &str = "index.html";

/// A folder of pages, as it was when it was read.
#[derive(Debug)]
pub struct Ui(BTreeMap<String, Bytes>);

/// A folder that cannot be the GUI.
#[derive(Debug, thiserror::Error)]
pub enum UiError {
    /// It, or something in it, cannot be read.
    #[error("cannot read {}, of [ui] in the rig file: {source}", .path.display())]
    Read {
        /// What.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no page to begin with.
    #[error("there is no index.html in {}, the folder of [ui] in the rig file", .0.display())]
    NoIndex(PathBuf),
    /// A link, a device, a socket, or a name that no address can have.
    #[error("{} is no plain file: [ui] takes files and folders alone; put a copy in its place", .0.display())]
    NoFile(PathBuf),
    /// Killcord's own address.
    #[error("{} would never be seen: all that is below /killcord/ is Killcord's own; give it another name", .0.display())]
    Taken(PathBuf),
    /// More than any GUI.
    #[error("{} is too much for [ui]: {MOST_FILES} files and {} MiB at most", .0.display(), MOST_BYTES / 1024 / 1024)]
    TooMuch(PathBuf),
}

/// One of its files.
pub(crate) struct Found<'ui> {
    /// Below the folder.
    pub(crate) name: &'ui str,
    pub(crate) bytes: &'ui Bytes,
}

/// Whether a file of that name is a page, which may hold a session.
pub(crate) fn is_document(name: &str) -> bool {
    name.ends_with(".html") || name.ends_with(".htm")
}

impl Found<'_> {
    pub(crate) fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.bytes)
    }
}

impl Ui {
    /// Reads all that is in the folder, but what begins with a dot.
    ///
    /// # Errors
    /// [`UiError`], with the place.
    pub fn read(folder: &Path) -> Result<Self, UiError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            |source| UiError::Read { path, source }
        };
        let (mut files, mut count, mut left) = (BTreeMap::new(), 0, MOST_BYTES);
        let mut folders = vec![(folder.to_owned(), String::new())];
        while let Some((folder, below)) = folders.pop() {
            for entry in fs::read_dir(&folder).map_err(failed(&folder))? {
                let entry = entry.map_err(failed(&folder))?;
                let (path, name) = (entry.path(), entry.file_name());
                if name.as_encoded_bytes().starts_with(b".") {
                    continue;
                }
                count += 1;
                if count > MOST_FILES {
                    return Err(UiError::TooMuch(path));
                }
                // What a link leads to is not looked at.
                let kind = entry.file_type().map_err(failed(&path))?;
                let Some(name) = name.to_str() else { return Err(UiError::NoFile(path)) };
                let at = format!("{below}{name}");
                if kind.is_dir() {
                    if at == "killcord" {
                        return Err(UiError::Taken(path));
                    }
                    folders.push((path, at + "/"));
                } else if kind.is_file() {
                    let mut bytes = Vec::new();
                    let file = File::open(&path).map_err(failed(&path))?;
                    file.take(left + 1).read_to_end(&mut bytes).map_err(failed(&path))?;
                    left = left.checked_sub(bytes.len() as u64).ok_or(UiError::TooMuch(path))?;
                    files.insert(at, Bytes::from(bytes));
                } else {
                    return Err(UiError::NoFile(path));
                }
            }
        }
        if !files.contains_key(INDEX) {
            return Err(UiError::NoIndex(folder.to_owned()));
        }
        Ok(Self(files))
    }

    /// The file at the path of a request: that of this very name, or none.
    pub(crate) fn find(&self, path: &str) -> Option<Found<'_>> {
        let path = percent_decode_str(path.strip_prefix('/')?).decode_utf8().ok()?;
        let name = if path.is_empty() || path.ends_with('/') { path + INDEX } else { path };
        let (name, bytes) = self.0.get_key_value(&*name)?;
        Some(Found { name, bytes })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, file).unwrap();
        }
        folder
    }

    #[test]
    fn a_folder_is_read_with_all_that_is_below_it_but_what_is_hidden() {
        let folder = folder(&["index.html", "a b.js", "sub/index.html", "sub/x.png", ".env", ".git/config"]);
        let ui = Ui::read(folder.path()).unwrap();
        let found = |path: &str| ui.find(path).map(|file| (file.text().into_owned(), is_document(file.name)));
        let is = |path: &str, text: &str| {
            assert_eq!(found(path).map(|(text, _)| text), Some(text.into()), "{path}")
        };
        is("/", "index.html");
        is("/a%20b.js", "a b.js");
        is("/sub/", "sub/index.html");
        assert_eq!(found("/sub/index.html"), Some(("sub/index.html".into(), true)));
        assert_eq!(found("/sub/x.png"), Some(("sub/x.png".into(), false)));
        for hidden in ["/.env", "/.git/config", "/%2egit/config", "/sub", "/sub/none"] {
            assert_eq!(found(hidden), None, "{hidden}");
        }
    }

    #[test]
    fn no_path_of_a_request_leads_out_of_the_folder() {
        let outer = folder(&["rig.toml", "panel/index.html", "panel/sub/x.js"]);
        let ui = Ui::read(&outer.path().join("panel")).unwrap();
        for path in [
            "/../rig.toml",
            "/%2e%2e/rig.toml",
            "/..%2frig.toml",
            "/%2e%2e%2frig.toml",
            "/sub/../../rig.toml",
            "/sub/../index.html",
            "/..%5crig.toml",
            "/....//rig.toml",
            "/%252e%252e/rig.toml",
            "/./index.html",
            "//index.html",
            "//etc/passwd",
            "/etc/passwd",
            "/%2fetc/passwd",
            "/index.html%00.js",
            "/index.html/",
            "/%ff",
            "/%c0%ae%c0%ae/rig.toml",
            "*",
            "",
        ] {
            assert!(ui.find(path).is_none(), "{path}");
        }
    }

    #[test]
    fn what_cannot_be_the_gui_is_refused_with_its_place() {
        let no_index = folder(&["app.js"]);
        assert!(matches!(Ui::read(no_index.path()), Err(UiError::NoIndex(_))));
        assert!(matches!(Ui::read(&no_index.path().join("none")), Err(UiError::Read { .. })));
        let taken = folder(&["index.html", "killcord/client.js"]);
        assert!(matches!(Ui::read(taken.path()), Err(UiError::Taken(_))));
        let linked = folder(&["index.html"]);
        symlink("/etc/passwd", linked.path().join("passwd")).unwrap();
        let error = Ui::read(linked.path()).unwrap_err().to_string();
        assert!(error.contains("passwd is no plain file"), "{error}");
        let large = folder(&["index.html"]);
        File::create(large.path().join("x")).unwrap().set_len(MOST_BYTES).unwrap();
        assert!(matches!(Ui::read(large.path()), Err(UiError::TooMuch(_))));
        let many = folder(&["index.html"]);
        (0..MOST_FILES).for_each(|n| fs::create_dir(many.path().join(n.to_string())).unwrap());
        assert!(matches!(Ui::read(many.path()), Err(UiError::TooMuch(_))));
    }
}
