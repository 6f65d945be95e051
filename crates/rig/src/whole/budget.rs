//! Whether a teardown fits into the deadline.

use std::time::Duration;

use killcord_core::{
    Item, Plan,
    plan::{BudgetProblem, budget::second_turn, fill_budgets, reserve},
};

use crate::{device::DeviceDraft, duration::show, problems::Problems, source::Span};

/// Gives every device its budget, and tells where that cannot be kept.
pub(crate) fn fill(problems: &Problems, plan: &mut Plan, devices: &[DeviceDraft], app_stop: Option<Span>) {
    let explicit: Vec<Option<Duration>> =
        devices.iter().map(|device| device.budget.map(|(budget, _)| budget)).collect();
    let Err(found) = fill_budgets(plan, &explicit) else {
        time_left(problems, plan, devices);
        return;
    };
    for problem in found {
        match problem {
            BudgetProblem::BelowReserve { device, budget, reserve } => {
                let Some((draft, span)) =
                    devices.get(device.at()).and_then(|draft| Some((draft, draft.budget?.1)))
                else {
                    continue;
                };
                problems
                    .error(span, format!("the budget of \"{}\" is less than its reserve", draft.plan.name))
                    .label(format!(
                        "its emergency sequence and verify may take {}, this is {}",
                        show(reserve),
                        show(budget)
                    ))
                    .help("raise `budget`, or lower `timeout` or `within`: a step may take its whole timeout")
                    .tell();
            }
            BudgetProblem::TooLong { chain, needs, app, wrap_up, deadline } => {
                let mut parts: Vec<String> = chain
                    .iter()
                    .filter_map(|ix| {
                        let device = plan.devices.get(ix.at())?;
                        (!device.only_measures()).then(|| format!("{} {}", device.name, show(device.budget)))
                    })
                    .collect();
                let without_app = needs.saturating_add(wrap_up);
                let total = without_app.saturating_add(app);
                if !app.is_zero() {
                    parts.push(format!("the app's stop {}", show(app)));
                }
                let message =
                    format!("a teardown may take {}, the deadline is {}", show(total), show(deadline));
                let sum =
                    format!("{} + release and record {} = {}", parts.join(" + "), show(wrap_up), show(total));
                let chain_devices = || chain.iter().filter_map(|ix| devices.get(ix.at()));
                let at = chain_devices().find_map(|device| device.budget.map(|(_, span)| span));
                let at = at.or_else(|| chain_devices().next().map(|device| device.span));
                let by_app = app_stop.filter(|_| !app.is_zero() && without_app <= deadline);
                if let Some(span) = by_app {
                    let draft = problems.error(span, message).label(sum);
                    let draft = if second_turn(plan).is_zero() {
                        draft
                    } else {
                        draft.help("what it drives is made safe a second time behind it")
                    };
                    draft.help("lower `within` of `stop` in [app], or raise `deadline` in [rig]").tell();
                    continue;
                }
                let draft = match at {
                    Some(span) => problems.error(span, message).label(sum),
                    None => problems.file(message).help(sum),
                };
                draft
                    .help("these take turns: by `safe_after`, or on one link")
                    .help(
                        "raise `deadline` in [rig], or lower `budget`, `timeout` or `within` along the chain",
                    )
                    .tell();
            }
        }
    }
}

/// Warns of a controlled sequence that its emergency sequence would cut off every time.
fn time_left(problems: &Problems, plan: &Plan, devices: &[DeviceDraft]) {
    for (device, draft) in plan.devices.iter().zip(devices) {
        let Some(span) = draft.budget.map(|(_, span)| span).or(draft.safe_span) else { continue };
        let takes_time = device.safe.iter().any(|item| !item.is_immediate());
        let waits: Duration = device
            .safe
            .iter()
            .map(|item| if let Item::Wait(wait) = item { *wait } else { Duration::ZERO })
            .fold(Duration::ZERO, Duration::saturating_add);
        let reserve = reserve(device);
        let left = device.budget.saturating_sub(reserve);
        if !takes_time || (!left.is_zero() && waits < left) {
            continue;
        }
        let why = format!(
            "its budget is {}, of which {} are kept for `emergency` and `verify`",
            show(device.budget),
            show(reserve)
        );
        let message = if left.is_zero() {
            format!("no time is left for the controlled sequence of \"{}\"", device.name)
        } else {
            format!(
                "the waits in `safe` of \"{}\" take {}, and it has {}",
                device.name,
                show(waits),
                show(left)
            )
        };
        problems
            .warning(span, message)
            .label(why)
            .help("`emergency` would cut it off every time: raise `budget` (or `deadline`), or lower `timeout` or `within`")
            .tell();
    }
}
