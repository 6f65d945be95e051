//! The examples with Bokeh and Streamlit, their very files, in a real Chromium: reloaded, closed, killed, and while a
//! callback of theirs blocks for half a minute. The simulated supply's own record decides.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::{Duration, Instant};

use killcord_tests::chromium::{Chromium, Reload, Tab};
use killcord_tests::example::Example;
use killcord_tests::page::nth_link;
use killcord_tests::process::Process;
use killcord_tests::wait::{LONG, SOON, let_pass, until_true};
use killcord_tests::wrapped::{app_processes, until_gone};

/// Longer than a lease, three times over.
const BLOCKS: Duration = Duration::from_secs(30);
/// A lease that is over while a test waits, and longer than a loaded machine keeps a browser from beating.
const LEASE: &str = "beat = \"500ms\"\nexpire_after = \"8s\"\nreload_grace = \"8s\"\n";

/// The app's page in the shell of it, open in a browser.
struct Page {
    example: Example,
    serve: Process,
    chromium: Chromium,
    tab: Tab,
}

impl Page {
    /// `more` stands behind the app's own lines.
    #[track_caller]
    fn of(name: &str, more: &str) -> Self {
        let lease = format!("[session]\n{LEASE}");
        let change = match name {
            "bokeh" => ("[app]\n", format!("{lease}\n[app]\n")),
            _ => ("[session]\n", lease),
        };
        let example = Example::of(name, &[(change.0, &change.1)], more);
        let (serve, _browser) = example.ready();
        let chromium = Chromium::start();
        let tab = chromium.open(&nth_link(&serve, 1));
        Self { example, serve, chromium, tab }
    }

    /// Until an expression about the app's own page is true.
    #[track_caller]
    fn until(&self, expression: &str) {
        until_true(expression, LONG, || self.is(expression) == Some(true));
    }

    /// Whether an expression about the app's own page is true; `None` where there is no page.
    fn is(&self, expression: &str) -> Option<bool> {
        self.tab.framed().ok()?.try_run(&format!("Boolean({expression})")).ok()?.as_bool()
    }

    /// Does something in the app's own page.
    #[track_caller]
    fn act(&self, script: &str) {
        self.tab.framed().unwrap().run(&format!("void ({script})"));
    }

    /// Loads it again in every way.
    #[track_caller]
    fn reload(&self, until: &str) {
        for how in Reload::ALL {
            self.tab.reload(how);
            self.until(until);
            assert!(
                self.example.is_on() && !app_processes(&self.serve).is_empty(),
                "{how:?} was taken for an end"
            );
        }
    }

    /// While the app does nothing else, for as long as it does not.
    #[track_caller]
    fn stays_while_it_blocks(&self, is_over: &str) {
        let began = Instant::now();
        while began.elapsed() < BLOCKS - Duration::from_secs(5) {
            assert!(self.example.is_on(), "the hardware was made safe");
            assert!(!self.tab.says("Connection lost"), "{}", self.tab.text());
            assert_eq!(self.is(is_over), Some(false), "it does not block");
            let_pass(Duration::from_millis(500));
        }
        self.until(is_over);
        assert!(self.example.is_on());
    }

    /// Until the hardware is off and nothing of the app is left.
    #[track_caller]
    fn await_end(&self) {
        self.example.until(false, LONG);
        until_gone(&self.serve);
        assert!(!self.example.is_on(), "the app had the last word");
    }
}

/// Bokeh's slider is there.
const SLIDER: &str = "globalThis.Bokeh?.documents?.[0]?.roots()[0]";
const VOLTS: &str = "Bokeh.documents[0].roots()[0]";

#[test]
fn bokeh_in_a_browser_survives_reloads_and_a_blocking_callback_and_is_off_when_its_tab_is_closed() {
    let blocks = "import time\n\ndef block(_attr, _old, new):\n    time.sleep(30)\n    volts.title = \"awake\"\n\n\
                  volts.on_change(\"tags\", block)\n";
    let page = Page::of("bokeh", blocks);
    page.until(SLIDER);
    page.example.until(true, LONG);
    page.reload(SLIDER);
    page.act(&format!("{VOLTS}.value_throttled = 4.5"));
    page.example.until_told("VOLT 4.5");
    page.act(&format!("{VOLTS}.tags = ['block']"));
    page.stays_while_it_blocks(&format!("{VOLTS}.title === 'awake'"));
    // The next one is under way as the tab goes: nothing of the app could be asked.
    page.act(&format!("{VOLTS}.tags = ['again']"));
    let Page { example, serve, chromium, tab } = page;
    tab.close();
    example.until(false, SOON);
    until_gone(&serve);
    assert!(!example.is_on(), "the app had the last word");
    drop(chromium);
}

#[test]
fn bokeh_in_a_browser_that_is_killed_is_off_after_its_lease() {
    let mut page = Page::of("bokeh", "");
    page.until(SLIDER);
    page.example.until(true, LONG);
    page.chromium.kill();
    page.await_end();
}

/// Streamlit's switch, and the button that a test has put below it.
const SWITCH: &str = "document.querySelector('[data-testid=stCheckbox] label')";
const BLOCK: &str = "document.querySelector('[data-testid=stButton] button')";

#[test]
fn streamlit_in_a_browser_survives_a_reload_and_a_blocking_script_and_is_off_when_its_tab_is_closed() {
    let page = Page::of(
        "streamlit",
        "\nimport time\n\nif st.button(\"Block\"):\n    time.sleep(30)\n    st.write(\"awake\")\n",
    );
    page.until(SWITCH);
    let app = app_processes(&page.serve);
    // Of Streamlit's own a reload is a new session, whose switch is off; the host's goes on, and its app.
    page.tab.reload(Reload::Button);
    page.until(SWITCH);
    assert_eq!(app_processes(&page.serve), app, "a reload was taken for an end");
    page.tab.click_framed(SWITCH);
    page.example.until(true, LONG);
    page.tab.click_framed(BLOCK);
    page.stays_while_it_blocks("document.body.innerText.includes('awake')");
    let Page { example, serve, chromium, tab } = page;
    tab.close();
    example.until(false, SOON);
    until_gone(&serve);
    assert!(!example.is_on(), "the app had the last word");
    drop(chromium);
}

#[test]
fn streamlit_in_a_browser_that_is_killed_is_off_after_its_lease_and_a_dead_host_leaves_the_authors_words() {
    let mut page = Page::of("streamlit", "");
    page.until(SWITCH);
    page.tab.click_framed(SWITCH);
    page.example.until(true, LONG);
    page.chromium.kill();
    page.await_end();
    drop(page);

    let mut page = Page::of("streamlit", "");
    killcord_tests::door::await_watchdog(&page.example.station);
    page.until(SWITCH);
    page.tab.click_framed(SWITCH);
    page.example.until(true, LONG);
    page.serve.signal(rustix::process::Signal::KILL);
    page.serve.wait(LONG);
    page.tab.await_text("Do not touch the bench before checking it.");
    page.await_end();
}
