/** `<killcord-status>` in a real browser, under a strict policy: every state, by role and words. */
import axeCore from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { launch, serveFake } from '../scripts/serve.mjs';
import { STATES } from '../src/dev/states';

let browser: Browser;
let server: Awaited<ReturnType<typeof serveFake>>;
let page: Page;
let problems: string[];

const box = (state: string) => page.locator(`killcord-status [part~="${state}"]`);
/** The part that a scene settles in. */
const PARTS: Record<string, string> = {
  refused: 'connecting', armed: 'live', not_safe: 'live', taken_over: 'taken-over', take_over: 'warning',
  lost_observer: 'lost', report: 'stopping', report_not_safe: 'ended', ended_idle: 'ended', host_stopping: 'ended',
};

async function open(state: string, more = ''): Promise<void> {
  page = await browser.newPage({ viewport: { width: 900, height: 600 }, colorScheme: 'light', reducedMotion: 'reduce' });
  problems = [];
  page.on('console', (message) => void (message.type() === 'error' && problems.push(message.text())));
  page.on('pageerror', (error) => problems.push(String(error)));
  await page.goto(`${server.status}?state=${state}${more}`);
  await box(PARTS[state] ?? state).waitFor();
}

beforeAll(async () => {
  server = await serveFake();
  browser = await launch();
}, 120_000);
afterEach(async () => {
  await page.close();
  expect(problems).toEqual([]);
});
afterAll(async () => {
  await browser?.close();
  await server?.close();
});

async function axe(): Promise<string[]> {
  return page.evaluate(async () => {
    const { violations } = await (window as unknown as { axe: typeof axeCore }).axe.run();
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
  });
}

describe.each(Object.keys(STATES))('the state %s', (state) => {
  it('has nothing for axe to find, light and dark, and fits a phone', async () => {
    await open(state);
    await page.evaluate(axeCore.source);
    expect(await axe()).toEqual([]);
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.setViewportSize({ width: 360, height: 640 });
    expect(await axe()).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
    for (const button of await page.getByRole('button').all()) {
      expect((await button.boundingBox())!.height).toBeGreaterThanOrEqual(44);
    }
  });
});

describe('what is said', () => {
  it('is a status, and an alert once it is overdue or the host stops', async () => {
    for (const [state, role] of [['live', 'status'], ['lost', 'status'], ['overdue', 'alert'], ['stopping', 'alert']] as const) {
      await page?.close();
      await open(state);
      expect(await page.getByRole(role).locator('[part~="title"]').count()).toBe(1);
    }
  });

  it('counts down without taking the focus from the button that stops it', async () => {
    await open('warning');
    const stay = page.getByRole('button', { name: 'Stay' });
    await stay.focus();
    const before = await page.getByText('This session ends in').textContent();
    await page.waitForFunction(
      (text) => document.querySelector('killcord-status')?.shadowRoot?.querySelector('.countdown')?.textContent !== text,
      before,
    );
    expect(await page.evaluate(() => document.activeElement?.shadowRoot?.activeElement?.textContent)).toBe('Stay');
    await page.keyboard.press('Enter');
    await box('live').waitFor();
  });

  it('leads from the host’s countdown to a time that the page cannot confirm', async () => {
    await open('lost');
    await page.getByText(/made safe: [1-5] s\./).waitFor();
    await page.getByRole('alert').getByText('was to be made safe by').waitFor();
    await page.getByText('this page cannot confirm it').waitFor();
  });

  it('can be the author’s, and what is known of the bench stays', async () => {
    await open('lost', '&own');
    await page.getByText('Our own words').waitFor();
    expect(await page.getByText('Connection lost').isVisible()).toBe(false);
    await page.getByText('this page cannot confirm it').waitFor();
  });

  it('are the rig’s words too, as the host made them', async () => {
    await open('host_stopping');
    await page.locator('killcord-status strong').getByText('Do not touch it.').waitFor();
    await page.getByText('connects by itself').waitFor();
    await page.close();
    await open('overdue');
    await page.getByText(/silent since \d\d:\d\d:\d\d, hardware not known: this page cannot confirm it\./).waitFor();
  });
});

it('a page that never connects is not told that all is well', async () => {
  await open('live');
  await page.evaluate(() => {
    Reflect.deleteProperty(globalThis, Symbol.for('killcord.client'));
    document.querySelector('killcord-status')?.replaceWith(document.createElement('killcord-status'));
  });
  await page.getByText('treat the bench as live').waitFor();
});

it('an observer takes control', async () => {
  await open('taken_over');
  await page.getByRole('button', { name: 'Take control' }).click();
  await box('live').waitFor();
});
