/** The scenes that `fake.html?fake=NAME` plays. Development only. */
import type { DeviceState, RigView, TeardownDevice, WatchdogAct } from '@killcord/client';
import type { Panel } from '../state/panel.svelte';
import type { Scene } from './fake';

function all(rig: RigView, state: RigView['state'], device: DeviceState): void {
  rig.state = state;
  for (const view of rig.devices) if (view.acts) view.state = device;
}

const running: TeardownDevice[] = [
  { device: 0, doing: 'VOLT 3.5  (ramp to 0)', confirmed: false, released: false, remarks: [] },
  { device: 1, doing: 'waiting for psu', confirmed: false, released: false, remarks: [] },
  { device: 2, doing: 'verified', status: 'safe_verified', confirmed: true, released: false, remarks: [] },
  { device: 3, doing: 'closed', status: 'safe_verified', confirmed: true, released: true, remarks: [] },
];

const report: TeardownDevice[] = [
  { device: 0, doing: 'verified, closed', status: 'safe_verified', confirmed: true, released: true, remarks: [] },
  {
    device: 1,
    doing: 'INP OFF: no answer',
    status: 'unreachable',
    confirmed: false,
    released: false,
    remarks: [
      'No safe command reached it: connection reset by the instrument.',
      'Check by hand: the input of the load is off (its INPUT lamp is dark), then switch it off at the mains.',
    ],
  },
  { device: 2, doing: 'verified, closed', status: 'safe_verified', confirmed: true, released: true, remarks: [] },
  {
    device: 3,
    doing: 'closed',
    status: 'safe_verified',
    confirmed: true,
    released: true,
    remarks: [],
  },
];

const made = report.map((row): TeardownDevice => ({
  device: row.device,
  doing: 'safe and released',
  status: 'safe_verified',
  confirmed: true,
  released: true,
  remarks: [],
}));

/** The run before ended in a SIGKILL while armed; the watchdog acted. */
function unclean(rig: RigView, act: Pick<WatchdogAct, 'safe_ms' | 'devices'>): void {
  const at = Date.now() - 3_600_000;
  const by_watchdog = { why: 'the host was killed', at_unix_ms: at + 640, first_byte_ms: 8, ...act };
  rig.unclean = { run: 41, last_unix_ms: at, was_armed: true, by_watchdog };
  rig.arm_refused = [{ code: 'unclean', message: 'Acknowledge the unclean run first.' }];
}

const sessions = (panel: Panel): void => panel.sessions.show();

const tripped = 'furnace temperature 131 °C above 120 °C';

/** By name. */
export const SCENES: Record<string, Scene> = {
  safe: {},
  armed: { rig: (rig) => all(rig, 'armed', 'armed') },
  opening: {
    rig: (rig) => {
      all(rig, 'opening', 'connecting');
      for (const device of rig.devices) device.identity = null;
      rig.arm_refused = [{ code: 'busy', message: 'The rig is being opened: wait until every device is safe.' }];
    },
  },
  tripped: {
    rig: (rig) => {
      rig.trip = { text: tripped, at_ms: performance.now() };
      rig.arm_refused = [{ code: 'trip', message: `Acknowledge the trip first: ${tripped}.` }];
      rig.notices = ['The journal could not be written: the disk is full. Free some space.'];
    },
  },
  unclean: {
    rig: (rig) => {
      rig.unclean = { run: 41, last_unix_ms: Date.now() - 3_600_000, was_armed: true, by_watchdog: null };
      rig.arm_refused = [{ code: 'unclean', message: 'Acknowledge the unclean run first.' }];
    },
  },
  by_watchdog: { rig: (rig) => unclean(rig, { safe_ms: 412, devices: made }) },
  by_watchdog_not_safe: { rig: (rig) => unclean(rig, { safe_ms: null, devices: [made[0]!, report[1]!, made[2]!] }) },
  no_watchdog: {
    rig: (rig) => {
      all(rig, 'armed', 'armed');
      rig.watchdog = {
        state: 'missing',
        why: 'It was killed, and another could not be started: killcord-watchdog is not beside this program. Install it again.',
        protections: [],
      };
      rig.arm_refused = [{ code: 'watchdog', message: 'There is no watchdog.' }];
    },
  },
  watchdog_off: { rig: (rig) => (rig.watchdog.state = 'off') },
  watchdog_unprotected: {
    rig: (rig) => {
      rig.watchdog.protections = [
        'Its memory could not be locked: raise ulimit -l to 8192.',
        'It shares a control group with this program: whatever ends that group ends both. Start Killcord from a user session of systemd.',
      ];
    },
  },
  not_safe: {
    rig: (rig) => {
      rig.state = 'not_safe';
      rig.arm_refused = [{ code: 'not_safe', message: 'Electronic load is not confirmed safe.' }];
      const load = rig.devices[1];
      if (load) {
        load.state = {
          fault: { fault: 'not_safe', why: 'INP? answered 1 after INP OFF, twice. Switch it off at its front panel.' },
        };
      }
      const meter = rig.devices[3];
      if (meter) meter.state = { fault: { fault: 'unreachable', why: 'connection refused; tried again in 4 s' } };
    },
  },
  observer: { role: 'observer', rig: (rig) => all(rig, 'armed', 'armed'), then: (host) => host.raise() },
  warned: {
    rig: (rig) => all(rig, 'armed', 'armed'),
    then: (host) => {
      host.say({ t: 'warning', kind: 'idle', in_ms: 60_000 });
      host.say({ t: 'control', holder: 1, asking: 2, role: 'operator', epoch: '1.1' });
    },
  },
  making_safe: {
    rig: (rig) => all(rig, 'armed', 'armed'),
    then: (host) => {
      host.become('making_safe', 'making_safe');
      host.teardown(running.slice(0, 3));
    },
  },
  teardown: {
    rig: (rig) => all(rig, 'making_safe', 'making_safe'),
    then: (host) => host.teardown(running, { extent: 'end' }),
  },
  report: {
    rig: (rig) => all(rig, 'making_safe', 'making_safe'),
    then: (host) => {
      host.teardown(report, { extent: 'end', done: true, left: 0 });
      host.say({ t: 'ended', reason: 'window_closed', hardware: 'not_safe', message: '' });
    },
  },
  app_exited: {
    rig: (rig) => (rig.app = { state: 'exited', why: 'it was ended by signal 9' }),
  },
  many: {
    every: 20,
    rig: (rig) => {
      const [supply] = rig.devices;
      if (!supply) return;
      rig.devices = Array.from({ length: 10 }, (_, n) => ({
        ...supply,
        name: `psu${n}`,
        title: `Supply ${n + 1}`,
        readings: Array.from({ length: 10 }, (_none, at) => ({
          ...supply.readings[0]!,
          name: `voltage${at}`,
          title: `Voltage ${at + 1}`,
          every_ms: 20,
        })),
      }));
      all(rig, 'armed', 'armed');
    },
  },
  sessions: { guests: {}, panel: sessions, rig: (rig) => all(rig, 'armed', 'armed') },
  sessions_observer: { role: 'observer', guests: { observes: true }, panel: sessions, then: (host) => host.raise() },
  sessions_asks: { role: 'observer', guests: {}, panel: sessions, then: (host) => host.raise() },
  sessions_silent: { guests: { answers: 1 }, panel: sessions },
  sessions_link: {
    guests: {},
    panel: (panel) => {
      panel.sessions.show();
      void panel.sessions.invite('operator');
    },
  },
  sessions_link_over: {
    guests: { plain: true, lives: 200 },
    panel: (panel) => {
      panel.sessions.show();
      void panel.sessions.invite('observer');
    },
  },
  sessions_window: { guests: { closed: true }, panel: sessions },
  lost: { rig: (rig) => all(rig, 'armed', 'armed'), then: (host) => setTimeout(() => host.cut(), 300) },
  ended: {
    then: (host) =>
      host.say({
        t: 'ended',
        reason: 'expired',
        hardware: 'making_safe',
        message: '<p>This page has timed out. Refresh to continue.</p>',
      }),
  },
};
