/** Puts the page around the app together. */
import '@killcord/client/status';
import type { Killcord } from '@killcord/client';
import { mount } from 'svelte';
import '../app.css';
import Shell from './Shell.svelte';
import { AppShell } from './shell.svelte';

/**
 * Shows the app within the session that `connect` makes; `frames` there tells of input in the frame. `enter` asks for the
 * frame's address.
 */
export function start(
  connect: (frames: (seen: () => void) => void) => Killcord,
  enter: () => Promise<URL>,
): AppShell {
  const target = document.getElementById('app');
  if (!target) throw new Error('The page has no element with id "app".');
  let input = (): void => {};
  const shell = new AppShell(connect((seen) => (input = seen)));
  mount(Shell, { target, props: { shell, enter, input: () => input() } });
  return shell;
}
