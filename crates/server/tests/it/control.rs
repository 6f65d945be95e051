//! Control between pages: asked for, taken, and what the one before had under way.

use std::time::{Duration, Instant};

use killcord::{
    core::{SessionId, Value, rules::TAKE_OVER_AFTER},
    wire::{ErrorCode, ToHost, ToPage},
};
use killcord_sim::{Fault, FaultKind};

use crate::bench::{Bench, Page};

/// A slow reading and a control on one wire.
const DEVICE: &str = r#"
[[device.reading]]
name = "voltage"
query = "MEAS:VOLT?"
every = "10ms"
[[device.control]]
name = "level"
kind = "number"
send = "VOLT {}"
min = 0
max = 12
"#;

fn held_by(session: SessionId) -> impl Fn(&ToPage) -> bool {
    move |frame| matches!(frame, ToPage::Control { holder: Some(id), .. } if *id == session)
}

fn take(page: &mut Page, force: bool) {
    page.frame(&ToHost::TakeControl { force });
    let me = page.session;
    page.until(held_by(me));
}

#[test]
fn who_asks_has_control_when_the_holder_has_not_answered_in_its_time() {
    let bench = Bench::start();
    let (browser, other) = (bench.browser(), bench.browser());
    let (mut holder, mut asks) = (browser.page(None), other.page(None));
    holder.arm(&bench);
    let asked = Instant::now();
    asks.frame(&ToHost::TakeControl { force: false });
    let warning = holder.until(|frame| matches!(frame, ToPage::Warning { .. }));
    assert!(matches!(warning, ToPage::Warning { in_ms, .. } if in_ms > 10_000), "{warning:?}");
    let me = asks.session;
    asks.until(held_by(me));
    assert!(asked.elapsed() >= TAKE_OVER_AFTER, "{:?}", asked.elapsed());
    // Nothing happens to hardware whose operator changes; but the one before has no say any more.
    assert!(bench.is_on());
    let before = holder.epoch.unwrap();
    holder.until(held_by(me));
    for epoch in [before, holder.epoch.unwrap()] {
        let id = format!("late{epoch}");
        holder.frame(&ToHost::Arm { epoch, id: id.clone() });
        assert_eq!(holder.answer(&id), Err(ErrorCode::NotOperator));
    }
}

#[test]
fn a_command_is_answered_once_also_over_a_resume() {
    let bench = Bench::of("expire_after = \"60s\"", "", DEVICE);
    let browser = bench.browser();
    let mut page = browser.page(None);
    page.arm(&bench);
    let set = |page: &Page, value: f64| ToHost::Set {
        epoch: page.epoch.unwrap(),
        id: "set".into(),
        device: "psu".into(),
        control: "level".into(),
        value: Value::Number(value.into()),
    };
    let first = set(&page, 3.0);
    page.frame(&first);
    assert_eq!(page.answer("set"), Ok(()));
    page.socket.get_ref().shutdown(std::net::Shutdown::Both).unwrap();
    let mut back = browser.hello(&page.nonce, Some(&page.token));
    assert!(back.resumed());
    // A page that did not hear the answer sends it again; one that gives another thing that name gets the same answer.
    for again in [first, set(&back, 4.0)] {
        back.frame(&again);
        assert_eq!(back.answer("set"), Ok(()));
    }
    let sent = bench.sim.inspect();
    let sent: Vec<_> = sent.received("psu").into_iter().filter(|line| line.starts_with("VOLT")).collect();
    assert_eq!(sent, ["VOLT 3"]);
}

#[test]
fn what_the_holder_before_had_under_way_never_reaches_the_device() {
    let bench = Bench::of("expire_after = \"60s\"", "", DEVICE);
    let (browser, other) = (bench.browser(), bench.browser());
    let (mut page, mut rival) = (browser.page(None), other.page(None));
    page.arm(&bench);
    let slow = Fault::new(FaultKind::Slow).on("MEAS").delay(Duration::from_millis(400));
    bench.sim.fault("psu", slow).unwrap();
    // From the next reading on, 10 ms away at most, the wire is busy: the command waits behind that when control is taken.
    for n in 1..=60_u32 {
        let epoch = page.epoch.unwrap();
        let (id, value) = (format!("set{n}"), Value::Number((f64::from(n) / 10.0).into()));
        page.frame(&ToHost::Set {
            epoch,
            id: id.clone(),
            device: "psu".into(),
            control: "level".into(),
            value,
        });
        // Behind the command: the rules have passed it on.
        page.frame(&ToHost::Beat { n: n.into(), visible: true, main_ms: None, input_ms: None });
        let acked = |frame: &ToPage| matches!(frame, ToPage::Ack { .. } | ToPage::Done { .. });
        let done = matches!(page.until(acked), ToPage::Done { .. });
        take(&mut rival, true);
        if !done && page.answer(&id) == Err(ErrorCode::StaleEpoch) {
            bench.sim.clear_faults("psu").unwrap();
            let sent = bench.sim.inspect();
            let value = format!("VOLT {}", f64::from(n) / 10.0);
            assert!(!sent.received("psu").contains(&value.as_str()), "it was written after the fence");
            return;
        }
        take(&mut page, true);
    }
    panic!("the wire was never busy");
}
