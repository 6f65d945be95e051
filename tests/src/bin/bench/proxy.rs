//! What the way through Killcord adds to a request of a wrapped app: the same request in turns, straight to the app and
//! through the proxy, each on a connection that is kept.

use std::time::Instant;

use killcord_tests::measure::{Figures, Row, Samples};
use killcord_tests::wrapped::Wrapped;
use serde_json::Value;
use ureq::Agent;

use crate::options::Options;

/// In milliseconds, of the medians.
const ADDED: f64 = 1.0;
const WARM: usize = 50;

pub(crate) fn run(options: &Options) -> Figures {
    let bench = Wrapped::mirror("expire_after = \"60s\"");
    let (_serve, browser) = bench.ready();
    let browser = browser.app();
    let seen: Value = browser.get("/x", &[]).body_mut().read_json().unwrap();
    let headers = seen["headers"].as_array().unwrap();
    let host = headers.iter().find(|pair| pair[0] == "host").unwrap()[1].as_str().unwrap().to_owned();

    let agent = Agent::new_with_defaults();
    let timed = |at: &str| {
        let began = Instant::now();
        let mut answer =
            agent.get(format!("http://{at}/x")).header("cookie", browser.cookie()).call().unwrap();
        answer.body_mut().read_to_vec().unwrap();
        began.elapsed()
    };
    let (mut straight, mut through) = (Samples::default(), Samples::default());
    for n in 0..WARM + options.count(1000) {
        let (direct, proxied) = (timed(&host), timed(browser.at()));
        if n >= WARM {
            straight.add_time(direct);
            through.add_time(proxied);
        }
    }
    let added = through.median() - straight.median();
    let mut figures = Figures::new("proxy");
    figures.row(Row::new("a request, straight to the app", "ms", &straight, [None; 2]));
    figures.row(Row::new("the same through Killcord", "ms", &through, [None; 2]));
    figures.row(Row::single("added, of the medians", "ms", added, Some(ADDED)));
    figures
}
