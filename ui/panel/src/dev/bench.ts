/** A made-up bench for the fake backend. Development only; never part of the production build. */
import type { ControlView, DeviceView, ReadingView, RigView } from '@killcord/client';

function reading(
  name: string,
  title: string,
  unit: string,
  every: number,
  max?: number,
  safe = true,
): ReadingView {
  return {
    name,
    title,
    unit,
    every_ms: every,
    stale_after_ms: Math.max(2_000, every * 4),
    limits: max === undefined ? null : { min: null, max, makes_safe: safe },
    history: [],
  };
}

function control(
  name: string,
  title: string,
  unit: string,
  kind: ControlView['kind'],
  part: Partial<ControlView> = {},
): ControlView {
  return { name, title, unit, kind, needs: 'armed', setpoint: null, readback: null, ...part };
}

const supply: DeviceView = {
  name: 'psu',
  title: 'Bench supply',
  driver: 'scpi',
  connect: 'serial …/usb-HAMEG_HMP4040-if00, 115200 baud',
  identity: 'HAMEG,HMP4040,011432,HW50020003/SW2.50',
  state: 'safe',
  acts: true,
  readings: [
    reading('voltage', 'Voltage', 'V', 200, 13),
    reading('current', 'Current', 'A', 200, 4),
  ],
  controls: [
    control('setpoint', 'Voltage setpoint', 'V', { kind: 'number', min: 0, max: 12.5 }, { setpoint: 12 }),
    control('output', 'Output', '', { kind: 'toggle' }),
  ],
};

const load: DeviceView = {
  name: 'load',
  title: 'Electronic load',
  driver: 'scpi',
  connect: 'tcp 192.168.1.21, port 5025',
  identity: 'ITECH,IT8512A+,600122010766920001,1.42',
  state: 'safe',
  acts: true,
  readings: [reading('power', 'Power', 'W', 200), reading('mode', 'Mode', '', 1_000)],
  controls: [
    control('mode', 'Mode', '', { kind: 'choice', options: ['CURR', 'VOLT', 'RES', 'POW'] }, {
      needs: 'connected',
    }),
    control('trigger', 'Trigger sweep', '', { kind: 'button' }),
  ],
};

const furnace: DeviceView = {
  name: 'furnace',
  title: 'Furnace',
  driver: 'modbus',
  connect: 'modbus tcp 192.168.1.30, port 502, unit 1',
  identity: null,
  state: 'safe',
  acts: true,
  readings: [
    reading('temperature', 'Temperature', '°C', 500, 120),
    reading('water', 'Cooling water', 'l/min', 500, 9, false),
  ],
  controls: [
    control('target', 'Target temperature', '°C', { kind: 'number', min: 0, max: 110 }),
  ],
};

const meter: DeviceView = {
  name: 'dmm',
  title: 'Multimeter',
  driver: 'scpi',
  connect: 'tcp 192.168.1.22, port 5025',
  identity: 'Keysight Technologies,34465A,MY57501234,A.03.01-03.15',
  state: 'safe',
  acts: false,
  readings: [reading('leakage', 'Leakage', 'A', 1_000)],
  controls: [],
};

/** A fresh copy of the bench. */
export function bench(): RigView {
  return structuredClone({
    name: 'Supply bench',
    file: 'benches/supply/rig.toml',
    state: 'safe',
    arm_refused: [],
    arms: true,
    trip: null,
    unclean: null,
    watchdog: { state: 'watching', why: null, protections: [] },
    notices: [],
    devices: [supply, load, furnace, meter],
  } satisfies RigView);
}

/** What a reading shows at `t` milliseconds; the same at every run, so that pictures can be compared. */
export function wave(device: number, name: string, t: number, energised: boolean): number | string {
  const s = t / 1000;
  const noise = Math.sin(s * 7.3 + device) * 0.5 + Math.sin(s * 17.9) * 0.3 + Math.sin(s * 41.7) * 0.2;
  const on = energised ? 1 : 0;
  switch (name.replace(/\d+$/, '')) {
    case 'voltage':
      return on * (11.98 + 0.18 * Math.sin(s / 6)) + 0.012 * noise;
    case 'current':
      return on * (2.1 + 0.55 * Math.sign(Math.sin(s / 5)) + 0.04 * noise);
    case 'power':
      return on * 11.98 * (2.1 + 0.55 * Math.sign(Math.sin(s / 5)) + 0.04 * noise);
    case 'temperature':
      return 24.2 + on * (46 + 14 * Math.sin(s / 18)) + 0.3 * noise;
    case 'water':
      return 6.4 + 0.25 * noise;
    case 'leakage':
      return 3.1e-9 + 4e-10 * noise;
    default:
      return 'CURR';
  }
}
