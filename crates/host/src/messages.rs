//! `[messages]`: the rig's own words, Markdown made into HTML once, when the host starts.
//!
//! **It must never** let anything act in a page: HTML in the Markdown is shown as the text that it is, an image is
//! its description, a link leads to `http`, `https` or `mailto`, and into another tab, for leaving the page would
//! end its session. What changes, time and hardware, stands in an element of its own that the page fills in as text.

use std::collections::BTreeMap;

use killcord_core::{Rig, SessionEnd};
use killcord_wire::Hardware;
use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd, TextMergeStream, html::push_html};

/// Where the page fills in the time of what happened.
const TIME: &str = "<span data-killcord=\"time\">not known</span>";
/// Where the page fills in what is known of the hardware.
const HARDWARE: &str = "<span data-killcord=\"hardware\">not known</span>";

/// By their keys in the rig file.
#[derive(Debug, Default)]
pub(crate) struct Messages(BTreeMap<String, String>);

impl Messages {
    pub(crate) fn new(rig: &Rig) -> Self {
        let made = |(key, text): (&String, &String)| (key.clone(), html(text, &rig.plan.rig));
        Self(rig.messages.iter().map(made).collect())
    }

    /// All of them, for a page that will have to say them by itself. `None` where the rig has none.
    pub(crate) fn all(&self) -> Option<BTreeMap<String, String>> {
        (!self.0.is_empty()).then(|| self.0.clone())
    }

    /// What a page is told that ends now; empty where the rig has no words for that.
    pub(crate) fn ended(&self, reason: SessionEnd, hardware: Hardware, unix_ms: u64) -> String {
        let Some(html) = self.0.get(reason.code()) else { return String::new() };
        html.replace(TIME, &TIME.replace("not known", &utc(unix_ms)))
            .replace(HARDWARE, &HARDWARE.replace("not known", words(hardware)))
    }
}

/// For pages that do not fill it in by themselves, in the words of `@killcord/client`.
const fn words(hardware: Hardware) -> &'static str {
    match hardware {
        Hardware::Safe => "every device is confirmed safe",
        Hardware::Armed => "the rig is armed",
        Hardware::MakingSafe => "the rig is being made safe",
        Hardware::NotSafe => "at least one device is NOT confirmed safe",
    }
}

/// The time of day; a page makes local time of it.
fn utc(unix_ms: u64) -> String {
    let seconds = unix_ms / 1000;
    format!("{:02}:{:02}:{:02} UTC", seconds / 3600 % 24, seconds / 60 % 60, seconds % 60)
}

fn html(markdown: &str, rig: &str) -> String {
    let mut kept = Vec::new();
    let harmless = Parser::new_ext(markdown, Options::empty()).filter_map(move |event| {
        Some(match event {
            Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
            Event::Start(Tag::HtmlBlock) => Event::Start(Tag::Paragraph),
            Event::End(TagEnd::HtmlBlock) => Event::End(TagEnd::Paragraph),
            Event::Start(Tag::Image { .. }) | Event::End(TagEnd::Image) => return None,
            Event::Start(Tag::Link { dest_url, .. }) => {
                let leads = ["https://", "http://", "mailto:"].iter().any(|way| dest_url.starts_with(way));
                kept.push(leads);
                if !leads {
                    return None;
                }
                let to = escaped(&dest_url);
                Event::InlineHtml(
                    format!("<a href=\"{to}\" target=\"_blank\" rel=\"noopener noreferrer\">").into(),
                )
            }
            Event::End(TagEnd::Link) if kept.pop()? => Event::InlineHtml("</a>".into()),
            Event::End(TagEnd::Link) => return None,
            other => other,
        })
    });
    let filled = TextMergeStream::new(harmless).flat_map(|event| match event {
        Event::Text(text) => filled(&text, rig),
        other => vec![other],
    });
    let mut html = String::new();
    push_html(&mut html, filled);
    html
}

/// The text, in parts: what is filled in is a part of its own.
fn filled(text: &str, rig: &str) -> Vec<Event<'static>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let marks = [
            ("{rig}", Event::Text(rig.to_owned().into())),
            ("{time}", Event::InlineHtml(TIME.into())),
            ("{hardware}", Event::InlineHtml(HARDWARE.into())),
        ];
        let first = marks.into_iter().filter_map(|(mark, part)| Some((rest.find(mark)?, mark, part)));
        let Some((at, mark, part)) = first.min_by_key(|(at, ..)| *at) else { break };
        parts.push(Event::Text(CowStr::from(rest[..at].to_owned())));
        parts.push(part);
        rest = &rest[at + mark.len()..];
    }
    parts.push(Event::Text(CowStr::from(rest.to_owned())));
    parts
}

/// For the value of an attribute in double quotes.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(markdown: &str, expect: &str) {
        assert_eq!(html(markdown, "Bench <1>").trim_end(), expect, "{markdown}");
    }

    #[test]
    fn markdown_becomes_html_with_the_rigs_name_in_it() {
        check(
            "**{rig}** is *gone*.\n\nAsk.",
            "<p><strong>Bench &lt;1&gt;</strong> is <em>gone</em>.</p>\n<p>Ask.</p>",
        );
        check("- one\n- `two`", "<ul>\n<li>one</li>\n<li><code>two</code></li>\n</ul>");
        check("since {time}: {hardware}", &format!("<p>since {TIME}: {HARDWARE}</p>"));
    }

    #[test]
    fn nothing_in_a_message_acts_in_a_page() {
        check("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>");
        check("a <b onclick=\"x()\">b</b>", "<p>a &lt;b onclick=\"x()\"&gt;b&lt;/b&gt;</p>");
        check("<span data-killcord=\"time\">", "<p>&lt;span data-killcord=\"time\"&gt;</p>");
        check("![the *bench*](https://evil.example/pixel)", "<p>the <em>bench</em></p>");
        for way in [
            "javascript:alert(1)",
            "JAVASCRIPT:alert(1)",
            "data:text/html,x",
            "//evil.example",
            "/killcord/pair",
        ] {
            check(&format!("[go]({way})"), "<p>go</p>");
        }
        check("[a [b](javascript:x) c](https://x.example)", "<p>[a b c](https://x.example)</p>");
    }

    #[test]
    fn a_link_opens_another_tab_and_stays_in_its_attribute() {
        check(
            "[plan](https://wiki.example/?a=1&b=\"'<x>)",
            "<p><a href=\"https://wiki.example/?a=1&amp;b=&quot;'&lt;x&gt;\" target=\"_blank\" rel=\"noopener noreferrer\">plan</a></p>",
        );
    }

    #[test]
    fn an_end_is_told_with_its_time_and_what_is_known_of_the_hardware() {
        let text = html("{time}: {hardware}", "b");
        let messages = Messages(BTreeMap::from([("expired".to_owned(), text)]));
        let at = (14 * 3600 + 3 * 60 + 2) * 1000 + 86_400_000;
        let told = messages.ended(SessionEnd::Expired, Hardware::NotSafe, at);
        assert!(
            told.contains(">14:03:02 UTC</span>") && told.contains(">at least one device is NOT"),
            "{told}"
        );
        assert_eq!(messages.ended(SessionEnd::Idle, Hardware::Safe, at), "");
    }
}
