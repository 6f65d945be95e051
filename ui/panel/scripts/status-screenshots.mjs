// Pictures of every state of <killcord-status>, light and dark, wide and narrow: `npm run screenshots:status [STATE…]`.
// Into target/screenshots/status.
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { launch, serveFake } from './serve.mjs';

const out = fileURLToPath(new URL('../../../target/screenshots/status/', import.meta.url));
const states = [
  'connecting', 'refused', 'live', 'armed', 'not_safe', 'observer', 'taken_over', 'resumed', 'warning', 'take_over',
  'lost', 'overdue', 'lost_observer', 'stopping', 'report', 'report_not_safe', 'ended', 'ended_idle', 'host_stopping',
];
const wanted = process.argv.slice(2);
const widths = { wide: 900, narrow: 360 };

await mkdir(out, { recursive: true });
const server = await serveFake();
const browser = await launch();
try {
  for (const [size, width] of Object.entries(widths)) {
    for (const colorScheme of ['light', 'dark']) {
      const page = await browser.newPage({ viewport: { width, height: 400 }, colorScheme, reducedMotion: 'reduce' });
      for (const state of states.filter((name) => wanted.length === 0 || wanted.includes(name))) {
        await page.goto(`${server.status}?state=${state}`);
        const part = state === 'ended_idle' || state === 'host_stopping' ? 'ended' : state;
        const settled = { lost: 'lost', overdue: 'overdue', lost_observer: 'lost' }[part] ?? 'title';
        await page.locator(`killcord-status [part~="${settled}"]`).first().waitFor();
        await page.waitForTimeout(400);
        await page.screenshot({ path: `${out}${state}-${size}-${colorScheme}.png`, fullPage: true });
        await page.evaluate(() => sessionStorage.clear());
      }
      await page.close();
    }
  }
} finally {
  await browser.close();
  await server.close();
}
console.log(`Pictures in ${out}`);
