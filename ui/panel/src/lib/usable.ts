/** Whether a control can be used now, and why not. */
import type { ControlView, DeviceView, Model } from '@killcord/client';

/** Why `control` cannot be used; `null` when it can. */
export function unusable(model: Model, device: DeviceView, control: ControlView): string | null {
  if (model.session.name !== 'live') return 'No connection to the host.';
  if (model.role !== 'operator') return 'You are observing: take control to operate.';
  const { state } = device;
  if (typeof state === 'object') return 'The device has a fault.';
  if (state === 'arming' || state === 'making_safe' || state === 'releasing') {
    return 'Wait until the device is ready.';
  }
  if (state === 'disconnected' || state === 'connecting' || state === 'released') {
    return 'The device is not connected.';
  }
  if (control.needs === 'armed' && model.rig?.state !== 'armed') return 'Arm the rig to use this.';
  return null;
}
