// Builds the panel on its fake backend and serves it as the shell serves the real one: under a strict policy.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { build, preview } from 'vite';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Serves what was built on a free loopback port. */
async function serve() {
  const server = await preview({
    root,
    mode: 'fake',
    logLevel: 'error',
    build: { outDir: '../../target/panel-fake' },
    preview: { host: '127.0.0.1', port: 0, strictPort: false },
  });
  const { port } = server.httpServer.address();
  return { at: `http://127.0.0.1:${port}`, close: () => server.close() };
}

/** Builds and serves, what is framed at an origin of its own; resolves to the addresses of its pages and a way to stop. */
export async function serveFake() {
  await build({ root, mode: 'fake', logLevel: 'error' });
  const [own, framed] = [await serve(), await serve()];
  return {
    url: `${own.at}/fake.html`,
    status: `${own.at}/status.html`,
    app: (scene) => `${own.at}/fake-app.html?${new URLSearchParams({ fake: scene, app: framed.at })}`,
    close: () => Promise.all([own.close(), framed.close()]),
  };
}

/** Starts Chromium; `CHROMIUM` names another than the system's. */
export function launch() {
  const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
  if (!existsSync(executablePath)) {
    throw new Error(`No Chromium at ${executablePath}: install it, or name it with CHROMIUM=PATH.`);
  }
  // People's browsers keep pages that are left.
  const ignoreDefaultArgs = ['--disable-back-forward-cache'];
  return chromium.launch({ executablePath, args: ['--no-sandbox'], ignoreDefaultArgs });
}
