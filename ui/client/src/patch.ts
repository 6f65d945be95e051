/** Merges what has changed into what was known; never changes what it is given. */
import type { ControlView, DeviceView, RigPatch, RigView } from './generated/wire';

/** The rig with `patch` applied. Absent fields are as before, places that do not exist are ignored. */
export function patched(rig: RigView, patch: RigPatch): RigView {
  return {
    ...rig,
    state: patch.state ?? rig.state,
    arm_refused: patch.arm_refused ?? rig.arm_refused,
    trip: patch.trip === undefined ? rig.trip : patch.trip,
    unclean: patch.unclean === undefined ? rig.unclean : patch.unclean,
    watchdog: patch.watchdog ?? rig.watchdog,
    ...(patch.app ? { app: patch.app } : {}),
    notices: patch.notices ?? rig.notices,
    devices: patchedDevices(rig.devices, patch),
  };
}

function patchedDevices(devices: DeviceView[], patch: RigPatch): DeviceView[] {
  if (!patch.devices && !patch.identities && !patch.setpoints) return devices;
  const next = [...devices];
  const change = (at: number, part: Partial<DeviceView>): void => {
    const device = next[at];
    if (device) next[at] = { ...device, ...part };
  };
  for (const [at, state] of patch.devices ?? []) change(at, { state });
  for (const [at, identity] of patch.identities ?? []) change(at, { identity });
  for (const [at, name, setpoint] of patch.setpoints ?? []) {
    change(at, { controls: withSetpoint(next[at]?.controls ?? [], name, setpoint) });
  }
  return next;
}

function withSetpoint(
  controls: ControlView[],
  name: string,
  setpoint: ControlView['setpoint'],
): ControlView[] {
  return controls.map((control) => (control.name === name ? { ...control, setpoint } : control));
}
