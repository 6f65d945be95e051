import { svelte } from '@sveltejs/vite-plugin-svelte';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** What the shell serves the panel under: nothing inline, nothing from elsewhere. */
const csp = "default-src 'self'; style-src 'self'; script-src 'self'; frame-src http://127.0.0.1:*";

const standalone = fileURLToPath(new URL('../client/src/standalone.ts', import.meta.url));

/** `--mode fake` builds the panel on a fake backend, for screenshots and tests; never the production build. */
export default defineConfig(({ mode }) => ({
  base: './',
  plugins: [svelte({ configFile: false })],
  build: {
    outDir: mode === 'fake' ? '../../target/panel-fake' : 'dist',
    emptyOutDir: true,
    // A font as a data: URL would need a wider policy.
    assetsInlineLimit: 0,
    target: 'es2022',
    rollupOptions: {
      input: mode === 'fake' ? ['fake.html', 'status.html', 'fake-app.html'] : ['index.html', 'app.html', 'pair.html', standalone],
      // `client.js` is imported by pages that others write: its name and its exports stay.
      preserveEntrySignatures: 'exports-only',
      output: {
        entryFileNames: ({ facadeModuleId }) =>
          facadeModuleId === standalone ? 'client.js' : 'assets/[name]-[hash].js',
      },
    },
  },
  preview: { headers: { 'Content-Security-Policy': csp } },
  test: { include: ['test/**/*.test.ts'], environment: 'node', testTimeout: 20_000 },
}));
