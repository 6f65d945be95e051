/** The page around a wrapped app in a real browser, under the policy that the server sets. */
import axeCore from 'axe-core';
import type { Browser, Frame, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { launch, serveFake } from '../scripts/serve.mjs';
import { marked, unmarked } from '../src/app/address';
import { APP_SCENES } from '../src/dev/appscenes';
import type { FakeHost } from '../src/dev/fake';

let browser: Browser;
let server: Awaited<ReturnType<typeof serveFake>>;
let page: Page;
let problems: string[];

async function open(scene: string): Promise<void> {
  page = await browser.newPage({ viewport: { width: 1280, height: 800 }, colorScheme: 'light', reducedMotion: 'reduce' });
  problems = [];
  page.on('console', (message) => void (message.type() === 'error' && problems.push(message.text())));
  page.on('pageerror', (error) => problems.push(String(error)));
  await page.goto(`${server.app}?fake=${scene}`);
  await page.locator('killcord-status [part~="box"]').first().waitFor();
}

/** The app's window, once it is there. */
async function app(): Promise<Frame> {
  await page.frameLocator('iframe').getByRole('heading', { name: 'An experiment' }).waitFor();
  return page.frames()[1]!;
}

beforeAll(async () => {
  server = await serveFake();
  browser = await launch();
}, 120_000);
afterEach(async () => {
  await page?.close();
  expect(problems ?? []).toEqual([]);
});
afterAll(async () => {
  await browser?.close();
  await server?.close();
});

async function axe(): Promise<string[]> {
  return page.evaluate(async () => {
    const { violations } = await (window as unknown as { axe: typeof axeCore }).axe.run({ exclude: ['iframe'] });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
  });
}

describe.each(Object.keys(APP_SCENES))('the scene %s', (scene) => {
  it('has nothing for axe to find, light and dark, and leaves the app a third of a phone', async () => {
    await open(scene);
    await page.evaluate(axeCore.source);
    expect(await axe()).toEqual([]);
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.setViewportSize({ width: 390, height: 844 });
    expect(await axe()).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
    expect((await page.locator('main').boundingBox())!.height).toBeGreaterThan(844 / 3);
    await page.getByRole('button', { name: 'Safe stop' }).waitFor();
  });
});

describe('the frame', () => {
  it('keeps the place: where the person goes in it is the page’s own address', async () => {
    await open('ready');
    const inside = await app();
    await page.waitForURL('**/status.html?of=ready');
    await inside.evaluate(() => history.pushState(null, '', 'status.html?of=ready&plot=2#axis'));
    await page.waitForURL('**/status.html?of=ready&plot=2#axis');
    expect(await page.title()).toContain('killcord-status');
    await inside.evaluate(() => history.replaceState(null, '', 'status.html?of=ready&killcord-frame'));
    await page.waitForURL('**/status.html?of=ready');
    await inside.waitForURL('**/status.html?of=ready');
  });

  it('hands F12 on, also from a document that came later', async () => {
    await open('ready');
    const inside = await app();
    const told = page.getByText('Delivered', { exact: true });
    for (const reload of [false, true]) {
      if (reload) await inside.goto(`${server.status}?of=ready`);
      await (await app()).getByRole('heading').click();
      const pressed = async (): Promise<boolean> => {
        await page.keyboard.press('F12');
        return told.isVisible();
      };
      await expect.poll(pressed, { timeout: 10_000 }).toBe(true);
      await told.waitFor({ state: 'hidden' });
    }
  });

  it('has a session of its own where its page makes one', async () => {
    await open('ready');
    await app();
    const kept = (): Promise<string[]> => page.evaluate(() => Object.keys(sessionStorage).sort());
    await expect.poll(kept).toEqual(['killcord.resume', 'killcord.resume.framed']);
  });

  it('hands the person’s presence on', async () => {
    await open('ready');
    await app();
    const away = (): Promise<number> =>
      page.evaluate(() => {
        const { sent } = (globalThis as unknown as { host: FakeHost }).host;
        return sent.flatMap((frame) => (frame.t === 'beat' ? [frame.input_ms ?? 0] : [])).at(-1) ?? 0;
      });
    await expect.poll(away, { timeout: 10_000 }).toBeGreaterThan(2_500);
    await page.mouse.move(640, 600);
    await page.mouse.move(660, 620);
    await expect.poll(away, { timeout: 10_000 }).toBeLessThan(1_500);
  });

  it('is empty until the app answers, and stays as it was when that has ended', async () => {
    await open('starting');
    await page.getByText('The app is starting.').waitFor();
    await page.getByText('Waiting for it: 1 s.').waitFor();
    expect(page.frames()[1]?.url() ?? 'about:blank').toBe('about:blank');
    await page.close();
    await open('exited');
    await app();
    await page.getByRole('alert').getByText('No module named').waitFor();
    await app();
  });
});

describe('the mark', () => {
  it('is put on and taken off, and the rest of an address stays', () => {
    for (const [plain, with_mark] of [
      ['http://h/', 'http://h/?killcord-frame'],
      ['http://h/a?b=1&c=%20#d', 'http://h/a?b=1&c=%20&killcord-frame#d'],
    ] as const) {
      expect(marked(new URL(plain)).href).toBe(with_mark);
      expect(marked(new URL(with_mark)).href).toBe(with_mark);
      expect(unmarked(new URL(with_mark)).href).toBe(plain);
      expect(unmarked(new URL(plain)).href).toBe(plain);
    }
  });
});
