// Builds the panel on its fake backend and serves it as the shell serves the real one: under a strict policy.
import { fileURLToPath } from 'node:url';
import { build, preview } from 'vite';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Builds, serves on a free loopback port; resolves to the address of `fake.html` and a way to stop. */
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
  return { url: `http://127.0.0.1:${port}/fake.html`, close: () => server.close() };
}

/** Where Chromium is; `CHROMIUM` names another. */
export const chromiumPath = process.env.CHROMIUM ?? '/usr/bin/chromium';
