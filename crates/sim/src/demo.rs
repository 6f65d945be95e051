//! The demo's bench and rig: the files under `examples/demo`, which stay the one source of both.

use crate::{
    address::{Address, Addresses},
    config::{Config, ConfigError, Listen},
};

const BENCH: &str = include_str!("../../../examples/demo/bench.toml");
const RIG: &str = include_str!("../../../examples/demo/rig.toml");

/// The instruments' file, with its fixed ports.
pub fn bench() -> &'static str {
    BENCH
}

/// The demo's instruments on any free ports.
///
/// # Errors
/// None with the file as shipped; a test holds it to that.
pub fn config() -> Result<Config, ConfigError> {
    Config::parse(BENCH, "examples/demo/bench.toml").map(Config::on_any_ports)
}

/// The rig's file as it stands: for `killcord sim examples/demo/bench.toml`.
pub fn rig_file() -> &'static str {
    RIG
}

/// The rig for instruments that listen at `addresses`. Names that the demo's bench does not have are
/// ignored; instruments without an address keep the file's.
pub fn rig(addresses: &Addresses) -> String {
    let Ok(config) = Config::parse(BENCH, "examples/demo/bench.toml") else { return RIG.to_owned() };
    config.instruments.iter().fold(RIG.to_owned(), |rig, instrument| {
        let Listen::Tcp(at) = instrument.listen else { return rig };
        let Some(actual) = addresses.get(&instrument.name).and_then(Address::tcp) else { return rig };
        // Quotes included: 15021 is no part of 150210.
        rig.replace(&format!("://{at}\""), &format!("://{actual}\""))
    })
}
