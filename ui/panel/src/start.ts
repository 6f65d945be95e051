/** Puts the panel on the page. */
import './lib/locale';
import type { Killcord } from '@killcord/client';
import { mount } from 'svelte';
import 'uplot/dist/uPlot.min.css';
import './app.css';
import { Panel, type Shell } from './state/panel.svelte';
import App from './view/App.svelte';

/** Shows a panel for `client` in `shell`. */
export function start(client: Killcord, shell: Shell, first: (panel: Panel) => void = () => {}): Panel {
  const target = document.getElementById('app');
  if (!target) throw new Error('The page has no element with id "app".');
  const panel = new Panel(client, shell, (work) => requestAnimationFrame(work));
  first(panel);
  mount(App, { target, props: { panel } });
  void client.connect();
  return panel;
}
