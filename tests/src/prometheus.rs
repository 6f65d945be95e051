//! Debian's Prometheus: scrapes a host, judges by the alert rules that Killcord ships, and is asked over its own API.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::place;
use crate::port::Port;
use crate::process::{Launch, Process};
use crate::wait::{LONG, until_true};

/// Where a host gives its numbers.
pub const PATH: &str = "/killcord/metrics";

/// The folder of alert rules and dashboard.
#[must_use]
pub fn shipped(name: &str) -> PathBuf {
    place::root().join("docs/monitoring").join(name)
}

/// A row of an answer: its labels and its value.
pub type Row = (BTreeMap<String, String>, f64);

/// One that runs.
pub struct Prometheus {
    process: Process,
    port: Port,
    _dir: TempDir,
}

impl Prometheus {
    /// Starts one that scrapes this address as the job `killcord`, five times a second, and judges as often; it comes in
    /// by this key. Encrypted where it is told whose `certificate` to believe.
    ///
    /// # Panics
    /// When it cannot be started, or does not get ready.
    #[must_use]
    pub fn scraping(target: &str, key: &str, certificate: Option<&Path>) -> Self {
        let (dir, port) = (tempfile::tempdir().unwrap(), Port::free());
        let (rules, credentials) = (shipped("killcord.rules.yml"), dir.path().join("killcord.token"));
        std::fs::write(&credentials, key).unwrap();
        let tls = certificate.map_or(String::new(), |file| {
            format!("    scheme: https\n    tls_config: {{ ca_file: {file:?} }}\n")
        });
        let config = format!(
            "global: {{ scrape_interval: 200ms, scrape_timeout: 200ms, evaluation_interval: 200ms }}\n\
             rule_files: [{rules:?}]\n\
             scrape_configs:\n  - job_name: killcord\n    metrics_path: {PATH}\n{tls}    \
             authorization: {{ credentials_file: {credentials:?} }}\n    static_configs:\n      \
             - targets: [\"{target}\"]\n"
        );
        let file = dir.path().join("prometheus.yml");
        std::fs::write(&file, config).unwrap();
        let process = Launch::new("/usr/bin/prometheus")
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", dir.path().join("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{}", port.number()))
            .start();
        let prometheus = Self { process, port, _dir: dir };
        until_true("Prometheus to be ready", LONG, || {
            ureq::get(format!("http://127.0.0.1:{}/-/ready", prometheus.port.number())).call().is_ok()
        });
        prometheus
    }

    /// What it answers to an expression now.
    ///
    /// # Panics
    /// When it does not take the expression; shows what it said.
    #[must_use]
    #[track_caller]
    pub fn query(&self, expression: &str) -> Vec<Row> {
        let url = format!("http://127.0.0.1:{}/api/v1/query", self.port.number());
        let mut answer = ureq::get(url)
            .query("query", expression)
            .config()
            .http_status_as_error(false)
            .build()
            .call()
            .unwrap_or_else(|error| panic!("{error}. It said:\n{}", self.process.output().all()));
        let answer: Value = answer.body_mut().read_json().unwrap();
        assert_eq!(answer["status"], "success", "{expression}: {answer}");
        let rows = answer["data"]["result"].as_array().unwrap().iter();
        rows.map(|row| {
            let labels = row["metric"].as_object().unwrap().iter();
            let labels = labels.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()));
            (labels.collect(), row["value"][1].as_str().unwrap().parse().unwrap())
        })
        .collect()
    }

    /// The alerts that have gone off, by name.
    #[must_use]
    pub fn firing(&self) -> BTreeSet<String> {
        let rows = self.query("ALERTS{alertstate=\"firing\"}");
        rows.into_iter().map(|(mut labels, _)| labels.remove("alertname").unwrap()).collect()
    }
}

/// Debian's promtool, at work in the workspace.
#[must_use]
pub fn promtool(args: &[&str]) -> Launch {
    Launch::new("/usr/bin/promtool").args(args.iter().copied()).dir(place::root())
}

/// The expressions that the dashboard asks for, of all hosts.
///
/// # Panics
/// When it is no dashboard, or a panel asks nothing.
#[must_use]
pub fn dashboard_expressions(dashboard: &Path) -> Vec<String> {
    let dashboard: Value = serde_json::from_slice(&std::fs::read(dashboard).unwrap()).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    panels
        .flat_map(|panel| panel["targets"].as_array().unwrap())
        .map(|target| target["expr"].as_str().unwrap().replace("$instance", ".*"))
        .map(|expression| expression.replace("$__rate_interval", "5s"))
        .collect()
}
