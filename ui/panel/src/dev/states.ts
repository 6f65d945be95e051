/** The states that `status.html?state=NAME` shows of `<killcord-status>`. Development only. */
import type { RigView, ToPage } from '@killcord/client';
import type { FakeHost, Scene } from './fake';
import { SCENES } from './scenes';

const armed = (rig: RigView): void => {
  rig.state = 'armed';
  for (const device of rig.devices) if (device.acts) device.state = 'armed';
};
const say = (frame: ToPage): Scene => ({ rig: armed, then: (host) => host.say(frame) });
const end = (reason: (ToPage & { t: 'ended' })['reason'], hardware: (ToPage & { t: 'ended' })['hardware'], message = ''): Scene =>
  say({ t: 'ended', reason, hardware, message });
const soon = (work: (host: FakeHost) => void) => (host: FakeHost): void => void setTimeout(() => work(host), 300);
const safe = [0, 1, 2, 3].map((device) => ({
  device, doing: 'verified, closed', status: 'safe_verified' as const, confirmed: true, released: true, remarks: [],
}));

const GONE =
  '<p>Do not touch the bench before checking it: silent since <span data-killcord="time">not known</span>, hardware ' +
  '<span data-killcord="hardware">not known</span>.</p>';

/** By name. */
export const STATES: Record<string, Scene> = {
  connecting: { silent: true },
  refused: { silent: true, refusal: 'This page is of another version of Killcord; reload it.' },
  live: {},
  armed: { rig: armed },
  not_safe: SCENES['not_safe']!,
  observer: SCENES['observer']!,
  taken_over: say({ t: 'control', holder: 2, role: 'observer', epoch: '1.2' }),
  resumed: { rig: armed },
  warning: say({ t: 'warning', kind: 'idle', in_ms: 60_000 }),
  take_over: say({ t: 'warning', kind: 'take_over', in_ms: 15_000 }),
  lost: { rig: armed, then: soon((host) => host.cut()) },
  overdue: { rig: armed, expire: 400, messages: { host_gone: GONE }, then: soon((host) => host.cut()) },
  lost_observer: { role: 'observer', rig: armed, then: soon((host) => host.cut()) },
  stopping: SCENES['teardown']!,
  report: {
    then: (host) => host.teardown(safe, { extent: 'end', done: true, left: 0, text: 'SIGTERM' }),
  },
  report_not_safe: SCENES['report']!,
  ended: end('expired', 'making_safe', '<p>This page has timed out. Refresh to continue.</p>'),
  ended_idle: end('idle', 'safe'),
  host_stopping: end('host_stopping', 'safe', '<p>The bench is off until Monday. <strong>Do not touch it.</strong></p>'),
};
