//! The rig file: read, checked, its problems drawn; and what a rig that was taken is good for.

use std::sync::Arc;

use killcord_core::{Mode, Plan, Rig, plan::budget::worst_case};
use killcord_device::{Registry, Setup, testing::Script};
use killcord_rig::{Diagnostic, RigFile, Severity, Style};

use crate::play::{self, Answers};

/// More problems than are told, the sentence that says so among them.
const MOST_PROBLEMS: usize = 101;

/// A rig file.
///
/// - It is taken, or refused with at least one error; never more are told than a person reads.
/// - Each problem's place lies within the text, and each can be drawn, and written as JSON.
/// - A rig that was taken is the same once written as JSON and read again, as the watchdog reads it; its drivers take
///   each of its devices; its worst case keeps to its deadline; it can be armed and made safe, whatever the devices
///   answer.
///
/// # Panics
/// When one of these does not hold.
pub fn rig(bytes: &[u8]) {
    let registry = Registry::default();
    let read = RigFile::parse("rig.toml", bytes).and_then(|file| {
        let checked = file.check(&registry.specs())?;
        Ok((file, checked))
    });
    match read {
        Ok((file, (rig, warnings))) => {
            assert!(
                warnings.iter().all(|warning| warning.severity() == Severity::Warning),
                "taken with an error"
            );
            draw(&warnings, file.text());
            good_for(&rig, &registry);
        }
        Err(refused) => {
            assert!(refused.errors() > 0, "refused without a reason");
            let problems: Vec<Diagnostic> = refused.into_iter().collect();
            draw(&problems, &String::from_utf8_lossy(bytes));
        }
    }
}

fn draw(problems: &[Diagnostic], text: &str) {
    assert!(problems.len() <= MOST_PROBLEMS, "{} problems are told", problems.len());
    let lines: Vec<&str> = text.split('\n').collect();
    for problem in problems {
        assert!(!problem.message().is_empty(), "a problem without words");
        if let Some((line, column)) = problem.position() {
            let there = line.checked_sub(1).and_then(|line| lines.get(line));
            let there = there.unwrap_or_else(|| panic!("line {line} of {}: {problem}", lines.len()));
            let within = (1..=there.chars().count() + 1).contains(&column);
            assert!(within, "column {column} of line {line}: {problem}");
        }
        assert!(text.contains(problem.underlined()), "{:?} is no text of the file", problem.underlined());
        let drawn = problem.render(Style::Plain);
        let message = problem.message();
        // A tab and its like are drawn as something that a terminal shows.
        let shown = message.contains(char::is_control) || drawn.contains(message.trim_end());
        assert!(shown, "{message:?} is not in what is drawn: {drawn}");
        let order = |c: char| c.is_control() && c != '\n';
        assert!(!drawn.contains(order), "what is drawn gives orders to a terminal: {drawn:?}");
        assert!(!problem.render(Style::Coloured).is_empty(), "nothing is drawn in colours");
        serde_json::to_string(problem).expect("a problem can be written as JSON");
    }
}

fn good_for(rig: &Rig, registry: &Registry) {
    let json = serde_json::to_string(&rig.plan).expect("a plan can be written as JSON");
    let again: Plan = serde_json::from_str(&json).expect("the watchdog can read the plan");
    assert_eq!(again, rig.plan, "the watchdog reads another plan");

    for device in &rig.plan.devices {
        let driver = registry.get(&device.driver).expect("a driver that the check knows");
        let link = &rig.plan.links[device.link.at()];
        let made = driver.device(&Setup { device, link }, Box::new(Script::new()));
        assert!(made.is_ok(), "{} was taken, and its driver refuses it: {:?}", device.name, made.err());
    }

    let worst = worst_case(&rig.plan);
    let sum = worst.safe + worst.app + worst.release + worst.record;
    assert!(sum <= worst.deadline, "the worst case takes {sum:?}, the deadline is {:?}", worst.deadline);

    let plan = Arc::new(rig.plan.clone());
    for answers in [Answers::Zero, Answers::Never] {
        play::arming(&plan, answers);
        play::teardown(&plan, Mode::Safe, answers);
        play::teardown(&plan, Mode::Emergency, answers);
    }
}
