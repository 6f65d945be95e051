//! `killcord check --plan`: what a teardown does, in which order, and how long it may take.

use std::time::Duration;

use killcord::core::{DeviceIx, Plan, app, plan};
use serde::Serialize;

use crate::text::{duration, item, ms, verify};

/// The teardown plan, for programs.
#[derive(Serialize)]
pub(super) struct Shown {
    deadline_ms: u64,
    /// In the order of their turns; those that wait for nobody go side by side.
    devices: Vec<Turn>,
    app: Option<App>,
    worst_case: Worst,
}

/// What becomes of the wrapped app.
#[derive(Serialize)]
struct App {
    command: Vec<String>,
    before_stop: Option<String>,
    signal: app::StopSignal,
    within_ms: u64,
    /// Made safe a second time once it is gone.
    drives: Vec<String>,
    /// Kept for that.
    second_turn_ms: u64,
}

impl App {
    fn text(&self) -> String {
        let time = |ms| duration(Duration::from_millis(ms));
        let post = self.before_stop.as_ref().map_or_else(String::new, |path| format!("POST {path}, "));
        let signal = match self.signal {
            app::StopSignal::Hup => "SIGHUP",
            app::StopSignal::Int => "SIGINT",
            app::StopSignal::Quit => "SIGQUIT",
            app::StopSignal::Term => "SIGTERM",
        };
        let mut text = format!(
            "\nThe app ({}), beside them: {post}{signal}, killed with all it started after {}",
            self.command.join(" "),
            time(self.within_ms)
        );
        if self.drives.is_empty() {
            text.push_str("; only when Killcord ends");
        } else {
            text.push_str(&format!(
                ", in an emergency before the first byte\n   then again {}, within {}",
                self.drives.join(", "),
                time(self.second_turn_ms)
            ));
        }
        text
    }
}

#[derive(Serialize)]
struct Turn {
    device: String,
    title: String,
    link: String,
    safe_after: Vec<String>,
    only_measures: bool,
    safe: Vec<String>,
    emergency: Vec<String>,
    verify: Vec<String>,
    release: Vec<String>,
    budget_ms: u64,
    reserve_ms: u64,
    begins_ms: u64,
    controlled_ms: u64,
    ends_ms: u64,
}

#[derive(Serialize)]
struct Worst {
    chain: Vec<String>,
    safe_ms: u64,
    /// The app's stop and the second turn of what it drives; 0 without an app.
    app_ms: u64,
    release_ms: u64,
    record_ms: u64,
    whole_ms: u64,
}

impl Shown {
    pub(super) fn of(plan: &Plan) -> Self {
        let worst = plan::worst_case(plan);
        let names = |list: &[DeviceIx]| -> Vec<String> {
            list.iter().filter_map(|ix| plan.devices.get(ix.at())).map(|device| device.name.clone()).collect()
        };
        let turn = |case: &plan::DeviceCase| {
            let device = plan.devices.get(case.device.at())?;
            let watchdog = device.instrument_watchdog.as_ref();
            let disarm = watchdog.map_or(&[][..], |watchdog| &watchdog.disarm);
            Some(Turn {
                device: device.name.clone(),
                title: device.title().to_owned(),
                link: plan.links.get(device.link.at()).map_or_else(String::new, |link| link.name.clone()),
                safe_after: names(&device.safe_after),
                only_measures: device.only_measures(),
                safe: device.safe.iter().map(item).collect(),
                emergency: device.emergency.iter().map(item).collect(),
                verify: if device.only_measures() { Vec::new() } else { verify(&device.verify) },
                release: disarm.iter().chain(&device.release).map(item).collect(),
                budget_ms: ms(device.budget),
                reserve_ms: ms(case.reserve),
                begins_ms: ms(case.begins),
                controlled_ms: ms(case.controlled),
                ends_ms: ms(case.ends),
            })
        };
        Self {
            deadline_ms: ms(worst.deadline),
            devices: worst.devices.iter().filter_map(turn).collect(),
            app: plan.app.as_ref().map(|app| App {
                command: app.command.clone(),
                before_stop: app.before_stop.clone(),
                signal: app.stop.signal,
                within_ms: ms(app.stop.within),
                drives: names(&app.drives),
                second_turn_ms: ms(plan::budget::second_turn(plan)),
            }),
            worst_case: Worst {
                chain: names(&worst.chain),
                safe_ms: ms(worst.safe),
                app_ms: ms(worst.app),
                release_ms: ms(worst.release),
                record_ms: ms(worst.record),
                whole_ms: ms(worst.safe + worst.app + worst.release + worst.record),
            },
        }
    }

    /// The same for people.
    pub(super) fn text(&self) -> String {
        let time = |ms| duration(Duration::from_millis(ms));
        let mut lines = vec![format!("Teardown, within {}:", time(self.deadline_ms))];
        for (at, turn) in self.devices.iter().enumerate() {
            let after = match turn.safe_after.as_slice() {
                [] => String::from("at once"),
                names => format!("after {}", names.join(", ")),
            };
            lines.push(format!("\n{}. {} ({}), {after}", at + 1, turn.title, turn.device));
            if turn.only_measures {
                lines.push(String::from("   only measures: nothing is sent to it"));
                continue;
            }
            let within = match turn.controlled_ms {
                0 => format!(
                    "{} for emergency and verify at once: its budget holds no more",
                    time(turn.reserve_ms)
                ),
                controlled => format!(
                    "{} for safe and verify, then {} are kept for emergency and verify",
                    time(controlled),
                    time(turn.reserve_ms)
                ),
            };
            lines.push(format!(
                "   begins after {} at the latest, is done by {}: {within}",
                time(turn.begins_ms),
                time(turn.ends_ms)
            ));
            let sequences = [
                ("safe", &turn.safe),
                ("emergency", &turn.emergency),
                ("verify", &turn.verify),
                ("release", &turn.release),
            ];
            for (name, steps) in sequences {
                let mut name = name;
                for step in steps {
                    lines.push(format!("   {name:<10} {step}"));
                    name = "";
                }
            }
        }
        let worst = &self.worst_case;
        let mut after = vec![format!("safe after {}", time(worst.safe_ms))];
        if worst.app_ms > 0 {
            after.push(format!("the app gone after {}", time(worst.safe_ms + worst.app_ms)));
        }
        after.push(format!("released after {}", time(worst.safe_ms + worst.app_ms + worst.release_ms)));
        lines.extend(self.app.as_ref().map(App::text));
        lines.push(format!(
            "\nWorst case: {}: {}, recorded after {}, of {}.",
            worst.chain.join(", then "),
            after.join(", "),
            time(worst.whole_ms),
            time(self.deadline_ms)
        ));
        lines.join("\n")
    }
}
