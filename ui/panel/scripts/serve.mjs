// Builds the panel on its fake backend and serves it as the shell serves the real one: under a strict policy.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { build, preview } from 'vite';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Builds, serves on a free loopback port; resolves to the addresses of its pages and a way to stop. */
export async function serveFake() {
  await build({ root, mode: 'fake', logLevel: 'error' });
  const server = await preview({
    root,
    mode: 'fake',
    logLevel: 'error',
    build: { outDir: '../../target/panel-fake' },
    preview: { host: '127.0.0.1', port: 0, strictPort: false },
  });
  const { port } = server.httpServer.address();
  const at = `http://127.0.0.1:${port}`;
  return { url: `${at}/fake.html`, status: `${at}/status.html`, app: `${at}/fake-app.html`, close: () => server.close() };
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
