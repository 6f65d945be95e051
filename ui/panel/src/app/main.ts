/** The page around a wrapped app, at whatever path the app is asked for. */
import { browserEnvironment, connect, hostRoot } from '@killcord/client';
import { wayIn } from './frame';
import { start } from './start';

const here = new URL(location.href);
const ask = (): Promise<Response> => fetch(new URL('enter', hostRoot()), { method: 'POST' });
start((seen) => connect({ environment: browserEnvironment(seen) }), () => wayIn(ask, here, hostRoot()));
