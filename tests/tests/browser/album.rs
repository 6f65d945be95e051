//! Pictures of a page for a person to look at, with what it has to say at that moment.

use std::path::PathBuf;

use killcord_tests::chromium::Tab;
use killcord_tests::place;
use killcord_tests::wait::{LONG, until_true};

/// Where the pictures go.
pub struct Album {
    folder: PathBuf,
}

impl Album {
    pub fn of(name: &str) -> Self {
        let folder = place::root().join("target/screenshots/browser").join(name);
        std::fs::create_dir_all(&folder).unwrap();
        Self { folder }
    }

    /// Awaits these words on the page, and takes its pictures.
    #[track_caller]
    pub fn take(&self, tab: &Tab, name: &str, words: &str) {
        self.take_passing(tab, name, words);
        assert!(tab.says(words), "it no longer says {words:?}: the pictures show something else");
    }

    /// The same of a state that passes by itself after seconds: on a busy machine the last picture may be late.
    #[track_caller]
    pub fn take_passing(&self, tab: &Tab, name: &str, words: &str) {
        tab.await_text(words);
        let size = "[innerWidth, innerHeight]";
        let before = tab.run(size);
        for (width, height) in [(1280, 800), (390, 844)] {
            for dark in [false, true] {
                tab.dress(width, height, dark);
                let scheme = if dark { "dark" } else { "light" };
                tab.picture(&self.folder.join(format!("{name}-{width}-{scheme}.png")));
            }
            let wide = "document.documentElement.scrollWidth <= innerWidth";
            assert_eq!(tab.run(wide), true, "{name} is wider than {width}");
        }
        tab.undress();
        // Its parts find their old places: a click goes where its target is.
        until_true("the page to have its size again", LONG, || tab.run(size) == before);
        tab.run("new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))");
    }
}
