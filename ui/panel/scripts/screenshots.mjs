// Pictures of every scene, light and dark, wide and narrow: `npm run screenshots [SCENE…]`, into target/screenshots.
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { launch, serveFake } from './serve.mjs';

const out = fileURLToPath(new URL('../../../target/screenshots/', import.meta.url));
const scenes = [
  'safe', 'armed', 'opening', 'tripped', 'unclean', 'not_safe', 'observer', 'warned', 'making_safe',
  'by_watchdog', 'by_watchdog_not_safe', 'no_watchdog', 'watchdog_off', 'watchdog_unprotected',
  'sessions', 'sessions_observer', 'sessions_asks', 'sessions_silent', 'sessions_link', 'sessions_link_over', 'sessions_window',
  'teardown', 'report', 'lost', 'ended', 'many',
];
const wanted = process.argv.slice(2);
const sizes = { wide: { width: 1280, height: 800 }, narrow: { width: 360, height: 740 } };

await mkdir(out, { recursive: true });
const server = await serveFake();
const browser = await launch();
try {
  for (const [size, viewport] of Object.entries(sizes)) {
    for (const colorScheme of ['light', 'dark']) {
      const page = await browser.newPage({ viewport, colorScheme, reducedMotion: 'reduce' });
      const shoot = (name) => page.screenshot({ path: `${out}${name}-${size}-${colorScheme}.png`, fullPage: !name.includes('dialog') && name !== 'about' });
      for (const scene of scenes.filter((name) => wanted.length === 0 || wanted.includes(name))) {
        await page.goto(`${server.url}?fake=${scene}`);
        await page.getByRole('heading').first().waitFor();
        if (scene === 'lost') await page.getByText('No answer since').waitFor();
        await page.waitForTimeout(600);
        await shoot(scene);
        if (scene === 'safe') {
          await page.getByRole('button', { name: 'Arm', exact: true }).click();
          await page.waitForTimeout(150);
          await shoot('arm-dialog');
          await page.getByRole('button', { name: 'Cancel' }).click();
          await page.getByRole('button', { name: 'About' }).click();
          await shoot('about');
        }
      }
      await page.close();
    }
  }
} finally {
  await browser.close();
  await server.close();
}
console.log(`Pictures in ${out}`);
