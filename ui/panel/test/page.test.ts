/** The built panel in a real browser, over a real WebSocket in a real worker, under the policy of a host. */
import { fileURLToPath } from 'node:url';
import axeCore from 'axe-core';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { launch } from '../scripts/serve.mjs';
import { PAIR } from '../src/lib/words';
import { SocketHost } from './host';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = fileURLToPath(new URL('../../../target/panel-page', import.meta.url));
let browser: Browser;
let context: BrowserContext;
let host: SocketHost;
let page: Page;
/** Broken policy, exceptions; not what the network says of a host that is gone. */
let problems: string[];

const until = (what: () => boolean): Promise<void> =>
  vi.waitFor(() => expect(what()).toBe(true), { timeout: 10_000, interval: 20 });
const button = (name: string, on: Page = page) => on.getByRole('button', { name, exact: true });
const bench = (on: Page = page) => on.getByRole('heading', { name: 'Real socket' }).waitFor();
const beacons = () => host.record.flatMap((entry) => (entry.what === 'beacon' ? [entry] : []));
const hellos = () => host.frames('hello');

async function visit(path = '/'): Promise<void> {
  await page.goto(`${host.url}${path}`);
}

beforeAll(async () => {
  await build({ root, logLevel: 'error', build: { outDir: dist, emptyOutDir: true } });
  browser = await launch();
}, 120_000);
beforeEach(async () => {
  host = new SocketHost(dist);
  await host.start();
  context = await browser.newContext({ reducedMotion: 'reduce' });
  page = await context.newPage();
  problems = [];
  page.on('console', (message) => {
    if (message.type() === 'error' && !/WebSocket|ERR_|status of/.test(message.text())) problems.push(message.text());
  });
  page.on('pageerror', (error) => problems.push(String(error)));
});
afterEach(async () => {
  await context.close();
  await host.stop();
  expect(problems).toEqual([]);
});
afterAll(async () => void (await browser?.close()));

describe('the panel in a page', () => {
  it('claims its document, beats from its worker, and delivers a safe stop', async () => {
    await visit();
    await bench();
    const document = host.record.find((entry) => entry.what === 'document');
    expect(hellos()[0]?.nonce).toBe(document?.what === 'document' && document.nonce);
    expect(page.workers()).toHaveLength(1);
    await button('Safe stop').click();
    await page.getByText('Delivered', { exact: true }).waitFor();
    expect(host.frames('stop')).toHaveLength(1);
    await until(() => host.frames('beat').some(({ visible, main_ms }) => visible && (main_ms ?? 1e9) < 1_000));
  });

  it('goes on beating while its thread hangs, and says for how long it has', async () => {
    await visit();
    await bench();
    const hang = page.evaluate(() => {
      const end = performance.now() + 2_500;
      while (performance.now() < end);
    });
    await until(() => host.frames('beat').some(({ main_ms }) => (main_ms ?? 0) > 1_500));
    await hang;
    const recovered = host.frames('beat').length;
    await until(() => host.frames('beat').slice(recovered).some(({ main_ms }) => (main_ms ?? 1e9) < 500));
    expect(hellos()).toHaveLength(1);
  });

  it('works without workers', async () => {
    await page.addInitScript(() => void Reflect.deleteProperty(globalThis, 'Worker'));
    await visit();
    await bench();
    await until(() => host.frames('beat').length > 3);
    expect(page.workers()).toHaveLength(0);
  });

  it('works where the file of the worker cannot be had', async () => {
    await page.route('**/worker-*.js', (route) => route.abort());
    await visit();
    await bench();
    await until(() => host.frames('beat').length > 3);
  });

  it('signs out by the host, after a question', async () => {
    await visit();
    await bench();
    await button('Sign out').click();
    const dialog = page.getByRole('dialog', { name: 'Sign out?' });
    await dialog.getByText('You are in control.').waitFor();
    await dialog.getByRole('button', { name: 'Sign out' }).click();
    await page.getByText('You signed out.').waitFor();
    expect(host.record).toContainEqual({ what: 'unpaired', path: '/killcord/pair' });
    expect(await button('Sign out').count()).toBe(0);
  });

  it('in the window at the bench has no way to sign out, which would shut the window out', async () => {
    host.head = '<meta name="killcord-window" content="">';
    await visit();
    await bench();
    await button('Sessions').waitFor();
    expect(await button('Sign out').count()).toBe(0);
  });
});

describe('a goodbye', () => {
  it('of a tab that is closed comes by beacon, as JSON', async () => {
    await visit();
    await bench();
    await page.close({ runBeforeUnload: true });
    await until(() => beacons().length > 0);
    const body = { t: 'bye', session: 1, nonce: hellos()[0]?.nonce, persisted: false };
    expect(beacons()).toEqual([{ what: 'beacon', type: 'application/json', body }]);
  });

  it('of a reload comes behind the request for the new document, whose hello resumes', async () => {
    await visit();
    await bench();
    for (let n = 2; n <= 6; n += 1) {
      await page.reload();
      await bench();
      await until(() => hellos().length === n);
    }
    await until(() => beacons().length === 5);
    const order = host.record.flatMap(({ what }) => (what === 'document' || what === 'beacon' ? [what] : []));
    expect(order.slice(0, 3)).toEqual(['document', 'document', 'beacon']);
    expect(hellos().slice(1).every(({ resume }) => resume !== undefined)).toBe(true);
    // Every token was the newest, and none was used twice.
    expect(new Set(hellos().map(({ resume }) => resume)).size).toBe(6);
  });
});

it('a page that the browser freezes says that it cannot be seen, and beats at once when it runs again', async () => {
  await visit();
  await bench();
  // A headless browser hides no page, and freezes none that it shows: the events are played, the rest is real.
  await page.evaluate(() => document.dispatchEvent(new Event('freeze')));
  const hidden = () => host.frames('beat').findIndex(({ visible }) => !visible);
  await until(() => hidden() >= 0);
  await page.evaluate(() => document.dispatchEvent(new Event('resume')));
  await until(() => host.frames('beat').slice(hidden()).some(({ visible }) => visible));
  expect(hellos()).toHaveLength(1);
});

describe('a page that is left', () => {
  const elsewhere = (): Promise<unknown> => page.goto(`${host.url.replace('127.0.0.1', 'localhost')}/killcord/pair`);
  // By a timer, so that the answer is out before the document that gives it is left.
  const back = (): Promise<void> => page.evaluate(() => void setTimeout(() => history.back()));

  it('is not kept if it came from a host, and resumes as a new document', async () => {
    await visit();
    await bench();
    await elsewhere();
    await until(() => beacons().length === 1);
    expect(beacons()[0]?.body).toMatchObject({ persisted: false });
    await back();
    await bench();
    await until(() => hellos().length === 2);
    expect(hellos()[1]?.nonce).not.toBe(hellos()[0]?.nonce);
    expect(hellos()[1]?.resume).toBeDefined();
  });

  it('and kept by the browser says so, and has let its connection go when it resumes as the same document', async () => {
    await visit('/own');
    await page.getByText('You are in control').waitFor();
    await elsewhere();
    await until(() => beacons().length === 1);
    expect(beacons()[0]?.body).toMatchObject({ persisted: true });
    await back();
    await until(() => hellos().length === 2);
    expect(hellos()[1]).toMatchObject({ nonce: hellos()[0]?.nonce, resume: expect.any(String) as string });
    // The browser may freeze the worker before that has closed anything; the next connection waits for it.
    const hello = host.record.map((entry) => entry.what === 'frame' && entry.frame.t === 'hello').lastIndexOf(true);
    expect(host.record.slice(0, hello)).toContainEqual({ what: 'closed', session: 1 });
    await page.getByText('The session goes on where it was.').waitFor();
  });
});

describe('a connection', () => {
  it('that is cut is made again, and the session goes on', async () => {
    await visit();
    await bench();
    const tokens = new Map(host.tokens);
    await host.stop();
    await page.getByText('No answer since').waitFor();
    await host.start();
    for (const [token, session] of tokens) host.tokens.set(token, session);
    await until(() => hellos().length === 2);
    await page.getByText('No answer since').waitFor({ state: 'hidden' });
    expect(host.record.at(-1)).toMatchObject({ session: 1 });
  });

  it('of a duplicated tab is another session; the first stays as it is', async () => {
    await visit();
    await bench();
    const [second] = await Promise.all([
      context.waitForEvent('page'),
      page.evaluate(() => void window.open(location.href)),
    ]);
    await second.getByText('You are observing', { exact: true }).waitFor();
    expect(hellos()).toHaveLength(2);
    expect(hellos()[1]?.resume).toBeDefined();
    await second.reload();
    await second.getByRole('heading', { name: 'Real socket' }).waitFor();
    expect(await page.getByText('No answer since').count()).toBe(0);
    await until(() => hellos().length === 3);
    expect(hellos()[2]?.resume).not.toBe(hellos()[1]?.resume);
  });
});

describe('a page of somebody else', () => {
  const status = (text: string) => page.locator('killcord-status').getByText(text);

  it('has client and element from one file, and comes back by itself when the host does', async () => {
    await visit('/own');
    await status('You are in control').waitFor();
    await host.stop();
    await status('Connection lost').waitFor();
    await page.getByRole('alert').getByText('was to be made safe by').waitFor();
    expect(await page.evaluate(() => (globalThis as unknown as { client: { safeStop(): Promise<string> } }).client.safeStop())).toBe('not_delivered');
    await host.start();
    await status('This is a new session. Nothing was armed by it.').waitFor();
    await until(() => host.frames('beat').length > 0);
    expect(host.frames('stop')).toEqual([]);
    expect(host.frames('arm')).toEqual([]);
  });

  it('shows the host’s end and waits for the next', async () => {
    await visit('/own');
    await status('You are in control').waitFor();
    host.say({ t: 'ended', reason: 'host_stopping', hardware: 'safe', message: '<p>Gone home.</p>' });
    await status('Gone home.').waitFor();
    await host.stop();
    await host.start();
    await status('You are in control').waitFor();
  });
});

describe('the pair page', () => {
  it('below a proxy’s path asks there, and shows what the host says of its certificate', async () => {
    host.head = '<meta name="killcord-base" content="/bench1/"><meta name="killcord-fingerprint" content="A1:3F:07">';
    await visit('/killcord/pair');
    await page.getByRole('region', { name: 'Certificate' }).getByText('A1:3F:07').waitFor();
    await page.getByText(`the bench at ${new URL(host.url).host}`).waitFor();
    await page.evaluate(axeCore.source);
    expect(await page.evaluate(async () => (await (window as unknown as { axe: typeof axeCore }).axe.run()).violations.map(({ id }) => id))).toEqual([]);
    const asked = page.waitForRequest('**/bench1/killcord/pair');
    await page.getByRole('textbox', { name: 'Link, code or key' }).fill('https://elsewhere/killcord/pair#CODE-7');
    await page.keyboard.press('Enter');
    expect((await asked).postDataJSON()).toEqual({ code: 'CODE-7' });
  });

  it('hands the code over, keeps it out of the address, and goes to the panel', async () => {
    await visit('/killcord/pair#ABCD-1234');
    await bench();
    expect(page.url()).toBe(`${host.url}/`);
    expect(host.record).toContainEqual({ what: 'paired', code: { code: 'ABCD-1234' } });
  });

  it('to which another site’s page may have led hands over nothing before a press', async () => {
    host.head = '';
    await visit('/killcord/pair#ABCD-1234');
    await page.getByText(PAIR.led).waitFor();
    expect(page.url()).toBe(`${host.url}/killcord/pair`);
    // Whatever was meant for the page before.
    for (const key of ['Enter', 'Space']) await page.keyboard.press(key);
    await page.evaluate(axeCore.source);
    expect(await page.evaluate(async () => (await (window as unknown as { axe: typeof axeCore }).axe.run()).violations.map(({ id }) => id))).toEqual([]);
    const paired = { what: 'paired', code: { code: 'ABCD-1234' } };
    expect(host.record).not.toContainEqual(paired);
    await button(PAIR.open).click();
    await bench();
    expect(host.record).toContainEqual(paired);
  });

  it.each([['code_used', PAIR.used], ['code_expired', PAIR.expired], ['code_wrong', PAIR.wrong]])(
    'says of a code why it is %s, and takes another',
    async (code, words) => {
      host.pairs = { status: 403, body: { code } };
      await visit('/killcord/pair#OLD');
      await page.getByText(words).waitFor();
      expect(page.url()).toBe(`${host.url}/killcord/pair`);
      await page.evaluate(axeCore.source);
      const found = await page.evaluate(async () => (await (window as unknown as { axe: typeof axeCore }).axe.run()).violations.map(({ id }) => id));
      expect(found).toEqual([]);
      host.pairs = { status: 204, body: null };
      await page.getByRole('textbox', { name: 'Link, code or key' }).fill('NEW');
      await page.keyboard.press('Enter');
      await bench();
    },
  );
});
