// How the panel takes 100 readings at 50 Hz: frames a second and how busy the page's thread is.
// `npm run load`; wants a machine that does nothing else.
import { launch, serveFake } from './serve.mjs';

const server = await serveFake();
const browser = await launch();
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('Performance.enable');
  await page.goto(`${server.url}?fake=many`);
  await page.getByRole('heading', { name: 'Supply 10' }).waitFor();
  await page.waitForTimeout(2_000);
  const metric = async (name) =>
    (await cdp.send('Performance.getMetrics')).metrics.find((it) => it.name === name).value;
  const measure = async (what) => {
    const [busy, script, at] = [await metric('TaskDuration'), await metric('ScriptDuration'), await metric('Timestamp')];
    const frames = await page.evaluate(
      () =>
        new Promise((done) => {
          const times = [];
          const frame = (now) => {
            times.push(now);
            if (now - times[0] < 5_000) return requestAnimationFrame(frame);
            const gaps = times.slice(1).map((time, i) => time - times[i]).sort((a, b) => a - b);
            done({
              per_second: (gaps.length / (now - times[0])) * 1000,
              p99_ms: gaps[Math.floor(gaps.length * 0.99)],
            });
          };
          requestAnimationFrame(frame);
        }),
    );
    const passed = (await metric('Timestamp')) - at;
    console.log(
      JSON.stringify({
        what,
        frames_per_second: Number(frames.per_second.toFixed(1)),
        frame_p99_ms: Number(frames.p99_ms.toFixed(1)),
        thread_busy: Number((((await metric('TaskDuration')) - busy) / passed).toFixed(3)),
        of_it_script: Number((((await metric('ScriptDuration')) - script) / passed).toFixed(3)),
      }),
    );
  };
  await measure('100 readings at 50 Hz, 1280 × 800');
} finally {
  await browser.close();
  await server.close();
}
