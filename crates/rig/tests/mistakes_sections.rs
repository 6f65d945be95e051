//! Mistakes in the sections that concern the whole rig.
//!
//! Each shows all that is told of it, as a terminal without colours shows it.

mod common;

use common::*;
use expect_test::{Expect, expect};

fn check(text: &str, expect: Expect) {
    expect.assert_eq(&problems(text));
}

#[test]
fn an_empty_file_says_how_to_begin() {
    check(
        "",
        expect![[r#"
        error: the file has no [rig] section
        --> rig.toml
         = help: begin it with
                 [rig]
                 name = "Supply bench"

        error: the file has no [[device]]
        --> rig.toml
         = help: add one:
                 [[device]]
                 name = "psu"
                 driver = "scpi"
                 connect = "tcp://192.168.1.20:5025""#]],
    );
}

#[test]
fn text_that_is_not_toml_tells_each_broken_line_at_once() {
    check(
        r#"[rig
name = "Bench"

[safety]
arm = manual
hang_after == "5s"
"#,
        expect![[r#"
            error: this is not TOML: unclosed table, expected `]`
             --> rig.toml:1:5
              |
            1 | [rig
              |     ^

            error: this is not TOML: string values must be quoted, expected literal string
             --> rig.toml:5:7
              |
            5 | arm = manual
              |       ^^^^^^

            error: this is not TOML: extra `=`, expected nothing
             --> rig.toml:6:13
              |
            6 | hang_after == "5s"
              |             ^

            error: this is not TOML: unexpected key or value, expected newline, `#`
             --> rig.toml:6:15
              |
            6 | hang_after == "5s"
              |               ^"#]],
    );
}

#[test]
fn a_key_written_twice_is_told_by_the_second() {
    check(
        &sections(
            r#"name = "Again"
"#,
        ),
        expect![[r#"
            error: this is not TOML: duplicate key
             --> rig.toml:3:1
              |
            3 | name = "Again"
              | ^^^^
              |
              = help: leave one of them out"#]],
    );
}

#[test]
fn a_misspelled_section_is_told_with_the_one_that_was_meant() {
    check(
        &sections(
            r#"
[saftey]
arm = "manual"
"#,
        ),
        expect![[r#"
            error: there is no section `saftey`
             --> rig.toml:4:2
              |
            4 | [saftey]
              |  ^^^^^^
              |
              = help: did you mean `safety`?"#]],
    );
}

#[test]
fn a_section_in_double_brackets_is_written_once() {
    check(
        r#"[[rig]]
name = "Bench"
"#,
        expect![[r#"
            error: the file has no [[device]]
            --> rig.toml
             = help: add one:
                     [[device]]
                     name = "psu"
                     driver = "scpi"
                     connect = "tcp://192.168.1.20:5025"

            error: `rig` takes a table: write [rig] once, in single brackets
             --> rig.toml:1:1
              |
            1 | [[rig]]
              | ^^^^^^^ this is a list"#]],
    );
}

#[test]
fn a_device_in_single_brackets_needs_two() {
    check(
        r#"[rig]
name = "Bench"

[device]
name = "psu"
"#,
        expect![[r#"
            error: a device is written [[device]], in double brackets
             --> rig.toml:4:1
              |
            4 | [device]
              | ^^^^^^^^
              |
              = help: write [[device]] above its keys, once for each"#]],
    );
}

#[test]
fn a_rig_without_a_name_is_asked_for_one() {
    check(
        r#"[rig]
deadline = "10s"

[[device]]
name = "pdu"
driver = "exec"
safe = [{ run = ["off"] }]
verify = "none"
"#,
        expect![[r#"
            error: [rig] has no `name`
             --> rig.toml:1:1
              |
            1 | [rig]
              | ^^^^^
              |
              = help: write name = "Supply bench": it is shown in the window and the journal"#]],
    );
}

#[test]
fn a_name_that_is_a_number_is_put_in_quotes() {
    check(
        r#"[rig]
name = 12

[[device]]
name = "pdu"
driver = "exec"
safe = [{ run = ["off"] }]
verify = "none"
"#,
        expect![[r#"
            error: `name` takes text
             --> rig.toml:2:8
              |
            2 | name = 12
              |        ^^ this is a number
              |
              = help: put it in quotes: name = "12""#]],
    );
}

#[test]
fn a_number_is_no_duration() {
    check(
        &sections(
            r"deadline = 10
",
        ),
        expect![[r#"
            error: `deadline` takes a duration such as "250ms", "5s", "10m" or "8h"
             --> rig.toml:3:12
              |
            3 | deadline = 10
              |            ^^ this is a number
              |
              = help: put it in quotes, with its unit: deadline = "10s" if these are seconds"#]],
    );
}

#[test]
fn a_duration_with_a_long_unit_is_told_the_short_one() {
    check(
        &sections(
            r#"deadline = "10 seconds"
"#,
        ),
        expect![[r#"
            error: `deadline` takes a duration such as "250ms", "5s", "10m" or "8h"
             --> rig.toml:3:12
              |
            3 | deadline = "10 seconds"
              |            ^^^^^^^^^^^^ not a duration: its unit is not one of ms, s, m, h
              |
              = help: write deadline = "10s""#]],
    );
}

#[test]
fn a_deadline_below_a_second_is_refused() {
    check(
        &sections(
            r#"deadline = "200ms"
"#,
        ),
        expect![[r#"
            error: `deadline` is from 1s to 1h
             --> rig.toml:3:12
              |
            3 | deadline = "200ms"
              |            ^^^^^^^ the longest that a whole teardown may take
              |
              = help: leave it out for 10s"#]],
    );
}

#[test]
fn an_unknown_key_is_told_with_the_nearest_known_one() {
    check(
        &sections(
            r#"
[safety]
on_last_sesion = "safe"
"#,
        ),
        expect![[r#"
            error: [safety] has no key `on_last_sesion`
             --> rig.toml:5:1
              |
            5 | on_last_sesion = "safe"
              | ^^^^^^^^^^^^^^ unknown key
              |
              = help: did you mean `on_last_session`?"#]],
    );
}

#[test]
fn an_unknown_key_far_from_all_known_ones_is_told_their_list() {
    check(
        &sections(
            r#"
[session]
colour = "red"
"#,
        ),
        expect![[r#"
            error: [session] has no key `colour`
             --> rig.toml:5:1
              |
            5 | colour = "red"
              | ^^^^^^ unknown key
              |
              = help: its keys are beat, expire_after, reload_grace, frozen_for, idle_after, idle_warning, liveness"#]],
    );
}

#[test]
fn a_misspelled_word_is_told_with_the_nearest_known_one() {
    check(
        &sections(
            r#"
[safety]
arm = "manuel"
"#,
        ),
        expect![[r#"
            error: `arm` cannot be "manuel"
             --> rig.toml:5:7
              |
            5 | arm = "manuel"
              |       ^^^^^^^^ not one of "manual" or "on-first-session"
              |
              = help: did you mean `manual`?"#]],
    );
}

#[test]
fn a_silence_that_any_busy_machine_has_is_no_hang() {
    check(
        &sections(
            r#"
[safety]
hang_after = "900ms"
"#,
        ),
        expect![[r#"
            error: `hang_after` is at least 1s
             --> rig.toml:5:14
              |
            5 | hang_after = "900ms"
              |              ^^^^^^^
              |
              = help: leave it out for 5s; shorter, a busy machine would pass for a hung host"#]],
    );
}

#[test]
fn asking_is_refused_until_there_is_somebody_who_asks() {
    check(
        &sections(
            r#"
[safety]
on_connect = "ask"
"#,
        ),
        expect![[r#"
            error: on_connect = "ask" is not supported yet
             --> rig.toml:5:14
              |
            5 | on_connect = "ask"
              |              ^^^^^ a bench found live would be made safe all the same
              |
              = help: leave it out, and switch off by hand what must not be ended at once"#]],
    );
}

#[test]
fn a_lease_that_the_pages_main_thread_has_to_answer_for_holds_at_least_four_beats() {
    check(
        &sections("\n[session]\nliveness = \"operator\"\nexpire_after = \"3s\"\n"),
        expect![[r#"
        error: `expire_after` must be at least four beats
         --> rig.toml:6:16
          |
        6 | expire_after = "3s"
          |                ^^^^ expire_after is 3s, four beats are 4s
          |
          = help: write expire_after = "4s", or a shorter beat
          = help: with less, one late beat would take the hardware from its operator"#]],
    );
}

#[test]
fn a_time_for_frozen_pages_never_takes_effect_where_none_is_taken_for_frozen() {
    check(
        &sections("\n[session]\nfrozen_for = \"5s\"\n"),
        expect![[r#"
        warning: `frozen_for` never takes effect: a silent page is gone before it
         --> rig.toml:5:1
          |
        5 | frozen_for = "5s"
          | ^^^^^^^^^^ expire_after is 5s
          |
          = help: leave it out for 10m, or write a longer one"#]],
    );
    check(
        &sections("\n[session]\nfrozen_for = \"30m\"\nliveness = \"connection\"\n"),
        expect![[r#"
        warning: `frozen_for` never takes effect: liveness is "connection"
         --> rig.toml:5:1
          |
        5 | frozen_for = "30m"
          | ^^^^^^^^^^
          |
          = help: leave it out: a browser that answers keeps session and control; or write liveness = "page""#]],
    );
}

#[test]
fn a_lease_holds_at_least_three_beats() {
    check(
        &sections(
            r#"
[session]
beat = "2s"
expire_after = "5s"
"#,
        ),
        expect![[r#"
            error: `expire_after` must be at least three beats
             --> rig.toml:6:16
              |
            5 | beat = "2s"
              |        ---- one beat
            6 | expire_after = "5s"
              |                ^^^^ expire_after is 5s, three beats are 6s
              |
              = help: write expire_after = "6s", or a shorter beat
              = help: with less, one late beat would take the hardware from its operator"#]],
    );
}

#[test]
fn an_idle_warning_comes_before_the_end() {
    check(
        &sections(
            r#"
[session]
idle_after = "30s"
idle_warning = "60s"
"#,
        ),
        expect![[r#"
            error: `idle_warning` must be shorter than `idle_after`
             --> rig.toml:6:16
              |
            6 | idle_warning = "60s"
              |                ^^^^^ idle_warning is 1m, idle_after is 30s
              |
              = help: write a shorter idle_warning"#]],
    );
}

#[test]
fn an_idle_warning_without_an_end_never_takes_effect() {
    check(
        &sections(
            r#"
[session]
idle_warning = "60s"
"#,
        ),
        expect![[r#"
            warning: `idle_warning` never takes effect: idle_after is "never"
             --> rig.toml:5:1
              |
            5 | idle_warning = "60s"
              | ^^^^^^^^^^^^
              |
              = help: leave it out, or write idle_after = "30m""#]],
    );
}

#[test]
fn a_hold_time_never_takes_effect_where_nothing_holds() {
    check(
        &sections(
            r#"
[safety]
hold_for = "8h"
"#,
        ),
        expect![[r#"
            warning: `hold_for` never takes effect: nothing here holds
             --> rig.toml:5:1
              |
            5 | hold_for = "8h"
              | ^^^^^^^^
              |
              = help: leave it out, or write on_last_session = "hold" or on_control_lost = "hold""#]],
    );
}

#[test]
fn arming_by_itself_and_limits_while_armed_never_take_effect_on_a_rig_that_only_measures() {
    check(
        r#"[rig]
name = "Bench"

[safety]
arm = "on-first-session"

[[device]]
name = "meter"
driver = "scpi"
connect = "tcp://10.0.0.2:5025"

[[device.reading]]
name = "current"
query = "READ?"
limits = { max = 2 }
"#,
        expect![[r#"
            warning: this never takes effect: nothing in this rig is ever armed
             --> rig.toml:5:7
              |
            5 | arm = "on-first-session"
              |       ^^^^^^^^^^^^^^^^^^
              |
              = help: leave it out

            warning: these limits never take effect: nothing in this rig is ever armed
              --> rig.toml:15:10
               |
            15 | limits = { max = 2 }
               |          ^^^^^^^^^^^
               |
               = help: write while = "always""#]],
    );
}

#[test]
fn a_key_above_all_sections_is_moved_below_one() {
    check(
        r#"deadline = "10s"
[rig]
name = "Bench"

[[device]]
name = "pdu"
driver = "exec"
safe = [{ run = ["off"] }]
verify = "none"
"#,
        expect![[r#"
            error: `deadline` stands above all sections
             --> rig.toml:1:1
              |
            1 | deadline = "10s"
              | ^^^^^^^^ a key belongs to the section above it
              |
              = help: move it below its section, such as [rig]"#]],
    );
}

#[test]
fn a_reading_as_a_section_of_its_own_is_told_its_place() {
    check(
        &sections(
            r#"
[[reading]]
name = "voltage"
query = "MEAS:VOLT?"
"#,
        ),
        expect![[r#"
            error: there is no section `reading`
             --> rig.toml:4:3
              |
            4 | [[reading]]
              |   ^^^^^^^
              |
              = help: write [[device.reading]], below its [[device]]"#]],
    );
}

#[test]
fn an_app_is_told_what_it_needs_and_what_is_written_wrong() {
    check(
        &sections(
            r#"
[app]
command = ["bokeh", "serve", "app.py"]
redy = "/"
ready = "http://localhost:5006/app"
before_stop = "release it"
stop = { signal = "SIGTERM", withn = "2s" }
on_crash = "restrat"
drives = ["spu"]
"#,
        ),
        expect![[r#"
            error: `command` says nowhere on which port the app is to listen
             --> rig.toml:5:11
              |
            5 | command = ["bokeh", "serve", "app.py"]
              |           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ no `{port}` in it
              |
              = help: Killcord picks a free port: put {port} where the app takes it, such as "--port", "{port}"
              = help: or {socket}, if it can listen on a Unix socket, which no other user of this machine reaches

            error: [app] has no key `redy`
             --> rig.toml:6:1
              |
            6 | redy = "/"
              | ^^^^ unknown key
              |
              = help: did you mean `ready`?

            error: "http://localhost:5006/app" is no path on the app's server
             --> rig.toml:7:9
              |
            7 | ready = "http://localhost:5006/app"
              |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^ a path begins with / and has no space in it
              |
              = help: write ready = "/app": host and port are the app's own

            error: "release it" is no path on the app's server
             --> rig.toml:8:15
              |
            8 | before_stop = "release it"
              |               ^^^^^^^^^^^^ a path begins with / and has no space in it
              |
              = help: write before_stop = "/release"

            error: `signal` cannot be "SIGTERM"
             --> rig.toml:9:19
              |
            9 | stop = { signal = "SIGTERM", withn = "2s" }
              |                   ^^^^^^^^^ not one of "TERM", "INT", "HUP" or "QUIT"

            error: `stop` has no key `withn`
             --> rig.toml:9:30
              |
            9 | stop = { signal = "SIGTERM", withn = "2s" }
              |                              ^^^^^ unknown key
              |
              = help: did you mean `within`?

            error: `on_crash` cannot be "restrat"
              --> rig.toml:10:12
               |
            10 | on_crash = "restrat"
               |            ^^^^^^^^^ not one of "safe" or "restart"
               |
               = help: did you mean `restart`?

            error: there is no device "spu"
              --> rig.toml:11:11
               |
            11 | drives = ["spu"]
               |           ^^^^^
               |
               = help: did you mean `psu`?"#]],
    );
}

#[test]
fn an_app_s_command_is_no_line_for_a_shell_and_is_there() {
    check(
        &sections(
            r#"
[app]
command = "bokeh serve --port {port}"
"#,
        ),
        expect![[r#"
            error: `command` takes a list: the program and each argument by itself
             --> rig.toml:5:11
              |
            5 | command = "bokeh serve --port {port}"
              |           ^^^^^^^^^^^^^^^^^^^^^^^^^^^ there is no shell that would take it apart
              |
              = help: write command = ["bokeh", "serve", "--port", "{port}"]"#]],
    );
    check(
        &sections(
            r#"
[app]
drives = ["psu", "psu"]
"#,
        ),
        expect![[r#"
            error: [app] has no `command`
             --> rig.toml:4:1
              |
            4 | [app]
              | ^^^^^
              |
              = help: write command = ["bokeh", "serve", "app.py", "--port", "{port}"]

            warning: "psu" stands twice in `drives`
             --> rig.toml:5:18
              |
            5 | drives = ["psu", "psu"]
              |           -----  ^^^^^
              |           |
              |           the first
              |
              = help: leave one out"#]],
    );
}

#[test]
fn an_app_s_stop_has_to_fit_into_the_deadline_with_all_the_rest() {
    check(
        &sections(
            r#"deadline = "6s"

[app]
command = ["app", "{port}"]
stop = { within = "5s" }
drives = ["psu"]
"#,
        ),
        expect![[r#"
            error: a teardown may take 9.5s, the deadline is 6s
             --> rig.toml:7:8
              |
            7 | stop = { within = "5s" }
              |        ^^^^^^^^^^^^^^^^^ psu 2s + the app's stop 7s + release and record 500ms = 9.5s
              |
              = help: what it drives is made safe a second time behind it
              = help: lower `within` of `stop` in [app], or raise `deadline` in [rig]"#]],
    );
}

#[test]
fn an_address_that_others_reach_in_plain_text_is_refused_with_what_to_write() {
    for tls in ["", "tls = \"off\"\n", "tls = \"off\"\ntrusted_proxies = []\n"] {
        let wrong = sections(&format!("[remote]\n{tls}listen = \"0.0.0.0:8420\""));
        let told = problems(&wrong);
        for help in ["write tls = \"self-signed\"", "trusted_proxies", "listen = \"127.0.0.1:8420\""] {
            assert!(told.contains(help), "{told}");
        }
    }
    for right in [
        "listen = \"0.0.0.0:8420\"\ntls = \"self-signed\"",
        "listen = \"[::]:8420\"\ntls = { cert = \"a.pem\", key = \"a.key\" }",
        "listen = \"0.0.0.0:8420\"\ntls = \"off\"\ntrusted_proxies = [\"192.0.2.5\", \"10.1.0.0/16\"]\nbase_path = \"/lab/bench1\"",
        "listen = \"127.0.0.1:8420\"",
    ] {
        assert_eq!(problems(&sections(&format!("[remote]\n{right}"))), "");
    }
}

#[test]
fn what_is_wrong_about_the_way_to_browsers_is_told_at_its_place() {
    check(
        &sections(
            r#"
[remote]
listen = "bench1:8420"
tls = { cert = "bench.pem" }
names = ["https://bench1"]
trusted_proxies = ["0.0.0.0/0", "proxy.lab", "192.0.2.5"]
base_path = "/a/../b"
"#,
        ),
        expect![[r#"
            error: `listen` is an address and a port, as in 127.0.0.1:8420
             --> rig.toml:5:10
              |
            5 | listen = "bench1:8420"
              |          ^^^^^^^^^^^^^
              |
              = help: write listen = "127.0.0.1:8420"

            error: `tls` has no `key`
             --> rig.toml:6:7
              |
            6 | tls = { cert = "bench.pem" }
              |       ^^^^^^^^^^^^^^^^^^^^^^
              |
              = help: write key = "bench.key": its private key

            error: this is no name of a machine
             --> rig.toml:7:10
              |
            7 | names = ["https://bench1"]
              |          ^^^^^^^^^^^^^^^^
              |
              = help: write it without scheme, port and path

            error: everybody would be believed to be a proxy
             --> rig.toml:8:20
              |
            8 | trusted_proxies = ["0.0.0.0/0", "proxy.lab", "192.0.2.5"]
              |                    ^^^^^^^^^^^
              |
              = help: name the proxy's address

            error: this is no address of a proxy
             --> rig.toml:8:33
              |
            8 | trusted_proxies = ["0.0.0.0/0", "proxy.lab", "192.0.2.5"]
              |                                 ^^^^^^^^^^^
              |
              = help: write an address such as "192.168.1.5", or a network such as "192.168.1.0/24"

            error: this is no path
             --> rig.toml:9:13
              |
            9 | base_path = "/a/../b"
              |             ^^^^^^^^^
              |
              = help: write the path that the proxy shows, as in "/bench1/""#]],
    );
    check(
        &sections("[remote]\nlisten = \"127.0.0.1:8420\"\ntls = \"on\"\nbase_path = \"bench1\""),
        expect![[r#"
            error: `tls` cannot be "on"
             --> rig.toml:5:7
              |
            5 | tls = "on"
              |       ^^^^ not one of "off" or "self-signed"

            error: this is no path
             --> rig.toml:6:13
              |
            6 | base_path = "bench1"
              |             ^^^^^^^^
              |
              = help: write the path that the proxy shows, as in "/bench1/""#]],
    );
}

#[test]
fn where_the_app_is_shown_has_to_be_said_behind_a_proxy_and_has_to_be_somewhere_else() {
    const APP: &str = "[app]\ncommand = [\"serve\", \"{port}\"]";
    let remote = |more: &str| sections(&format!("[remote]\nlisten = \"127.0.0.1:8420\"\n{more}\n{APP}"));
    for right in [
        "",
        "app_listen = \"127.0.0.1:8500\"",
        "app_listen = \"127.0.0.1:0\"",
        "base_path = \"/\"",
        "base_path = \"/bench1/\"\napp_origin = \"https://bench1-app.lab.example\"",
        "trusted_proxies = [\"127.0.0.1\"]\napp_origin = \"http://Bench1.lab:8443\"",
    ] {
        assert_eq!(problems(&remote(right)), "", "{right}");
    }
    let rig = |more: &str| common::check(&remote(more)).unwrap().0.remote.unwrap();
    assert_eq!(rig("").app_address(), "127.0.0.1:8421".parse().unwrap());
    let origin = |text: &str| rig(&format!("app_origin = \"{text}\"")).app_origin.unwrap();
    assert_eq!(origin("https://Bench1-App.lab:443"), "https://bench1-app.lab");
    assert_eq!(origin("http://bench1.lab:8443"), "http://bench1.lab:8443");
    for (wrong, told) in [
        ("base_path = \"/bench1/\"", "app_origin = \"https://bench1-app.lab.example\""),
        ("trusted_proxies = [\"127.0.0.1\"]", "no address of its own"),
        ("app_listen = \"127.0.0.1:8420\"", "app_listen = \"127.0.0.1:8421\""),
        ("app_listen = \"127.0.0.2:8421\"", "app_listen = \"127.0.0.1:8421\""),
        ("app_listen = \"8421\"", "`app_listen` is an address and a port"),
        ("app_origin = \"bench1-app.lab\"", "this is no origin"),
        ("app_origin = \"https://bench1-app.lab/\"", "this is no origin"),
        ("app_origin = \"https://a; script-src *\"", "this is no origin"),
        ("app_origin = \"https://\"", "this is no origin"),
        ("app_origin = \"https://a:0\"", "this is no origin"),
    ] {
        let all = problems(&remote(wrong));
        assert!(all.starts_with("error") && all.contains(told), "{wrong}: {all}");
    }
    let on = |words: &str| sections(&format!("[app]\ncommand = [\"serve\", {words}]"));
    assert_eq!(problems(&on("\"--uds\", \"{socket}\"")), "");
    assert!(problems(&on("\"{socket}\", \"{port}\"")).contains("on a port and on a socket"));
    let unused = sections("[remote]\nlisten = \"127.0.0.1:8420\"\napp_listen = \"127.0.0.1:8421\"");
    let told = problems(&unused);
    assert!(told.starts_with("warning") && told.contains("there is no [app]"), "{told}");
}
