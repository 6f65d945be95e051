/** The native window's way to the host: Tauri IPC. The only file that knows `@tauri-apps`. */
import { Channel, invoke } from '@tauri-apps/api/core';
import type { ToPage } from './generated/wire';
import type { Transport } from './transport';

/** The transport of a native window. */
export function tauriTransport(): Transport {
  return {
    async open(listener) {
      const channel = new Channel<ToPage>();
      channel.onmessage = (frame) => listener.frame(frame);
      await invoke('plugin:killcord|attach', { channel });
      return {
        send: (frame) => invoke<void>('plugin:killcord|send', { frame }),
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
