/**
 * The page behind `…/killcord/pair#CODE`: pairs, then goes to the panel. It must never act by itself where another site's
 * page may have led here: a browser that is paired would open the bench, and nobody has pressed anything.
 */
import '../lib/locale';
import { hostRoot } from '@killcord/client';
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
const button = part<HTMLButtonElement>('#entry button');
/** The host's word that a person, or a page of its own, has asked for this one; crates/server/src/names.rs. */
const opened = document.querySelector('meta[name="killcord-opened"]') !== null;

async function tryWith(code: string): Promise<void> {
  form.hidden = true;
  told.textContent = PAIR.pairing;
  const headers = { 'Content-Type': 'application/json' };
  const outcome = await pair(code, (body) => fetch(new URL('pair', hostRoot()), { method: 'POST', headers, body }));
  if (outcome.ok) {
    told.textContent = PAIR.paired;
    return location.replace(new URL('../', hostRoot()));
  }
  ask(outcome.problem);
}

function ask(why: string): void {
  show(why, '', PAIR.pair);
  field.focus();
}

function show(why: string, code: string, act: string): void {
  told.textContent = why;
  field.value = code;
  button.textContent = act;
  form.hidden = false;
}

/** What is known of the host before anything is handed over. */
function introduce(): void {
  part('#role').textContent = PAIR.role(location.host);
  const print = document.querySelector<HTMLMetaElement>('meta[name="killcord-fingerprint"]')?.content;
  if (!print) return;
  part('#compare').textContent = PAIR.fingerprint;
  part('#print').textContent = print;
  part<HTMLElement>('#certificate').hidden = false;
}

function start(): void {
  const code = codeOf(location.hash);
  // Into no history and no screenshot.
  history.replaceState(null, '', location.pathname);
  if (!code) ask(PAIR.ask);
  else if (opened) void tryWith(code);
  // Nothing has the focus: no key that was meant for the page before presses it.
  else show(PAIR.led, code, PAIR.open);
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  const code = codeOf(field.value);
  if (code) void tryWith(code);
  else ask(PAIR.wrong);
});
introduce();
addEventListener('hashchange', () => location.hash && start());
start();
