//! The drivers that a program links.

use std::sync::Arc;

use killcord_core::driver::DriverSpec;

use crate::{
    Driver,
    drivers::{exec::Exec, line::Line, modbus::Modbus},
};

/// Drivers by name. A driver of your own is added with [`Registry::with`].
#[derive(Clone)]
pub struct Registry {
    drivers: Vec<Arc<dyn Driver>>,
}

impl Default for Registry {
    /// The drivers that Killcord brings along.
    fn default() -> Self {
        Self::empty().with(Line::scpi()).with(Line::plain()).with(Modbus).with(Exec)
    }
}

impl Registry {
    /// No driver at all.
    #[must_use]
    pub const fn empty() -> Self {
        Self { drivers: Vec::new() }
    }

    /// One more driver; it takes the place of one of the same name.
    #[must_use]
    pub fn with(mut self, driver: impl Driver + 'static) -> Self {
        self.drivers.retain(|other| other.spec().name != driver.spec().name);
        self.drivers.push(Arc::new(driver));
        self
    }

    /// The driver that a rig file means by `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<dyn Driver>> {
        self.drivers.iter().find(|driver| driver.spec().name == name)
    }

    /// All specs, for checking a rig file.
    #[must_use]
    pub fn specs(&self) -> Vec<&'static DriverSpec> {
        self.drivers.iter().map(|driver| driver.spec()).collect()
    }
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.drivers.iter().map(|driver| driver.spec().name)).finish()
    }
}
