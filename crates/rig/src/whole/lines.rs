//! Which device is on which line, and what a shared line needs.

use std::collections::BTreeMap;

use killcord_core::{
    LinkIx, LinkPlan,
    driver::LinkKind,
    plan::{Connect, Protocol},
};

use crate::{
    connect::Connection,
    device::{DeviceDraft, Line},
    link::LinkDraft,
    node::short,
    problems::Problems,
    source::Span,
};

/// Gives every device its link; returns the plan's links.
pub(crate) fn join(problems: &Problems, links: Vec<LinkDraft>, devices: &mut [DeviceDraft]) -> Vec<LinkPlan> {
    same_address(problems, &links, devices);
    let mut users = vec![0_usize; links.len()];
    let mut plans: Vec<LinkPlan> =
        links.iter().map(|link| plan(&link.name, link.connection.as_ref())).collect();
    for device in devices.iter_mut() {
        match &device.line {
            Line::Shared(name, span) => match links.iter().position(|link| link.name == *name) {
                Some(at) => {
                    users[at] += 1;
                    device.plan.link = LinkIx::from(at);
                    suits(problems, device, links[at].connection.as_ref(), *span);
                }
                None => {
                    let mut draft = problems
                        .error(*span, format!("there is no [[link]] named \"{}\"", short(name)))
                        .suggest(name, links.iter().map(|link| link.name.as_str()));
                    if links.is_empty() {
                        draft = draft.help(format!(
                            "write it above the devices:\n[[link]]\nname = \"{}\"\nconnect = \"…\"",
                            short(name)
                        ));
                    }
                    draft.tell();
                }
            },
            Line::Own(connection, span) => {
                suits(problems, device, connection.as_ref(), *span);
                device.plan.link = LinkIx::from(plans.len());
                plans.push(plan(&device.plan.name, connection.as_ref()));
            }
            Line::None | Line::Unknown => {
                device.plan.link = LinkIx::from(plans.len());
                plans.push(plan(&device.plan.name, None));
            }
        }
    }
    for (at, link) in links.iter().enumerate() {
        if users[at] == 0 {
            problems
                .warning(link.name_span, format!("no device is on the link \"{}\"", link.name))
                .label("it is never opened")
                .help(format!("write link = \"{}\" in its devices, or leave it out", link.name))
                .tell();
        }
        let said = link.connection.as_ref().is_some_and(|connection| connection.multi_drop_said);
        if users[at] > 1 && !said {
            wait_for_each_other(&mut plans[at]);
        }
    }
    plans
}

/// Several devices on one serial line: unless the file says otherwise, an exchange of one is not cut in on
/// for another.
fn wait_for_each_other(link: &mut LinkPlan) {
    if let Connect::Serial { line, protocol: Protocol::Line { .. }, .. } = &mut link.connect {
        line.multi_drop = true;
        link.cut_in = false;
    }
}

fn plan(name: &str, connection: Option<&Connection>) -> LinkPlan {
    let (connect, cut_in) = match connection {
        Some(connection) => (connection.connect.clone(), connection.cut_in),
        None => (Connect::None, false),
    };
    LinkPlan { name: name.to_owned(), connect, cut_in }
}

/// Tells where a device's driver does not speak on such a line, or its unit cannot be asked there.
fn suits(problems: &Problems, device: &DeviceDraft, connection: Option<&Connection>, span: Span) {
    let (Some(driver), Some(connection)) = (device.driver, connection) else { return };
    if driver.links.contains(&connection.kind) {
        unit_answers(problems, device, &connection.connect);
        return;
    }
    let (takes, other) = match connection.kind {
        LinkKind::Modbus => ("Modbus", "tcp:// or serial://"),
        _ => ("lines of text", "modbus+tcp:// or modbus+rtu://"),
    };
    problems
        .error(span, format!("the driver `{}` does not speak {takes}", driver.name))
        .help(format!("write an address that begins with {other}, or another `driver`"))
        .tell();
}

/// Tells of a Modbus unit that cannot be asked by itself.
fn unit_answers(problems: &Problems, device: &DeviceDraft, connect: &Connect) {
    let (Connect::Tcp { protocol, .. } | Connect::Serial { protocol, .. }) = connect else { return };
    let Some((unit, span)) = device.modbus_unit else { return };
    if *protocol != Protocol::ModbusRtu || (1..=247).contains(&unit) {
        return;
    }
    problems
        .error(span, format!("unit {unit} cannot be asked on a Modbus RTU line"))
        .label(if unit == 0 { "every unit at once, and none answers" } else { "reserved: no unit has it" })
        .help("write the unit's own address, from 1 to 247")
        .tell();
}

/// One wire opened twice: the second would find it locked, or both would read each other's answers.
fn same_address(problems: &Problems, links: &[LinkDraft], devices: &[DeviceDraft]) {
    let mut seen: BTreeMap<&str, (Option<&LinkDraft>, &str, Span)> = BTreeMap::new();
    let shared = links.iter().filter_map(|link| {
        Some((link.connection.as_ref()?, Some(link), link.name.as_str(), link.connect_span))
    });
    let own = devices.iter().filter_map(|device| match &device.line {
        Line::Own(Some(connection), span) => Some((connection, None, device.plan.name.as_str(), *span)),
        _ => None,
    });
    for (connection, link, name, span) in shared.chain(own) {
        let Some((earlier_link, earlier_name, earlier_span)) = seen.get(connection.identity.as_str()) else {
            seen.insert(&connection.identity, (link, name, span));
            continue;
        };
        let draft = problems
            .error(span, format!("\"{earlier_name}\" and \"{name}\" connect to the same place"))
            .label("a port is opened once")
            .also(*earlier_span, "and here");
        match (earlier_link, link) {
            (Some(shared), None) => {
                draft.help(format!("write link = \"{}\" here, instead of connect", shared.name))
            }
            (Some(_), Some(_)) => draft.help("leave one [[link]] out, and name the other one in its devices"),
            _ => draft.help(format!(
                "let both share one link:\n[[link]]\nname = \"bus\"\nconnect = {}\nand in both devices, \
                 instead of connect:\nlink = \"bus\"",
                problems.source().slice(*earlier_span)
            )),
        }
        .tell();
    }
}
