/** The page behind `…/killcord/pair#CODE`: pairs, then goes to the panel. */
import '../app.css';
import './pair.css';
import { PAIR } from '../lib/words';
import { codeOf, pair } from './pair';

const part = <T extends Element>(selector: string): T => {
  const found = document.querySelector<T>(selector);
  if (!found) throw new Error(`The page has no ${selector}.`);
  return found;
};
const told = part<HTMLElement>('#told');
const form = part<HTMLFormElement>('#entry');
const field = part<HTMLInputElement>('#code');

async function tryWith(code: string): Promise<void> {
  form.hidden = true;
  told.textContent = PAIR.pairing;
  const headers = { 'Content-Type': 'application/json' };
  const outcome = await pair(code, (body) => fetch('pair', { method: 'POST', headers, body }));
  if (outcome.ok) {
    told.textContent = PAIR.paired;
    return location.replace(new URL('../', location.href));
  }
  ask(outcome.problem);
}

function ask(why: string): void {
  told.textContent = why;
  field.value = '';
  form.hidden = false;
  field.focus();
}

function start(): void {
  const code = codeOf(location.hash);
  // Into no history and no screenshot.
  history.replaceState(null, '', location.pathname);
  if (code) void tryWith(code);
  else ask(PAIR.ask);
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  const code = codeOf(field.value);
  if (code) void tryWith(code);
  else ask(PAIR.wrong);
});
addEventListener('hashchange', () => location.hash && start());
start();
