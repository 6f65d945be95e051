//! This app's watchdog: Killcord's, with the app's own driver.

fn main() -> std::process::ExitCode {
    killcord_watchdog::main(killcord_faulty_host::drivers())
}
