/** The panel in a real browser, under the policy that the shell sets: every scene, by role and name. */
import axeCore from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { launch, serveFake } from '../scripts/serve.mjs';
import { SCENES } from '../src/dev/scenes';

const WIDE = { width: 1280, height: 800 };
const NARROW = { width: 360, height: 740 };
/** Where the session is over, a safe stop could reach nobody, and is not offered. */
const OVER = ['report', 'ended'];

let browser: Browser;
let server: Awaited<ReturnType<typeof serveFake>>;
let page: Page;
let problems: string[];

async function open(scene: string): Promise<void> {
  page = await browser.newPage({ viewport: WIDE, colorScheme: 'light', reducedMotion: 'reduce' });
  problems = [];
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text());
  });
  page.on('pageerror', (error) => problems.push(String(error)));
  await page.goto(`${server.url}?fake=${scene}`);
  await page.getByRole('heading').first().waitFor();
  if (scene === 'lost') await page.getByText('No answer since').waitFor();
}

const button = (name: string) => page.getByRole('button', { name, exact: true });
const state = () => page.getByRole('status', { name: 'State of the rig' });

beforeAll(async () => {
  server = await serveFake();
  browser = await launch();
}, 120_000);
afterEach(async () => {
  await page.close();
  // The content security policy, a missing file, an exception: none of them goes unseen.
  expect(problems).toEqual([]);
});
afterAll(async () => {
  await browser?.close();
  await server?.close();
});

/** What axe finds, in short. */
async function axe(): Promise<string[]> {
  return page.evaluate(async () => {
    const { violations } = await (window as unknown as { axe: typeof axeCore }).axe.run();
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
  });
}

describe.each(Object.keys(SCENES))('the scene %s', (scene) => {
  it('has nothing for axe to find, light and dark, and fits a narrow screen', async () => {
    await open(scene);
    await page.evaluate(axeCore.source);
    expect(await axe()).toEqual([]);
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.setViewportSize(NARROW);
    expect(await axe()).toEqual([]);
    const excess = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(excess).toBeLessThanOrEqual(0);
    if (OVER.includes(scene)) return;
    const box = await button('Safe stop').boundingBox();
    expect(box!.y + box!.height).toBeLessThanOrEqual(NARROW.height);
    expect(box!.height).toBeGreaterThanOrEqual(48);
  });
});

describe('arming', () => {
  it('is confirmed with what will be energised in sight, by keyboard alone', async () => {
    await open('safe');
    await button('Arm').focus();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Arm Supply bench?' });
    await dialog.getByText('Furnace').waitFor();
    expect(await dialog.getByText('Multimeter').count()).toBe(0);
    // Enter on the dialog's first focus does not arm.
    expect(await button('Cancel').evaluate((it) => it === document.activeElement)).toBe(true);
    await page.keyboard.press('Tab');
    expect(await button('Arm the rig').evaluate((it) => it === document.activeElement)).toBe(true);
    await page.keyboard.press('Enter');
    await state().getByText('Armed').waitFor();
    await dialog.waitFor({ state: 'hidden' });
  });

  it('is left by Escape', async () => {
    await open('safe');
    await button('Arm').click();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    await button('Arm').click();
    await button('Arm the rig').waitFor();
  });

  it('that cannot be says why, and offers no way round', async () => {
    await open('tripped');
    await button('Arm').click();
    await page.getByRole('dialog').getByText('Acknowledge the trip first').waitFor();
    expect(await button('Arm the rig').count()).toBe(0);
    await button('Close').click();
    await button('Acknowledge').click();
    await button('Arm').click();
    await button('Arm the rig').click();
    await state().getByText('Armed').waitFor();
  });
});

describe('the watchdog', () => {
  const text = (part: string) => page.getByText(part);

  it('is silent while it stands by', async () => {
    await open('armed');
    expect(await text('watchdog').count()).toBe(0);
  });

  it('that is missing is an alarm, with the reason and what comes of it', async () => {
    await open('no_watchdog');
    const alarm = page.getByRole('alert').filter({ hasText: 'No watchdog' });
    await alarm.getByText('killcord-watchdog is not beside this program').waitFor();
    await alarm.getByText('The rig is made safe unless').waitFor();
  });

  it('that the rig does without is said, without alarm', async () => {
    await open('watchdog_off');
    await text('This rig runs without a watchdog').waitFor();
    expect(await page.getByRole('alert').count()).toBe(0);
  });

  it('that lacks a protection says which, and what mends it', async () => {
    await open('watchdog_unprotected');
    await page.getByRole('status').filter({ hasText: 'not fully protected' }).getByText('ulimit -l').waitFor();
  });

  it('that made the rig safe is shown with its devices until that is acknowledged', async () => {
    await open('by_watchdog');
    const banner = page.getByRole('alert').filter({ hasText: 'The last run did not end cleanly' });
    await banner.getByText('; the watchdog made the rig safe').waitFor();
    await banner.getByText('first safe byte went out 8 ms later').waitFor();
    await banner.getByText('safe after 0.41 s: Bench supply, Electronic load, Furnace, Multimeter.').waitFor();
    expect(await banner.getByText('look at the bench').count()).toBe(0);
    await button('Acknowledge').click();
    await banner.waitFor({ state: 'hidden' });
  });

  it('that could not confirm a device says which, and to look', async () => {
    await open('by_watchdog_not_safe');
    await text('look at the bench before you go on').waitFor();
    await text('NOT confirmed safe by it').waitFor();
    await page.getByRole('listitem').filter({ hasText: 'Electronic load' }).getByText('Unreachable').waitFor();
  });
});

describe('the safe stop', () => {
  it('works by F12, with a dialog open', async () => {
    await open('safe');
    await button('Arm').click();
    expect(await button('Safe stop').count()).toBe(1);
    await page.keyboard.press('F12');
    await page.getByRole('dialog').getByText('Delivered', { exact: true }).waitFor();
  });

  it('works by its button in the dialog, and says so', async () => {
    await open('safe');
    await button('About').click();
    await page.getByRole('dialog').getByRole('button', { name: 'Safe stop' }).click();
    await page.getByRole('dialog').getByText('Delivered', { exact: true }).waitFor();
  });

  it('makes an armed rig safe', async () => {
    await open('armed');
    await button('Safe stop').click();
    await state().getByText('Safe', { exact: true }).waitFor();
    await page.getByText('Every device is confirmed safe.').waitFor();
  });

  it('is there while the host is ending', async () => {
    await open('teardown');
    await button('Safe stop').click();
    await page.getByText('Delivered', { exact: true }).waitFor();
  });

  it('says NOT delivered out of reach', async () => {
    await open('lost');
    await button('Safe stop').click();
    await page.getByText('NOT delivered').waitFor();
  });
});

describe('controls', () => {
  it('take a number by Enter, and say what is wrong with another', async () => {
    await open('armed');
    const field = page.getByRole('textbox', { name: 'Voltage setpoint' });
    await field.fill('40');
    await field.press('Enter');
    await page.getByText('Out of range: 0 to 12.5 V.').waitFor();
    expect(await field.getAttribute('aria-invalid')).toBe('true');
    await field.fill('5,5');
    await field.press('Enter');
    const group = page.getByRole('group', { name: 'Voltage setpoint' });
    await group.getByText('5.5 V').first().waitFor();
    expect(await field.inputValue()).toBe('');
  });

  it('that need an armed rig are disabled, with the reason', async () => {
    await open('safe');
    const field = page.getByRole('textbox', { name: 'Voltage setpoint' });
    expect(await field.isDisabled()).toBe(true);
    const reason = await field.evaluate((it) =>
      document.getElementById(it.getAttribute('aria-describedby') ?? '')?.textContent.trim(),
    );
    expect(reason).toBe('Arm the rig to use this.');
  });

  it('set a choice', async () => {
    await open('armed');
    await page.getByRole('combobox', { name: 'Mode' }).selectOption('POW');
    await button('Set Mode').click();
    await page.getByRole('group', { name: 'Mode' }).getByText('POW', { exact: true }).first().waitFor();
  });
});

it('a dialog that is opened again before its close was told stays open', async () => {
  await open('safe');
  await button('Arm').click();
  await page.getByRole('button', { name: 'Arm the rig' }).waitFor();
  const left = await page.evaluate(async () => {
    const named = (name: string) =>
      [...document.querySelectorAll('button')].find((it) => it.textContent?.trim() === name);
    const dialog = document.querySelector('dialog[open]') as HTMLDialogElement;
    const told = new Promise((done) => dialog.addEventListener('close', done, { once: true }));
    named('Cancel')?.click();
    // The page has drawn, and the browser's own word for it is still under way.
    for (let n = 0; dialog.open && n < 100; n += 1) await Promise.resolve();
    named('Arm')?.click();
    await told;
    await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
    return dialog.open;
  });
  expect(left).toBe(true);
});

it('a browser whose language is none (LANG=C in WebKitGTK) shows the panel all the same', async () => {
  page = await browser.newPage({ viewport: WIDE });
  problems = [];
  page.on('pageerror', (error) => problems.push(String(error)));
  await page.addInitScript(() => {
    Object.defineProperty(Navigator.prototype, 'language', { get: () => 'C', configurable: true });
  });
  await page.goto(`${server.url}?fake=armed`);
  await state().getByText('Armed').waitFor();
});

describe('in a browser', () => {
  async function openPage(scene: string): Promise<void> {
    await open(`${scene}&page`);
    await page.evaluate(axeCore.source);
    expect(await axe()).toEqual([]);
  }

  it('signing out is asked about, with a safe stop at hand', async () => {
    await openPage('armed');
    await button('Sign out').click();
    const dialog = page.getByRole('dialog', { name: 'Sign out?' });
    expect(await dialog.getByRole('button', { name: 'Cancel' }).evaluate((it) => it === document.activeElement)).toBe(true);
    expect(await button('Safe stop').count()).toBe(1);
    expect(await axe()).toEqual([]);
    await dialog.getByRole('button', { name: 'Sign out' }).click();
    await page.getByText('The page was closed.').waitFor();
    expect(await button('Sign out').count()).toBe(0);
  });

  it('the report speaks of no window, and waits for the next host', async () => {
    await openPage('report');
    await page.getByText('connects by itself').waitFor();
    expect(await page.getByText('window closes').count()).toBe(0);
    expect(await button('Close').count()).toBe(0);
  });

  it('the native window has no sign-out', async () => {
    await open('armed');
    expect(await button('Sign out').count()).toBe(0);
  });
});

describe('the sessions page', () => {
  const dialog = (name: RegExp | string) => page.getByRole('dialog', { name });
  const row = (name: string) => page.getByRole('list', { name: 'Attached' }).getByRole('listitem').filter({ hasText: name });

  it('is opened from the bench, read out by its heading, and left by the browser’s own way back', async () => {
    await open('armed&page');
    await button('Sessions').click();
    expect(await page.getByRole('heading', { name: 'Sessions' }).evaluate((it) => it === document.activeElement)).toBe(true);
    await row('Session 1').getByText('This page').waitFor();
    await page.goBack();
    await page.getByRole('heading', { name: 'Bench supply' }).waitFor();
    await button('Sessions').click();
    await button('Back to the bench').click();
    await page.getByRole('heading', { name: 'Bench supply' }).waitFor();
    expect(await button('Sessions').evaluate((it) => it === document.activeElement)).toBe(true);
    expect(page.url()).toContain('fake=armed');
  });

  it('gives control after a question, with a safe stop at hand', async () => {
    await open('sessions');
    await button('Give control to session 4, lab-tablet').click();
    await page.evaluate(axeCore.source);
    expect(await axe()).toEqual([]);
    expect(await button('Safe stop').count()).toBe(1);
    expect(await button('Cancel').evaluate((it) => it === document.activeElement)).toBe(true);
    await dialog(/^Give control to session 4/).getByRole('button', { name: 'Give control' }).click();
    await page.getByText('You are observing').waitFor();
    expect(await page.getByRole('button', { name: /^Give control/ }).count()).toBe(0);
  });

  it('offers control to nobody who cannot take it', async () => {
    await open('sessions');
    await row('lab-tablet').first().waitFor();
    for (const name of ['wall-display', 'browser-c05b91aa']) {
      expect(await row(name).getByRole('button', { name: /^Give control/ }).count()).toBe(0);
    }
  });

  it('takes control by force only after a question', async () => {
    await open('sessions_asks');
    await button('Take it now').click();
    await dialog('Take control without asking?').getByText('in the middle of whatever they do').waitFor();
    await button('Take control now').click();
    await page.getByText('This page is in control.').waitFor();
  });

  it('says of a release what the rig does then', async () => {
    await open('sessions');
    await button('Release control').click();
    await dialog('Release control?').getByText('By its rules the rig is then made safe').waitFor();
    await page.keyboard.press('Escape');
    await dialog('Release control?').waitFor({ state: 'hidden' });
  });

  it('ends a session, and revokes a key with everybody whom it let in', async () => {
    await open('sessions');
    await button('End session 4, lab-tablet').click();
    await button('End the session').click();
    await row('Session 4').waitFor({ state: 'hidden' });
    await button('Revoke lab-tablet').click();
    await dialog('Revoke lab-tablet?').getByText('Chrome on Android (browser-77e2d410), Safari on iPhone (browser-c05b91aa)').waitFor();
    await dialog('Revoke lab-tablet?').getByRole('button', { name: 'Revoke' }).click();
    await button('Revoke lab-tablet').waitFor({ state: 'hidden' });
  });

  it('makes a link with its role, its code for a camera, its time, and what to compare', async () => {
    await open('sessions');
    await page.getByRole('radio', { name: 'operate the rig' }).check();
    await button('Make a link').click();
    await page.getByText('Lets one browser operate, once.').waitFor();
    await page.getByText(/Time left: (10:00|9:5\d)/).waitFor();
    await page.getByText('compare the SHA-256 fingerprint').waitFor();
    expect(await page.getByRole('textbox', { name: 'Link' }).inputValue()).toContain('/killcord/pair#');
    await page.emulateMedia({ colorScheme: 'dark' });
    const fills = await page.getByRole('img', { name: 'QR code of the link' }).evaluate((it) => [...it.children].map((part) => getComputedStyle(part).fill));
    expect(fills).toEqual(['rgb(255, 255, 255)', 'rgb(0, 0, 0)']);
  });

  it('says when a link is over', async () => {
    await open('sessions_link_over');
    await page.getByText('This link is over').waitFor();
    expect(await page.getByRole('textbox', { name: 'Link' }).count()).toBe(0);
  });

  it('shows observers the list, and nothing of who is let in', async () => {
    await open('sessions_observer');
    await page.getByText('let in to observe').waitFor();
    expect(await page.getByRole('heading', { name: 'Let somebody in' }).count()).toBe(0);
    expect(await page.getByRole('button', { name: /control|^End|^Revoke/ }).count()).toBe(0);
  });

  it('says that its list is old when the host does not answer', async () => {
    await open('sessions_silent');
    await page.getByRole('alert').getByText('The list could not be fetched. No answer from the host.').waitFor();
    await page.getByText(/As of \d\d:\d\d:\d\d, \d+ s ago/).waitFor({ timeout: 15_000 });
    await row('Session 4').getByText('over, unless it was heard since').waitFor();
  });

  it('of the native window says what lets a browser in, where none is', async () => {
    await open('sessions_window');
    await page.getByText('write a section [remote] into its rig file').waitFor();
    expect(await page.getByRole('list', { name: 'Attached' }).getByRole('listitem').count()).toBeGreaterThan(0);
    expect(await button('Make a link').count()).toBe(0);
  });
});

describe('words', () => {
  it('of a report name what to check by hand, and Close asks the shell', async () => {
    await open('report');
    await page.getByRole('heading', { name: 'NOT confirmed safe: check by hand' }).waitFor();
    await page.getByText('Check by hand: the input of the load is off').waitFor();
    await button('Close').click();
    await page.getByText('The window did not close').waitFor();
  });

  it('never speak of an emergency stop as something that this is', async () => {
    for (const scene of ['safe', 'armed', 'teardown']) {
      await page?.close();
      await open(scene);
      const text = await page.evaluate(() => document.body.innerText.toLowerCase());
      expect(text).not.toContain('emergency');
    }
  });

  it('of an observer offer control', async () => {
    await open('observer');
    await button('Take control').click();
    await page.getByText('You are observing').waitFor({ state: 'hidden' });
  });
});
