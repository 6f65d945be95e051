//! `[messages]`: what is taken, and the mistakes.

mod common;

use common::*;
use expect_test::{Expect, expect};

fn check_text(text: &str, expect: Expect) {
    expect.assert_eq(&problems(&sections(text)));
}

#[test]
fn each_end_of_a_session_and_what_a_page_sees_before_has_a_message() {
    let keys = [
        "expired",
        "host_gone",
        "page_closed",
        "window_closed",
        "frozen",
        "idle",
        "signed_out",
        "ended_by_operator",
        "renderer_crashed",
        "host_stopping",
        "lost",
        "taken_over",
    ];
    let mut text = String::from("[messages]\n");
    for key in keys {
        text += &format!("{key} = \"\"\"\n**{{rig}}**, {{time}}\n\n{{hardware}} {{ }} {{a b}}\"\"\"\n");
    }
    let Ok((rig, warnings)) = check(&sections(&text)) else { panic!("{}", problems(&sections(&text))) };
    assert!(warnings.is_empty());
    assert_eq!(rig.messages.len(), keys.len());
    assert_eq!(rig.messages["lost"], "**{rig}**, {time}\n\n{hardware} { } {a b}");
}

#[test]
fn an_unknown_key_and_a_word_that_nothing_is_filled_in_for_are_told_with_what_was_meant() {
    check_text(
        r#"
[messages]
host_gon = "Gone."
lost = "Out of reach since {tiem}."
idle = "{operator} left."
"#,
        expect![[r#"
            error: [messages] has no key `host_gon`
             --> rig.toml:5:1
              |
            5 | host_gon = "Gone."
              | ^^^^^^^^ unknown key
              |
              = help: did you mean `host_gone`?

            error: nothing is filled in for {tiem}
             --> rig.toml:6:28
              |
            6 | lost = "Out of reach since {tiem}."
              |                            ^^^^^^ it would be shown as it stands
              |
              = help: did you mean `time`?
              = help: what is filled in is {rig}, {time} and {hardware}

            error: nothing is filled in for {operator}
             --> rig.toml:7:9
              |
            7 | idle = "{operator} left."
              |         ^^^^^^^^^^ it would be shown as it stands
              |
              = help: what is filled in is {rig}, {time} and {hardware}"#]],
    );
}

#[test]
fn a_message_is_text_for_people_of_bounded_length() {
    let long = format!("[messages]\nexpired = \"{}\"\n", "x".repeat(2001));
    assert!(problems(&sections(&long)).contains("`expired` is longer than 2000 bytes"));
    check_text(
        r#"
[messages]
expired = 5
idle = ""
lost = "a\u0007b"
"#,
        expect![[r#"
            error: `expired` takes text
             --> rig.toml:5:11
              |
            5 | expired = 5
              |           ^ this is a number
              |
              = help: put it in quotes: expired = "5"

            error: `idle` is empty
             --> rig.toml:6:8
              |
            6 | idle = ""
              |        ^^
              |
              = help: write it, or leave the key out

            error: `lost` contains the control character '\u{7}'
             --> rig.toml:7:8
              |
            7 | lost = "a\u0007b"
              |        ^^^^^^^^^^
              |
              = help: remove it: a message is Markdown"#]],
    );
}
