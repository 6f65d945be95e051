//! From the file as written to a checked [`Config`]; all problems at once.

use std::{net::SocketAddr, ops::Range, path::PathBuf, time::Duration};

use toml::Spanned;

use super::{
    Config, FurnaceConfig, GenericConfig, InstrumentConfig, Kind, Listen, LoadConfig, SupplyConfig,
    file::{File, Instrument},
    problem::Problem,
};
use crate::duration;

const KINDS: &str = "supply, load, furnace or scpi";

struct Check<'a> {
    file: &'a str,
    source: &'a str,
    problems: Vec<Problem>,
}

pub(super) fn parse(source: &str, file: &str) -> Result<Config, Vec<Problem>> {
    let mut check = Check { file, source, problems: Vec::new() };
    let raw: File = match toml::from_str(source) {
        Ok(raw) => raw,
        Err(error) => {
            let remedy = "see the example in examples/demo/bench.toml";
            check.problem(error.span().unwrap_or(0..0), error.message().to_owned(), remedy);
            return Err(check.problems);
        }
    };
    let witness = check.witness(raw.witness.as_ref());
    if raw.instrument.is_empty() {
        check.problem(0..0, "there is no instrument", "add an [[instrument]] with name, kind and listen");
    }
    let instruments: Vec<_> =
        raw.instrument.iter().filter_map(|raw| check.instrument(raw.get_ref())).collect();
    check.names(&raw, &instruments);
    check.lines(&raw, &instruments);
    if check.problems.is_empty() {
        Ok(Config { witness, instruments })
    } else {
        check.problems.sort_by_key(|problem| (problem.line, problem.column));
        Err(check.problems)
    }
}

impl Check<'_> {
    fn problem(&mut self, span: Range<usize>, message: impl Into<String>, remedy: impl Into<String>) {
        self.problems.push(Problem::new(self.file, self.source, span, message, remedy));
    }

    fn witness(&mut self, raw: Option<&Spanned<String>>) -> SocketAddr {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let Some(raw) = raw else { return any };
        match raw.get_ref().parse::<SocketAddr>() {
            Ok(at) if at.ip().is_loopback() => at,
            Ok(_) => {
                let message = "the witness can set faults, so it listens on loopback only";
                self.problem(raw.span(), message, "write \"127.0.0.1:0\", or a port of your choice");
                any
            }
            Err(_) => {
                let message = format!("{:?} is not an address and port", raw.get_ref());
                self.problem(raw.span(), message, "write \"127.0.0.1:0\" (port 0: any free one)");
                any
            }
        }
    }

    fn instrument(&mut self, raw: &Instrument) -> Option<InstrumentConfig> {
        let name = raw.name.get_ref();
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if name.is_empty() || !name.chars().all(plain) {
            let message = format!("{name:?} cannot be part of the witness's paths");
            self.problem(raw.name.span(), message, "use letters, digits, _ and -");
        }
        for fault in &raw.faults {
            if let Err(error) = fault.get_ref().check() {
                self.problem(fault.span(), error.to_string(), "leave that key out");
            }
        }
        let listen = self.listen(&raw.listen);
        let kind = self.kind(raw);
        let faults = raw.faults.iter().map(|fault| fault.get_ref().clone()).collect();
        Some(InstrumentConfig { name: name.clone(), kind: kind?, listen: listen?, faults })
    }

    fn kind(&mut self, raw: &Instrument) -> Option<Kind> {
        let word = raw.kind.get_ref().as_str();
        let (keys, kind): (&[&str], Kind) = match word {
            "supply" => {
                let make = SupplyConfig {
                    idn: self.idn(raw, "KILLCORD,SIM SUPPLY,1,1.0"),
                    max_voltage: self.positive(raw.max_voltage.as_ref(), 32.0),
                    max_current: self.positive(raw.max_current.as_ref(), 10.0),
                    slew: self.positive(raw.slew.as_ref(), 40.0),
                    ohms: raw.ohms.as_ref().map(|ohms| self.positive(Some(ohms), 1.0)),
                };
                (&["idn", "max_voltage", "max_current", "slew", "ohms"], Kind::Supply(make))
            }
            "load" => {
                let make = LoadConfig {
                    idn: self.idn(raw, "KILLCORD,SIM LOAD,1,1.0"),
                    max_current: self.positive(raw.max_current.as_ref(), 10.0),
                    source: raw.source.as_ref().map(|source| source.get_ref().clone()),
                };
                (&["idn", "max_current", "source"], Kind::Load(make))
            }
            "furnace" => {
                let make = FurnaceConfig {
                    unit: self.unit(raw.unit.as_ref()),
                    time_constant: self.time_constant(raw.time_constant.as_ref()),
                    temperature: raw.temperature.as_ref().map_or(25.0, |celsius| *celsius.get_ref()),
                };
                (&["unit", "time_constant", "temperature"], Kind::Furnace(make))
            }
            "scpi" => {
                let values = raw.values.as_ref().map(|values| values.get_ref().clone()).unwrap_or_default();
                let make = GenericConfig {
                    idn: self.idn(raw, "KILLCORD,SIM INSTRUMENT,1,1.0"),
                    values: values.into_iter().collect(),
                };
                (&["idn", "values"], Kind::Generic(make))
            }
            _ => {
                let message = format!("there is no instrument of the kind {word:?}");
                self.problem(raw.kind.span(), message, format!("write {KINDS}"));
                return None;
            }
        };
        for (key, span) in raw.special_keys() {
            if !keys.contains(&key) {
                self.problem(span, format!("a {word} has no `{key}`"), format!("it has {}", keys.join(", ")));
            }
        }
        Some(kind)
    }

    fn idn(&mut self, raw: &Instrument, standard: &str) -> String {
        let Some(idn) = &raw.idn else { return standard.to_owned() };
        if idn.get_ref().contains(['\n', '\r']) || !idn.get_ref().is_ascii() {
            self.problem(
                idn.span(),
                "an identity is one line of ASCII",
                "leave line ends and other letters out",
            );
        }
        idn.get_ref().clone()
    }

    fn positive(&mut self, raw: Option<&Spanned<f64>>, standard: f64) -> f64 {
        let Some(raw) = raw else { return standard };
        let value = *raw.get_ref();
        if !(value.is_finite() && value > 0.0) {
            self.problem(raw.span(), format!("{value} cannot be"), "write a number above 0");
        }
        value
    }

    fn unit(&mut self, raw: Option<&Spanned<i64>>) -> Option<u8> {
        let raw = raw?;
        match u8::try_from(*raw.get_ref()) {
            Ok(unit @ 1..=247) => Some(unit),
            _ => {
                let message = format!("{} is no Modbus unit", raw.get_ref());
                self.problem(raw.span(), message, "units are 1 to 247 (0 is the broadcast)");
                None
            }
        }
    }

    fn time_constant(&mut self, raw: Option<&Spanned<String>>) -> Duration {
        let Some(raw) = raw else { return Duration::from_secs(60) };
        match duration::parse(raw.get_ref()) {
            Ok(time) if time >= Duration::from_millis(100) => time,
            Ok(_) => {
                self.problem(raw.span(), "a furnace is not that quick", "write at least \"100ms\"");
                Duration::from_secs(60)
            }
            Err(error) => {
                self.problem(raw.span(), error.to_string(), "for example \"60s\"");
                Duration::from_secs(60)
            }
        }
    }

    fn listen(&mut self, raw: &Spanned<String>) -> Option<Listen> {
        let text = raw.get_ref();
        let listen = match text.split_once("://") {
            Some(("tcp", at)) => at.parse().ok().map(Listen::Tcp),
            Some(("pty", "")) => Some(Listen::Pty(None)),
            Some(("pty", path)) => Some(Listen::Pty(Some(PathBuf::from(path)))),
            _ => None,
        };
        if listen.is_none() {
            let message = format!("{text:?} is no place to listen");
            self.problem(raw.span(), message, "write \"tcp://127.0.0.1:0\" or \"pty:///tmp/NAME\"");
        }
        listen
    }

    fn names(&mut self, raw: &File, checked: &[InstrumentConfig]) {
        for (index, instrument) in raw.instrument.iter().enumerate() {
            let name = &instrument.get_ref().name;
            if raw.instrument[..index].iter().any(|other| other.get_ref().name.get_ref() == name.get_ref()) {
                let message = format!("two instruments are called {:?}", name.get_ref());
                self.problem(name.span(), message, "give one another name");
            }
            let Some(source) = &instrument.get_ref().source else { continue };
            let supply = |other: &InstrumentConfig| {
                other.name == *source.get_ref() && matches!(other.kind, Kind::Supply(_))
            };
            if !checked.iter().any(supply) {
                let message = format!("no supply is called {:?}", source.get_ref());
                self.problem(source.span(), message, "name a supply of this file, or leave `source` out");
            }
        }
    }

    /// Only Modbus units share a line, and each then needs a number of its own.
    fn lines(&mut self, raw: &File, checked: &[InstrumentConfig]) {
        let place = |name: &str| raw.instrument.iter().find(|raw| raw.get_ref().name.get_ref() == name);
        for (index, one) in checked.iter().enumerate() {
            let Some(raw) = place(&one.name).map(Spanned::get_ref) else { continue };
            if let (Kind::Furnace(make), Listen::Pty(_)) = (&one.kind, &one.listen)
                && make.unit.is_none()
            {
                self.problem(raw.kind.span(), "a furnace on a serial line needs a unit", "add `unit = 1`");
            }
            for other in checked[..index].iter().filter(|other| shares_line(one, other)) {
                let (Kind::Furnace(a), Kind::Furnace(b)) = (&one.kind, &other.kind) else {
                    let message = format!("{:?} listens there already", other.name);
                    self.problem(
                        raw.listen.span(),
                        message,
                        "give each its own; only Modbus units share a line",
                    );
                    continue;
                };
                if a.unit.is_none() || b.unit.is_none() || a.unit == b.unit {
                    let message = format!("{:?} is on the same line", other.name);
                    self.problem(raw.listen.span(), message, "give each its own `unit`");
                }
            }
        }
    }
}

/// Whether two instruments are on one line: the same path, or the same port that is not 0.
pub(crate) fn shares_line(one: &InstrumentConfig, other: &InstrumentConfig) -> bool {
    match (&one.listen, &other.listen) {
        (Listen::Tcp(a), Listen::Tcp(b)) => a == b && a.port() != 0,
        (Listen::Pty(Some(a)), Listen::Pty(Some(b))) => a == b,
        (Listen::With(name), _) => *name == other.name,
        _ => false,
    }
}
