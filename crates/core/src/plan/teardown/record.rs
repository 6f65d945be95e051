//! How a device ended, and the report.

use super::{
    DeviceIx, Driving, Progress, Teardown, Time,
    device::{Line, Stage},
};
use crate::{DeviceReport, DeviceState, Report, Status, device::Fault, plan::sequence::Failed};

impl super::Device {
    /// Notes a release step that failed.
    pub(super) fn note_release(&mut self, failed: Option<Failed>) {
        if let Some(failed) = failed {
            self.handed_back = false;
            self.remarks.push(format!("Not wholly released: {}.", failed.why));
        }
    }
}

impl Teardown {
    /// It could not be verified: how it ended by what is known of it.
    pub(super) fn settle_unverified(&mut self, ix: DeviceIx, answered: bool, now: Time) {
        let Some(device) = self.devices.get(&ix) else { return };
        let status = device.verdict(answered);
        self.settle(ix, status, now);
    }

    pub(super) fn settle(&mut self, ix: DeviceIx, status: Status, now: Time) {
        if self.owes_another_turn(ix) {
            return;
        }
        let status = self.beside_the_app(ix, status);
        let title = self.plan.devices[ix.at()].title().to_owned();
        let Some(device) = self.devices.get_mut(&ix) else { return };
        device.status = Some(status);
        device.stage = Stage::Settled;
        device.touched = true;
        self.events.push_back(Progress::Settled { device: ix, status });
        if matches!(status, Status::SafeVerified | Status::SafeUnverified) {
            device.safe_at = Some(now);
        }
        let why = device.why.clone().unwrap_or_else(|| match status {
            Status::SafeVerified | Status::SafeUnverified => "it could not be read back".into(),
            Status::Failed => "it was not done in time".into(),
            Status::Unreachable => "no safe command reached it".into(),
        });
        if !device.confirmed() {
            device.remarks.push(format!("Check by hand that {title} is off: {why}."));
        }
        let wrong = matches!(device.state, DeviceState::Fault(Fault::WrongIdentity { .. }));
        match status {
            Status::SafeVerified | Status::SafeUnverified => self.announce(ix, DeviceState::Safe),
            _ if wrong => {}
            Status::Failed => self.announce(ix, DeviceState::Fault(Fault::NotSafe { why })),
            Status::Unreachable => self.announce(ix, DeviceState::Fault(Fault::Unreachable { why })),
        }
    }

    /// The deadline has come: what is not finished is said as it is.
    pub(super) fn run_out(&mut self, now: Time) {
        self.out_of_time = true;
        self.ended = Some(now);
        self.app_outlasts();
        let all: Vec<DeviceIx> = self.devices.keys().copied().collect();
        for ix in all {
            let Some(device) = self.devices.get_mut(&ix) else { continue };
            if self.plan.devices[ix.at()].only_measures() && !device.settled() {
                device.status = Some(Status::SafeUnverified);
            } else if !device.settled() {
                if device.line == Line::Up && device.why.is_none() {
                    device.why = Some("the deadline came before it was done".into());
                }
                self.settle_unverified(ix, false, now);
            } else if self.extent > crate::Extent::Stay && device.stage != Stage::Closed {
                device.remarks.push("Not released: the deadline had come.".into());
            }
        }
    }

    pub(super) fn write_report(&self, now: Time) -> Report {
        let devices: Vec<DeviceReport> = self
            .devices
            .iter()
            .map(|(ix, device)| DeviceReport {
                device: *ix,
                name: self.plan.devices[ix.at()].name.clone(),
                status: device.status.unwrap_or_else(|| device.verdict(false)),
                unverifiable: device.unverifiable,
                mode: device.mode,
                released: device.released,
                first_byte: device.first_byte,
                safe_at: device.safe_at,
                exchanges: device.exchanges.clone(),
                remarks: device.remarks.clone(),
            })
            .collect();
        let left = (self.driving == Driving::Left).then(|| "The app could not be ended in time.".to_owned());
        let notes = self
            .devices
            .iter()
            .filter(|(_, device)| device.left_out > 0)
            .map(|(ix, device)| {
                let name = &self.plan.devices[ix.at()].name;
                format!("{} further exchanges with {name} are not listed.", device.left_out)
            })
            .chain(left)
            .collect();
        Report {
            causes: self.causes.clone(),
            mode: self.mode,
            extent: self.extent,
            began: self.began,
            took: self.ended.unwrap_or(now).since(self.began),
            out_of_time: self.out_of_time,
            devices,
            notes,
        }
    }

    /// Where a device stands.
    #[must_use]
    pub fn state(&self, device: DeviceIx) -> Option<&DeviceState> {
        self.devices.get(&device).map(|device| &device.state)
    }
}
