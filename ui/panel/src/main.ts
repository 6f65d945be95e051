/** The panel: in the native window over its IPC, in a browser over a socket. */
import { hostRoot, Killcord, socketTransport } from '@killcord/client';
import { askWindow, closeWindow, inNativeWindow, tauriTransport } from '@killcord/client/tauri';
import { httpAccess, windowAccess } from './lib/access';
import { signOut } from './lib/signout';
import { start } from './start';

const reload = (): void => location.reload();

if (inNativeWindow()) {
  start(new Killcord(tauriTransport()), { close: closeWindow, access: windowAccess(askWindow), reload });
} else {
  const client = new Killcord(socketTransport());
  const unpair = async (): Promise<boolean> =>
    (await fetch(new URL('pair', hostRoot()), { method: 'DELETE' })).ok;
  // The window at the bench, of a rig whose GUI is not this panel: closing it is the way out.
  const window = document.querySelector('meta[name="killcord-window"]') !== null;
  const leave = window ? {} : { signOut: () => signOut(client, unpair) };
  start(client, { ...leave, access: httpAccess(hostRoot()), reload });
}
