//! What the simulators' own record says of a run. Pure: a record in, what is wrong with it out.
//!
//! **It must never** take a word of Killcord's for anything: commands and outputs alone are judged here.

use std::time::Duration;

use killcord_sim::{Change, Command, FaultKind, OutputValue, Snapshot};

use super::bench::Unit;

/// Two links' bytes may be seen in the wrong order by so much, in milliseconds: both were sent, and a busy machine
/// read the later one first. What did not wait at all is ahead by a ramp of a second.
const SWAPPED_MS: f64 = 400.0;

/// What is judged, beside the record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case<'a> {
    /// The devices.
    pub(super) units: &'a [Unit],
    /// The serial device waits for the supply.
    pub(super) line_waits: bool,
    /// The device that had a fault. It may come to its turn late, or be passed over by the others.
    pub(super) troubled: Option<Unit>,
    /// It did not read for a while: what its own system had taken by the death of a host is read behind the safe
    /// command that went out over another connection. No sender can take that back; it has to be undone.
    pub(super) deaf: Option<Unit>,
    /// From here on the rig was to go down, in milliseconds.
    pub(super) down_ms: f64,
    /// From here on nothing kept it from being safe: the cause, or a device's mending behind it.
    pub(super) free_ms: f64,
    /// How long it may take from there.
    pub(super) within: Duration,
}

/// Everything that is wrong; empty if nothing is.
#[must_use]
pub(super) fn judge(record: &Snapshot, case: &Case<'_>) -> Vec<String> {
    let mut wrong = Vec::new();
    if record.forgotten > 0 {
        wrong.push("the record is not whole: the run was too long for it".to_owned());
    }
    for unit in case.units {
        judge_unit(record, case, *unit, &mut wrong);
    }
    wrong.extend(order(record, case));
    wrong
}

/// When the last output went off after `since_ms`; `None` if all were off by then.
#[must_use]
pub(super) fn safe_at(record: &Snapshot, units: &[Unit], since_ms: f64) -> Option<f64> {
    let offs = record.changes.iter().filter(|change| {
        let switch = units.iter().any(|unit| is_output(change, *unit));
        switch && change.to == OutputValue::Switch(false) && change.t_ms >= since_ms
    });
    offs.map(|change| change.t_ms).reduce(f64::max)
}

fn is_output(change: &Change, unit: Unit) -> bool {
    change.instrument == unit.name() && change.output == unit.output()
}

/// The time at which a command was carried out. A refused one was not.
fn performed(command: &Command) -> Option<f64> {
    command.performed_ms.filter(|_| !command.faults.contains(&FaultKind::Refuse))
}

fn judge_unit(record: &Snapshot, case: &Case<'_>, unit: Unit, wrong: &mut Vec<String>) {
    let name = unit.name();
    if record.instruments.get(name).is_none_or(|instrument| instrument.energised) {
        wrong.push(format!("{name} is on"));
    }
    let of_it = || record.commands.iter().filter(|command| command.instrument == name);
    let ons = of_it().filter(|command| command.text == unit.on());
    // Also of one that was switched on over a connection that died before the host could know.
    if let Some(last_on) = ons.clone().map(|command| command.seq).max()
        && !of_it().any(|command| command.text == unit.off() && command.seq > last_on)
    {
        wrong.push(format!("{name} was told {:?}, and never {:?} behind it", unit.on(), unit.off()));
    }
    let offs: Vec<f64> = of_it()
        .filter(|command| command.text == unit.off())
        .filter_map(|command| performed(command))
        .collect();
    let first_off = offs.iter().copied().filter(|at| *at >= case.down_ms).reduce(f64::min);
    let is_undone = |at: f64| case.deaf == Some(unit) && offs.iter().any(|off| *off > at);
    if let Some(first_off) = first_off {
        for on in ons.filter(|on| performed(on).is_some_and(|at| at > first_off && !is_undone(at))) {
            let at = on.performed_ms.unwrap_or_default() - first_off;
            let over = &on.connection;
            wrong.push(format!(
                "{name} carried out {:?} over {over}, {at:.1} ms after its safe command",
                on.text
            ));
        }
        let rises = record.changes.iter().filter(|change| {
            change.instrument == name
                && change.output == "setpoint"
                && change.t_ms > first_off
                && rises(change)
        });
        wrong.extend(rises.map(|change| {
            let at = change.t_ms - first_off;
            format!("{name} was ramped up to {}, {at:.1} ms after its safe command", change.to)
        }));
    }
    let late = safe_at(record, &[unit], case.free_ms).map_or(0.0, |at| at - case.free_ms);
    if late > case.within.as_secs_f64() * 1e3 {
        wrong.push(format!("{name} was safe after {late:.0} ms; it had {:?}", case.within));
    }
}

fn rises(change: &Change) -> bool {
    matches!((change.from, change.to), (OutputValue::Number(from), OutputValue::Number(to)) if to > from)
}

/// The declared order: what is `safe_after` the supply gets no safe command of the last teardown before the supply
/// had its own. Unless one of them has a fault: then one may be given up, or come behind.
fn order(record: &Snapshot, case: &Case<'_>) -> Vec<String> {
    let last_on = |unit: Unit| {
        let ons = record.commands.iter().filter(|command| is(command, unit, unit.on()));
        ons.map(|command| command.seq).max()
    };
    // Before anything was on there is the start's own pass, which devices join as they connect.
    let Some(since) = case.units.iter().filter_map(|unit| last_on(*unit)).max() else { return Vec::new() };
    let first_off = |unit: Unit| {
        let mut offs = record.commands.iter().filter(|it| it.seq > since && is(it, unit, unit.off()));
        offs.next().map(|command| command.t_ms)
    };
    let waits = |unit: &&Unit| match unit {
        Unit::Load => true,
        Unit::Line => case.line_waits,
        Unit::Supply | Unit::Furnace => false,
    };
    let troubled = |unit: Unit| case.troubled == Some(unit);
    let Some(supply) = first_off(Unit::Supply).filter(|_| !troubled(Unit::Supply)) else { return Vec::new() };
    let waiting = case.units.iter().filter(waits).filter(|unit| !troubled(**unit));
    waiting
        .filter_map(|unit| Some((unit, supply - first_off(*unit)?)))
        .filter(|(_, early)| *early > SWAPPED_MS)
        .map(|(unit, early)| format!("{} was made safe {early:.0} ms before psu", unit.name()))
        .collect()
}

fn is(command: &Command, unit: Unit, text: &str) -> bool {
    command.instrument == unit.name() && command.text == text
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use killcord_sim::{Config, Sim};

    use super::*;

    const UNITS: [Unit; 2] = [Unit::Supply, Unit::Load];

    fn case() -> Case<'static> {
        Case {
            units: &UNITS,
            line_waits: false,
            troubled: None,
            deaf: None,
            down_ms: 100.0,
            free_ms: 100.0,
            within: Duration::from_secs(10),
        }
    }

    /// A record of these commands, each performed as it came, and of what they did to the outputs.
    fn record(commands: &[(f64, Unit, &str)]) -> Snapshot {
        let bench = "[[instrument]]\nname = \"psu\"\nkind = \"supply\"\nlisten = \"tcp://127.0.0.1:0\"\n\
                     [[instrument]]\nname = \"load\"\nkind = \"load\"\nlisten = \"tcp://127.0.0.1:0\"\n";
        let mut snapshot = Sim::start(Config::parse(bench, "bench.toml").unwrap()).unwrap().inspect();
        for (at, (t_ms, unit, text)) in commands.iter().enumerate() {
            let instrument = unit.name().to_owned();
            let seq = 2 * at as u64 + 1;
            let command = Command {
                seq,
                t_ms: *t_ms,
                unix_ms: 0,
                instrument: instrument.clone(),
                text: (*text).to_owned(),
                connection: "tcp#1".to_owned(),
                performed_ms: Some(*t_ms),
                faults: Vec::new(),
            };
            snapshot.commands.push(Arc::new(command));
            let on = *text == unit.on();
            let shown = snapshot.instruments.get_mut(unit.name()).unwrap();
            if shown.energised != on {
                shown.energised = on;
                let (from, to) = (OutputValue::Switch(!on), OutputValue::Switch(on));
                let output = unit.output().to_owned();
                snapshot.changes.push(Arc::new(Change {
                    seq: seq + 1,
                    t_ms: *t_ms,
                    instrument,
                    output,
                    from,
                    to,
                }));
            }
        }
        snapshot
    }

    const ON: [(f64, Unit, &str); 2] = [(10.0, Unit::Load, "INP ON"), (20.0, Unit::Supply, "OUTP ON")];

    #[track_caller]
    fn check(after: &[(f64, Unit, &str)], expect: &[&str]) {
        let wrong = judge(&record(&[&ON, after].concat()), &case());
        assert_eq!(wrong.len(), expect.len(), "{wrong:?}");
        for (wrong, expect) in wrong.iter().zip(expect) {
            assert!(wrong.contains(expect), "{wrong}");
        }
    }

    #[test]
    fn a_teardown_in_its_order_is_right() {
        check(&[(150.0, Unit::Supply, "OUTP OFF"), (160.0, Unit::Load, "INP OFF")], &[]);
    }

    #[test]
    fn what_stays_on_is_named_with_the_command_that_it_never_had() {
        check(&[(150.0, Unit::Supply, "OUTP OFF")], &["load is on", "never \"INP OFF\""]);
    }

    #[test]
    fn a_dead_hosts_byte_behind_the_safe_command_is_found_although_all_ends_off() {
        let late = [
            (150.0, Unit::Supply, "OUTP OFF"),
            (160.0, Unit::Load, "INP OFF"),
            (170.0, Unit::Supply, "OUTP ON"),
            (900.0, Unit::Supply, "OUTP OFF"),
        ];
        let wrong = judge(&record(&[&ON[..], &late].concat()), &case());
        assert!(wrong.iter().any(|wrong| wrong.contains("20.0 ms after its safe command")), "{wrong:?}");
        let deaf = Case { deaf: Some(Unit::Supply), ..case() };
        assert_eq!(
            judge(&record(&[&ON[..], &late].concat()), &deaf),
            [""; 0],
            "it had it already, and it was undone"
        );
        let not_undone = judge(&record(&[&ON[..], &late[..3]].concat()), &deaf);
        assert!(not_undone.iter().any(|wrong| wrong.contains("20.0 ms after")), "{not_undone:?}");
    }

    #[test]
    fn a_load_that_did_not_wait_for_its_supply_is_found_and_one_that_was_only_read_first_is_not() {
        check(
            &[(150.0, Unit::Load, "INP OFF"), (1150.0, Unit::Supply, "OUTP OFF")],
            &["load was made safe 1000 ms before psu"],
        );
        check(&[(150.0, Unit::Load, "INP OFF"), (153.0, Unit::Supply, "OUTP OFF")], &[]);
    }

    #[test]
    fn the_time_counts_to_the_last_output_that_went_off() {
        let record =
            record(&[&ON[..], &[(150.0, Unit::Supply, "OUTP OFF"), (400.0, Unit::Load, "INP OFF")]].concat());
        assert_eq!(safe_at(&record, &UNITS, 100.0), Some(400.0));
        assert_eq!(safe_at(&record, &UNITS, 500.0), None, "all were off by then");
        let case = Case { within: Duration::from_millis(200), ..case() };
        let wrong = judge(&record, &case);
        assert_eq!(wrong.len(), 1, "{wrong:?}");
        assert!(wrong[0].contains("load was safe after 300 ms"), "{wrong:?}");
    }
}
