//! Mistakes in what names the GUI.
//!
//! Each shows all that is told of it, as a terminal without colours shows it.

mod common;

use common::*;
use expect_test::{Expect, expect};

fn check(text: &str, expect: Expect) {
    expect.assert_eq(&problems(text));
}

#[test]
fn pages_of_ones_own_need_a_folder_and_no_app_beside_them() {
    check(
        &sections("\n[ui]\n"),
        expect![[r#"
        error: [ui] has no `path`
         --> rig.toml:4:1
          |
        4 | [ui]
          | ^^^^
          |
          = help: write path = "panel": a folder beside the rig file, with an index.html in it"#]],
    );
    check(
        &sections(
            r#"
[ui]
path = "panel"
paht = "x"
[app]
command = ["app", "{port}"]
"#,
        ),
        expect![[r#"
            error: [ui] and [app] are two GUIs
             --> rig.toml:4:2
              |
            4 | [ui]
              |  ^^ an app has pages of its own
              |
              = help: leave one of the two out

            error: [ui] has no key `paht`
             --> rig.toml:6:1
              |
            6 | paht = "x"
              | ^^^^ unknown key
              |
              = help: did you mean `path`?"#]],
    );
}
