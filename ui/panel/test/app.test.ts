/** The page around a wrapped app in a real browser, under the policy that the server sets. */
import axeCore from 'axe-core';
import type { Browser, Frame, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { launch, serveFake } from '../scripts/serve.mjs';
import { wayIn } from '../src/app/frame';
import { APP_SCENES } from '../src/dev/appscenes';

let browser: Browser;
let server: Awaited<ReturnType<typeof serveFake>>;
let page: Page;
let problems: string[];

async function open(scene: string): Promise<void> {
  page = await browser.newPage({ viewport: { width: 1280, height: 800 }, colorScheme: 'light', reducedMotion: 'reduce' });
  problems = [];
  page.on('console', (message) => void (message.type() === 'error' && problems.push(message.text())));
  page.on('pageerror', (error) => problems.push(String(error)));
  await page.goto(server.app(scene));
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
  it('is of another origin, with no way to the page or to the top of the tab', async () => {
    await open('ready');
    const inside = await app();
    const reached = await inside.evaluate(() => {
      const tries = [() => parent.document, () => top!.location.href, () => void (top!.location.href = '/gone')];
      return tries.map((attempt) => {
        try {
          attempt();
          return 'reached';
        } catch {
          return 'refused';
        }
      });
    });
    expect(reached).toEqual(['refused', 'refused', 'refused']);
    const { allow, sandbox } = await page
      .locator('iframe')
      .evaluate(({ allow, sandbox }: HTMLIFrameElement) => ({ allow, sandbox: sandbox.value }));
    expect(allow).toBe('');
    expect(sandbox).not.toContain('navigation');
    await page.getByRole('button', { name: 'Safe stop' }).waitFor();
    // The browser tells of the attempt.
    problems = problems.filter((problem) => !problem.includes('attempting navigation of the top-level window is sandboxed'));
    expect(await page.evaluate(() => Object.keys(sessionStorage))).toEqual(['killcord.resume']);
  });

  it('leaves F12 to the app while the focus is in it, and is a safe stop outside', async () => {
    await open('ready');
    await (await app()).getByRole('heading').click();
    const told = page.getByText('Delivered', { exact: true });
    await page.keyboard.press('F12');
    await page.getByRole('link', { name: 'Panel' }).focus();
    expect(await told.isVisible()).toBe(false);
    const pressed = async (): Promise<boolean> => {
      await page.keyboard.press('F12');
      return told.isVisible();
    };
    await expect.poll(pressed, { timeout: 10_000 }).toBe(true);
  });

  it('hands the person’s presence on', async () => {
    await open('ready');
    await app();
    // `page.evaluate` passes for a person's input.
    const own = await page.context().newCDPSession(page);
    const expression = 'host.sent.flatMap((frame) => (frame.t === "beat" ? [frame.input_ms ?? 0] : [])).at(-1) ?? 0';
    const away = async (): Promise<number> => {
      const { result } = await own.send('Runtime.evaluate', { expression, returnByValue: true });
      return Number(result.value);
    };
    await expect.poll(away, { timeout: 10_000 }).toBeGreaterThan(2_500);
    await page.frameLocator('iframe').getByRole('heading').click();
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

describe('the way into the app', () => {
  const given = 'http://h:8421/killcord-enter?ticket=abc';
  const ask = (): Promise<Response> => Promise.resolve(Response.json({ url: given }));

  it('leads to the path of the page below its base, the fragment included', async () => {
    for (const [here, root, to, hash] of [
      ['http://h:8420/', 'http://h:8420/killcord/', '/', ''],
      ['http://h:8420/a/b?c=%20&d=1#e', 'http://h:8420/killcord/', '/a/b?c=%20&d=1', '#e'],
      ['https://h/bench1/a', 'https://h/bench1/killcord/', '/a', ''],
    ] as const) {
      const way = await wayIn(ask, new URL(here), new URL(root));
      expect(way.href.startsWith(given)).toBe(true);
      expect([way.searchParams.get('to'), way.hash]).toEqual([to, hash]);
    }
  });

  it('is none where the host gives none', async () => {
    const refuse = (): Promise<Response> => Promise.resolve(new Response('', { status: 401 }));
    await expect(wayIn(refuse, new URL('http://h/'), new URL('http://h/killcord/'))).rejects.toThrow('401');
  });
});
