//! Ramps, checks and waits, unfolded.

use killcord_core::{
    Condition, Item, Number, Step, Value,
    plan::{Entries, Failure, OnFailure, Sequence, Todo},
    step::{Ramp, Template},
};

use crate::rigs::{at, is_off, ms};

fn ramp(to: f64, per_second: f64) -> Item {
    Item::Ramp(Ramp {
        write: Template::Line { before: "V ".into(), decimals: None, after: String::new(), answer: None },
        from: Step::query("V?"),
        to: Number(to),
        per_second: Number(per_second),
        step_every: ms(100),
    })
}

fn number(value: f64) -> Result<Option<Value>, Failure> {
    Ok(Some(Value::Number(Number(value))))
}

fn text(todo: &Todo) -> String {
    match todo {
        Todo::Ask(step, _) => step.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_ramp_writes_what_is_due_by_the_clock_and_ends_exactly() {
    let items = [ramp(0.0, 5.0)];
    let entries = Entries::Items(&items);
    let mut sequence = Sequence::new(OnFailure::Continue);
    assert_eq!(text(&sequence.todo(entries, ms(100), at(0))), "V?");
    sequence.result(entries, &number(1.2), at(10));
    assert_eq!(sequence.todo(entries, ms(100), at(10)), Todo::Wait(at(110)));
    assert_eq!(text(&sequence.todo(entries, ms(100), at(110))), "V 0.7");
    sequence.result(entries, &Ok(None), at(112));
    assert_eq!(sequence.todo(entries, ms(100), at(112)), Todo::Wait(at(210)));
    assert_eq!(text(&sequence.todo(entries, ms(100), at(210))), "V 0.2");
    sequence.result(entries, &Ok(None), at(211));
    assert_eq!(
        sequence.todo(entries, ms(100), at(211)),
        Todo::Wait(at(250)),
        "1.2 at 5 a second take 240 ms"
    );
    assert_eq!(text(&sequence.todo(entries, ms(100), at(250))), "V 0");
    sequence.result(entries, &Ok(None), at(251));
    assert_eq!(sequence.todo(entries, ms(100), at(251)), Todo::Done);
    assert!(sequence.failed().is_empty());
}

#[test]
fn a_late_write_jumps_and_never_lengthens_the_ramp() {
    let items = [ramp(0.0, 5.0)];
    let entries = Entries::Items(&items);
    let mut sequence = Sequence::new(OnFailure::Continue);
    sequence.todo(entries, ms(100), at(0));
    sequence.result(entries, &number(10.0), at(0));
    assert_eq!(text(&sequence.todo(entries, ms(100), at(1000))), "V 5");
    sequence.result(entries, &Err(Failure::Refused("no".into())), at(1900));
    assert_eq!(sequence.todo(entries, ms(100), at(1900)), Todo::Wait(at(2000)));
    assert_eq!(text(&sequence.todo(entries, ms(100), at(5000))), "V 0");
    sequence.result(entries, &Ok(None), at(5000));
    assert_eq!(sequence.todo(entries, ms(100), at(5000)), Todo::Done);
    assert_eq!(sequence.failed().len(), 1);
}

#[test]
fn a_ramp_without_a_believable_start_jumps_to_its_end() {
    let nothing = [
        Err(Failure::Timeout),
        Ok(None),
        Ok(Some(Value::Text("9.91E37".into()))),
        Ok(Some(Value::Text("9.9E37".into()))),
        Ok(Some(Value::Text("?".into()))),
        number(f64::NAN),
    ];
    for outcome in nothing {
        let items = [ramp(0.0, 5.0), Item::Do(Step::send("OFF"))];
        let entries = Entries::Items(&items);
        let mut sequence = Sequence::new(OnFailure::Continue);
        sequence.todo(entries, ms(100), at(0));
        sequence.result(entries, &outcome, at(3));
        assert_eq!(text(&sequence.todo(entries, ms(100), at(3))), "V 0", "{outcome:?}");
        sequence.result(entries, &Ok(None), at(3));
        assert_eq!(text(&sequence.todo(entries, ms(100), at(3))), "OFF");
        assert_eq!(sequence.failed().len(), 1, "the jump is not a controlled stop");
    }
}

#[test]
fn a_ramp_that_is_where_it_should_be_writes_once() {
    for rate in [5.0, 0.0, f64::NAN, f64::INFINITY] {
        let items = [ramp(2.0, rate)];
        let entries = Entries::Items(&items);
        let mut sequence = Sequence::new(OnFailure::Continue);
        sequence.todo(entries, ms(100), at(0));
        sequence.result(entries, &number(2.0), at(0));
        assert_eq!(text(&sequence.todo(entries, ms(100), at(0))), "V 2");
        sequence.result(entries, &Ok(None), at(0));
        assert_eq!(sequence.todo(entries, ms(100), at(0)), Todo::Done);
    }
}

#[test]
fn a_check_is_asked_again_until_it_holds_and_never_past_within() {
    let mut check = is_off();
    check.within = Some(ms(250));
    let checks = [check];
    let entries = Entries::Checks(&checks);
    let on = || Ok(Some(Value::Text("1".into())));
    let mut sequence = Sequence::new(OnFailure::Stop);
    assert_eq!(sequence.todo(entries, ms(100), at(0)), Todo::Ask(Step::query("OUT?"), at(100)));
    sequence.result(entries, &on(), at(10));
    assert_eq!(sequence.todo(entries, ms(100), at(10)), Todo::Wait(at(100)));
    sequence.todo(entries, ms(100), at(100));
    sequence.result(entries, &on(), at(110));
    assert_eq!(
        sequence.todo(entries, ms(100), at(200)),
        Todo::Ask(Step::query("OUT?"), at(250)),
        "cut at within"
    );
    let mut good = sequence.clone();
    good.result(entries, &Ok(Some(Value::Text("0".into()))), at(210));
    assert_eq!(good.todo(entries, ms(100), at(210)), Todo::Done);
    assert!(good.failed().is_empty());
    sequence.result(entries, &on(), at(210));
    assert_eq!(sequence.todo(entries, ms(100), at(210)), Todo::Done);
    assert!(sequence.failed()[0].answered);
}

#[test]
fn stop_ends_at_the_first_failure_and_continue_goes_on() {
    let items = [Item::Do(Step::send("A")), Item::Wait(ms(20)), Item::Do(Step::send("B"))];
    let entries = Entries::Items(&items);
    let refused = Err(Failure::Refused("no".into()));
    let mut stop = Sequence::new(OnFailure::Stop);
    stop.todo(entries, ms(100), at(0));
    stop.result(entries, &refused, at(0));
    assert_eq!(stop.todo(entries, ms(100), at(0)), Todo::Done);
    let mut on = Sequence::new(OnFailure::Continue);
    on.todo(entries, ms(100), at(0));
    on.result(entries, &refused, at(0));
    assert_eq!(on.todo(entries, ms(100), at(0)), Todo::Wait(at(20)));
    assert_eq!(text(&on.todo(entries, ms(100), at(20))), "B");
}

#[test]
fn an_exchange_without_a_result_is_due_again() {
    let items = [Item::Do(Step::send("A"))];
    let entries = Entries::Items(&items);
    let mut sequence = Sequence::new(OnFailure::Continue);
    assert_eq!(text(&sequence.todo(entries, ms(100), at(0))), "A");
    assert_eq!(text(&sequence.todo(entries, ms(100), at(9))), "A");
}

#[test]
fn a_condition_in_a_sequence_is_only_a_condition() {
    let mut check = is_off();
    check.condition = Condition::Below(Number(0.5));
    let items = [Item::Check(check), Item::Do(Step::send("OFF"))];
    let entries = Entries::Items(&items);
    let mut sequence = Sequence::new(OnFailure::Continue);
    assert!(sequence.asks(entries));
    sequence.todo(entries, ms(100), at(0));
    sequence.result(entries, &number(3.0), at(0));
    assert!(!sequence.asks(entries));
    assert_eq!(text(&sequence.todo(entries, ms(100), at(0))), "OFF");
}
