//! Who is made safe, and armed, after whom.

use killcord_core::{
    DeviceIx, DevicePlan,
    plan::{Cycle, arm_order, safe_order},
};

use crate::{
    device::{DeviceDraft, Names},
    node::short,
    problems::Problems,
    source::Span,
};

/// Puts numbers in the place of names, and tells of rings.
pub(crate) fn resolve(problems: &Problems, devices: &mut [DeviceDraft]) {
    let names: Vec<String> = devices.iter().map(|device| device.plan.name.clone()).collect();
    for device in devices.iter_mut() {
        device.plan.safe_after = known(problems, &names, &device.safe_after);
        device.plan.arm_after = device.arm_after.as_ref().map(|list| known(problems, &names, list));
    }
    for device in devices.iter().filter(|device| !device.plan.safe.is_empty()) {
        for (name, span) in &device.safe_after {
            if let Some(other) = devices.iter().find(|other| other.plan.name == *name)
                && other.plan.safe.is_empty()
            {
                problems
                    .warning(*span, format!("\"{name}\" has no `safe`: there is nothing to wait for"))
                    .help("leave it out")
                    .tell();
            }
        }
    }
    let plans: Vec<DevicePlan> = devices.iter().map(|device| device.plan.clone()).collect();
    if let Err(cycle) = safe_order(&plans) {
        tell(problems, devices, &cycle, "safe_after");
    } else if let Err(cycle) = arm_order(&plans) {
        tell(problems, devices, &cycle, "arm_after");
    }
}

/// The numbers of these devices; tells of those that there are not.
pub(crate) fn known(problems: &Problems, names: &[String], list: &Names) -> Vec<DeviceIx> {
    let mut found = Vec::new();
    for (name, span) in list {
        match names.iter().position(|known| known == name) {
            Some(at) => found.push(DeviceIx::from(at)),
            None => problems
                .error(*span, format!("there is no device \"{}\"", short(name)))
                .suggest(name, names.iter().map(String::as_str))
                .tell(),
        }
    }
    found
}

/// Shows the ring, each link of it underlined where it stands in the file.
fn tell(problems: &Problems, devices: &[DeviceDraft], Cycle(ring): &Cycle, key: &str) {
    let name = |ix: &DeviceIx| devices.get(ix.at()).map_or("", |device| device.plan.name.as_str());
    let mut way: Vec<&str> = ring.iter().map(name).collect();
    if let Some(first) = ring.first() {
        way.push(name(first));
    }
    let mut places: Vec<(Span, String)> = Vec::new();
    for pair in way.windows(2) {
        let [from, to] = pair else { continue };
        let place = devices.iter().filter(|device| device.plan.name == *from).find_map(|device| {
            let lists = [device.arm_after.as_ref().filter(|_| key == "arm_after"), Some(&device.safe_after)];
            lists.into_iter().flatten().flatten().find(|(name, _)| name == to).map(|(_, span)| *span)
        });
        places.extend(place.map(|span| (span, format!("{from} waits for {to}"))));
    }
    let verb = if key == "safe_after" { "made safe" } else { "armed" };
    let message = format!("devices wait for each other in a ring to be {verb}: {}", way.join(" → "));
    let mut places = places.into_iter();
    let draft = match places.next() {
        Some((span, label)) => problems.error(span, message).label(label),
        None => problems.file(message),
    };
    let draft = places.fold(draft, |draft, (span, label)| draft.also(span, label));
    match ring.len() {
        1 => draft.help("a device cannot wait for itself: take its name out of its list"),
        _ if key == "arm_after" => draft.help(
            "arming follows `safe_after` backwards; an `arm_after` overrides it for its device alone: take one \
             name out of the ring",
        ),
        _ => draft.help("take one name out of the ring"),
    }
    .tell();
}
