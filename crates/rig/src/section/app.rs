//! `[app]`

use std::{path::PathBuf, time::Duration};

use killcord_core::{
    App, DevicePlan,
    app::{OnCrash, Stop, StopSignal},
};

use crate::{
    device::{self, DeviceDraft, Names},
    fields::Fields,
    limits,
    node::{Node, short},
    problems::Problems,
    source::Span,
    step, whole,
};

/// How long an app may take until it answers when the file does not say.
const READY_WITHIN: Duration = Duration::from_secs(30);
/// How it is stopped when the file does not say.
const STOP: Stop = Stop { signal: StopSignal::Term, within: Duration::from_secs(5) };

/// `[app]`, checked but for what it says of devices.
pub(crate) struct AppDraft {
    pub(crate) app: App,
    drives: Names,
    /// Where its stop is said, or the section begins.
    pub(crate) stop_span: Span,
}

/// Reads the section, if it is there.
pub(crate) fn read(root: &Fields<'_>) -> Option<AppDraft> {
    let field = root.field("app")?;
    let fields = field.node.table("[app]", "a table: write [app] once, in single brackets")?;
    let command = fields
        .require("command", "write command = [\"bokeh\", \"serve\", \"app.py\", \"--port\", \"{port}\"]")
        .and_then(command);
    let directory = fields.get("directory").and_then(|node| node.text()).unwrap_or(".");
    let ready = fields.get("ready").and_then(path);
    let ready_within = fields.get("ready_within").and_then(|node| node.time());
    let before_stop = fields.get("before_stop").and_then(path);
    let stop = fields.field("stop");
    let stop_span = stop.map_or(field.key_span, |stop| stop.node.span);
    let on_crash = fields
        .get("on_crash")
        .and_then(|node| node.word(&[("safe", OnCrash::Safe), ("restart", OnCrash::Restart)]));
    let drives = fields
        .get("drives")
        .and_then(|node| Some(device::names(node.list("a list of device names", limits::DEVICES)?)))
        .unwrap_or_default();
    let app = App {
        command: command.unwrap_or_default(),
        directory: PathBuf::from(directory),
        ready: ready.unwrap_or_else(|| "/".into()),
        ready_within: ready_within.unwrap_or(READY_WITHIN),
        before_stop,
        stop: stop.and_then(|stop| read_stop(stop.node)).unwrap_or(STOP),
        on_crash: on_crash.unwrap_or(OnCrash::Safe),
        drives: Vec::new(),
    };
    fields.finish();
    Some(AppDraft { app, drives, stop_span })
}

impl AppDraft {
    /// Puts numbers in the place of names.
    pub(crate) fn resolve(self, problems: &Problems, devices: &[DeviceDraft]) -> App {
        let plans: Vec<&DevicePlan> = devices.iter().map(|device| &device.plan).collect();
        let names: Vec<String> = plans.iter().map(|plan| plan.name.clone()).collect();
        let drives = whole::known(problems, &names, &self.drives);
        for (name, span) in &self.drives {
            if plans.iter().any(|plan| plan.name == *name && plan.only_measures()) {
                problems
                    .warning(
                        *span,
                        format!("\"{name}\" has no `safe`: there is nothing to be made safe again"),
                    )
                    .help("leave it out")
                    .tell();
            }
        }
        App { drives, ..self.app }
    }
}

/// The program and its arguments; without port or socket nobody would find it.
fn command(node: Node<'_>) -> Option<Vec<String>> {
    let words =
        step::words(node, "such as command = [\"bokeh\", \"serve\", \"app.py\", \"--port\", \"{port}\"]")?;
    let has = |what: &str| words.iter().any(|word| word.contains(what));
    let port = has("{port}") || has("{host}");
    if !port && !has("{socket}") {
        node.error("`command` says nowhere on which port the app is to listen")
            .label("no `{port}` in it")
            .help("Killcord picks a free port: put {port} where the app takes it, such as \"--port\", \"{port}\"")
            .help("or {socket}, if it can listen on a Unix socket, which no other user of this machine reaches")
            .tell();
        return None;
    }
    if port && has("{socket}") {
        node.error("the app is to listen on a port and on a socket")
            .label("both are in it")
            .help("leave {port} and {host} out: a socket has no port")
            .tell();
        return None;
    }
    Some(words)
}

/// A path on the app's server.
fn path(node: Node<'_>) -> Option<String> {
    let text = node.text()?;
    if text.starts_with('/') && text.len() <= limits::LINE && text.bytes().all(|byte| byte.is_ascii_graphic())
    {
        return Some(text.to_owned());
    }
    let draft = node
        .error(format!("\"{}\" is no path on the app's server", short(text)))
        .label("a path begins with / and has no space in it");
    match text.strip_prefix("http://").or_else(|| text.strip_prefix("https://")) {
        Some(rest) => {
            let path = rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/");
            draft.help(format!("write {} = \"{}\": host and port are the app's own", node.key, short(path)))
        }
        None => draft.help(format!(
            "write {} = \"/{}\"",
            node.key,
            short(text.split_whitespace().next().unwrap_or_default().trim_matches('/'))
        )),
    }
    .tell();
    None
}

fn read_stop(node: Node<'_>) -> Option<Stop> {
    let fields = node.table("`stop`", "a table: stop = { signal = \"TERM\", within = \"5s\" }")?;
    let mut stop = STOP;
    let signals = [
        ("TERM", StopSignal::Term),
        ("INT", StopSignal::Int),
        ("HUP", StopSignal::Hup),
        ("QUIT", StopSignal::Quit),
    ];
    if let Some(signal) = fields.get("signal").and_then(|node| node.word(&signals)) {
        stop.signal = signal;
    }
    if let Some(within) = fields.get("within").and_then(|node| node.time()) {
        stop.within = within;
    }
    fields.finish();
    Some(stop)
}
