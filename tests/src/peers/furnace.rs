//! pymodbus' simulator as a furnace: register 10 is its temperature, 11 to 20 are set values, coils 32 to 47
//! are the bits of register 2. Its REST port counts reads and writes of every register: the witness of
//! *exactly once*.

use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{PtyPair, Received};
use crate::place;
use crate::port::Port;
use crate::process::{Launch, Process};
use crate::wait::{LONG, until};

/// The simulator.
pub struct Furnace {
    process: Process,
    modbus: Port,
    http: Port,
    _dir: TempDir,
}

/// What the simulator tells of a register.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Register {
    #[serde(deserialize_with = "number")]
    value: u64,
    #[serde(deserialize_with = "number")]
    count_read: u64,
    #[serde(deserialize_with = "number")]
    count_write: u64,
}

impl Register {
    /// Its value.
    #[must_use]
    pub const fn value(&self) -> u64 {
        self.value
    }

    /// How often it was read.
    #[must_use]
    pub const fn reads(&self) -> u64 {
        self.count_read
    }

    /// How often it was written.
    #[must_use]
    pub const fn writes(&self) -> u64 {
        self.count_write
    }
}

/// The simulator writes numbers as text, and bits as `0x1`.
fn number<'de, D: serde::Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    let value = Value::deserialize(from)?;
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let number = text.strip_prefix("0x").map_or_else(|| text.parse(), |hex| u64::from_str_radix(hex, 16));
    number.map_err(serde::de::Error::custom)
}

impl Furnace {
    /// Starts it on Modbus TCP.
    #[must_use]
    pub fn start() -> Self {
        let modbus = Port::free();
        let server =
            json!({ "comm": "tcp", "host": "127.0.0.1", "port": modbus.number(), "framer": "socket" });
        Self::serve(server, modbus)
    }

    /// Starts it on Modbus RTU, at one end of a pty pair, 19200 baud, answering any unit.
    #[must_use]
    pub fn start_on(line: &PtyPair) -> Self {
        let server = json!({
            "comm": "serial", "port": line.b(), "framer": "rtu",
            "stopbits": 1, "bytesize": 8, "parity": "N", "baudrate": 19200,
        });
        Self::serve(server, Port::free())
    }

    fn serve(mut server: Value, modbus: Port) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let text = std::fs::read_to_string(place::root().join("tests/peers/furnace.json")).unwrap();
        let mut config: Value = serde_json::from_str(&text).unwrap();
        let plc = &mut config["server_list"]["plc"];
        server["ignore_missing_devices"] = plc["ignore_missing_devices"].clone();
        server["identity"] = plc["identity"].clone();
        *plc = server;
        let file = dir.path().join("furnace.json");
        std::fs::write(&file, config.to_string()).unwrap();
        let http = Port::free();
        let process = launch(&file, &http).dir(dir.path()).start();
        let furnace = Self { process, modbus, http, _dir: dir };
        until("the furnace's REST port", LONG, || furnace.try_registers(10, 10));
        until("the furnace's Modbus port", LONG, || {
            // A serial server has none; it is up when REST is.
            let over_tcp = config["server_list"]["plc"]["comm"] == "tcp";
            let port = furnace.port();
            (!over_tcp || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()).then_some(())
        });
        furnace
    }

    /// Its Modbus TCP port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.modbus.number()
    }

    /// A register, asked from outside. Asking counts as no read.
    ///
    /// # Panics
    /// When the simulator does not answer.
    #[must_use]
    #[track_caller]
    pub fn register(&self, address: u16) -> Register {
        let mut found =
            self.try_registers(address, address).expect("the furnace's REST port does not answer");
        found.remove(0)
    }

    fn try_registers(&self, first: u16, last: u16) -> Option<Vec<Register>> {
        let url = format!("http://127.0.0.1:{}/restapi/registers", self.http.number());
        let body = json!({ "submit": "Registers", "range_start": first, "range_stop": last });
        let mut answer = ureq::post(&url).send_json(body).ok()?;
        let answer: Value = answer.body_mut().read_json().ok()?;
        serde_json::from_value(answer.get("register_rows")?.clone()).ok()
    }

    /// What was written to it over Modbus, in order: `write_register 11 850`, `write_coil 32 true`.
    #[must_use]
    pub fn commands(&self) -> Vec<Received> {
        let written = |text: &str| {
            let (_, pdu) = text.split_once("decoded PDU ")?;
            let word = match pdu {
                pdu if pdu.contains("WriteSingleCoilRequest(") => "write_coil",
                pdu if pdu.contains("WriteSingleRegisterRequest(") => "write_register",
                pdu if pdu.contains("WriteMultiple") => "write_many",
                _ => return None,
            };
            let field = |name: &str| Some(pdu.split_once(name)?.1.split([',', ']']).next()?.to_lowercase());
            let value =
                Some(field("registers=[")?).filter(|it| !it.is_empty()).or_else(|| field("bits=["))?;
            let command = format!("{word} {} {value}", field("address=")?);
            Some(Received { logged: text.get(..23)?.to_owned(), instrument: "furnace".to_owned(), command })
        };
        self.process.output().lines().iter().filter_map(|line| written(&line.text)).collect()
    }

    /// Whether coil 32, the heater, is on.
    #[must_use]
    #[track_caller]
    pub fn is_on(&self) -> bool {
        self.register(2).value() & 1 == 1
    }

    /// Sets a register from outside, past Modbus.
    #[track_caller]
    pub fn set(&self, address: u16, value: u16) {
        let url = format!("http://127.0.0.1:{}/restapi/registers", self.http.number());
        let body = json!({ "submit": "Set", "register": address.to_string(), "value": value.to_string() });
        ureq::post(&url).send_json(body).expect("the furnace's REST port does not answer");
    }
}

fn launch(file: &Path, http: &Port) -> Launch {
    Launch::new(place::peer("pymodbus.simulator"))
        .args(["--modbus_server", "plc", "--modbus_device", "furnace", "--http_host", "127.0.0.1"])
        .args(["--log", "debug"])
        .arg("--http_port")
        .arg(http.number().to_string())
        .arg("--json_file")
        .arg(file)
}
