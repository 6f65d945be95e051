//! What has to hold in every state, and the model as stateright takes it.

use stateright::{Model, Property};

use crate::{
    scope::Scope,
    seen::{OFF_WITHIN, UNGUARDED_WITHIN},
    watchdog::will_know,
    world::{Action, World},
};
use killcord_core::watchdog::Told;

/// Nobody left: the device may act, and neither a living host nor a watchdog has it.
pub const RESPONSIBLE: &str = "whoever lives knows of a device that is on, unless both have died";
/// Dead men's bytes, or a host that goes on.
pub const ONE_DRIVES: &str = "once the watchdog drives the device, the host does not";
/// Write ahead.
pub const ON_RECORD: &str = "a host that dies has told its watchdog first";
/// Bounded in time.
pub const OFF_IN_TIME: &str = "what nobody has a right to is off in time";
/// The host judges its watchdog.
pub const GUARDED: &str = "without a watchdog it is off in time";
/// That the check looks at something.
pub const ARMED: &str = "the device comes on";
/// The same.
pub const SAVED: &str = "the watchdog makes it safe";

impl World {
    fn somebody_knows(&self) -> bool {
        let host = self.host.as_ref().is_some_and(|host| host.knows());
        let told = |told: &Told| will_know(told) || matches!(told, Told::Connected { .. });
        let dog = self.watchdog.as_ref();
        let dog = dog.is_some_and(|dog| dog.is_responsible() || self.pipe.told.iter().any(told));
        !self.device.is_energised() || host || dog || self.seen.both_lost
    }

    fn is_on_record(&self) -> bool {
        let knows =
            self.watchdog.as_ref().is_some_and(|dog| dog.knows() || self.pipe.told.iter().any(will_know));
        self.host.is_some() || !self.seen.acted || !self.device.is_energised() || knows || self.seen.both_lost
    }
}

impl Model for Scope {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![World::new(self)]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        world.actions(self, actions);
    }

    fn next_state(&self, world: &World, action: Action) -> Option<World> {
        Some(world.after(action, self))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(RESPONSIBLE, |_, world: &World| world.somebody_knows()),
            Property::always(ONE_DRIVES, |_, world: &World| !world.seen.two_drive),
            Property::always(ON_RECORD, |_, world: &World| world.is_on_record()),
            Property::always(OFF_IN_TIME, |_, world: &World| world.seen.overdue <= OFF_WITHIN),
            Property::always(GUARDED, |_, world: &World| world.seen.unguarded <= UNGUARDED_WITHIN),
            Property::sometimes(ARMED, |_, world: &World| world.device.on),
            Property::sometimes(SAVED, |_, world: &World| world.seen.watchdog_drives && !world.device.on),
        ]
    }
}
