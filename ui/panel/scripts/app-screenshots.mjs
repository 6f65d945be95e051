// Pictures of the page around a wrapped app, light and dark, wide and narrow: `npm run screenshots:app [SCENE…]`.
// Into target/screenshots/app.
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { launch, serveFake } from './serve.mjs';

const out = fileURLToPath(new URL('../../../target/screenshots/app/', import.meta.url));
const scenes = ['ready', 'starting', 'exited', 'never', 'silent', 'warning', 'lost', 'overdue', 'teardown', 'ended'];
const wanted = process.argv.slice(2);
const sizes = { wide: { width: 1280, height: 800 }, narrow: { width: 390, height: 844 } };

await mkdir(out, { recursive: true });
const server = await serveFake();
const browser = await launch();
try {
  for (const [size, viewport] of Object.entries(sizes)) {
    for (const colorScheme of ['light', 'dark']) {
      const page = await browser.newPage({ viewport, colorScheme, reducedMotion: 'reduce' });
      for (const scene of scenes.filter((name) => wanted.length === 0 || wanted.includes(name))) {
        await page.goto(server.app(scene));
        await page.locator('killcord-status [part~="box"]').first().waitFor();
        await page.waitForTimeout(1_600);
        await page.screenshot({ path: `${out}${scene}-${size}-${colorScheme}.png` });
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
