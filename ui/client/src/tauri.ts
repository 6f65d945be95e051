/**
 * The native window's way to the host: Tauri IPC. The only file that knows `@tauri-apps`.
 *
 * Frames go by one of two commands, so that Tauri's permissions tell operators from everybody else: `send`
 * (`killcord:default`) and `operate` (`killcord:operate`).
 */
import { Channel, invoke } from '@tauri-apps/api/core';
import type { ToHost, ToPage } from './generated/wire';
import type { Transport } from './transport';

/** What the plugin answers when the host no longer knows this page: attach and resume. */
const ATTACH = 'attach';

/** Whether this page is the native window's own; a page from a server has no commands, even in that window. */
export function inNativeWindow(): boolean {
  const own = location.protocol === 'tauri:' || location.hostname === 'tauri.localhost';
  return own && '__TAURI_INTERNALS__' in globalThis;
}

/** The transport of a native window. */
export function tauriTransport(): Transport {
  return {
    async open(listener) {
      const channel = new Channel<ToPage>();
      channel.onmessage = (frame) => listener.frame(frame);
      await invoke('plugin:killcord|attach', { channel });
      return {
        async send(frame) {
          if (frame.t === 'hello') return hello(frame);
          try {
            await invoke(commandOf(frame), { frame });
          } catch (refused) {
            if (refused === ATTACH) listener.closed();
            throw refused;
          }
        },
        close: () => {
          channel.onmessage = () => {};
        },
      };
    },
  };
}

/** The person has read a report that names devices to check: the shell may close the window. */
export async function closeWindow(): Promise<void> {
  await invoke('plugin:killcord|acknowledge_report');
}

/** What the sessions page asks the app around the window; refused with what it says. */
export async function askWindow(question: object): Promise<unknown> {
  return invoke('access', { ask: question });
}

function commandOf(frame: ToHost): string {
  switch (frame.t) {
    case 'arm':
    case 'set':
    case 'acknowledge':
    case 'take_control':
      return 'plugin:killcord|operate';
    default:
      return 'plugin:killcord|send';
  }
}

/** A window that may not operate is refused `operate`; it attaches as an observer. */
async function hello(frame: ToHost & { t: 'hello' }): Promise<void> {
  if (frame.want === 'operator') {
    try {
      await invoke('plugin:killcord|operate', { frame });
      return;
    } catch (refused) {
      if (refused === ATTACH) throw refused;
    }
  }
  await invoke('plugin:killcord|send', { frame });
}
