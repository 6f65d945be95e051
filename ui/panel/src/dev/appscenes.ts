/** The scenes that `fake-app.html?fake=NAME` plays. Development only. */
import type { RigView } from '@killcord/client';
import type { Scene } from './fake';
import { SCENES } from './scenes';
import { STATES } from './states';

const app = (state: NonNullable<RigView['app']>['state'], why: string | null = null) => (rig: RigView): void => {
  rig.app = { state, why };
};
const during = (scene: Scene): Scene => ({
  ...scene,
  rig: (rig) => {
    scene.rig?.(rig);
    app('ready')(rig);
  },
});
const ended = 'it ended with status 1: ModuleNotFoundError: No module named \'pyvisa\'';
/** By name. */
export const APP_SCENES: Record<string, Scene> = {
  ready: during(SCENES['armed']!),
  starting: { rig: app('starting') },
  exited: {
    rig: app('ready'),
    then: (host) => void setTimeout(() => host.say({ t: 'rig', app: { state: 'exited', why: ended } }), 300),
  },
  never: { rig: app('exited', ended) },
  silent: { silent: true },
  warning: during(STATES['warning']!),
  lost: during(STATES['lost']!),
  overdue: during(STATES['overdue']!),
  teardown: during(SCENES['teardown']!),
  ended: during(STATES['ended']!),
};
