/** The panel in the native window. */
import { Killcord } from '@killcord/client';
import { closeWindow, tauriTransport } from '@killcord/client/tauri';
import { start } from './start';

start(new Killcord(tauriTransport()), { close: closeWindow, reload: () => location.reload() });
