import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build, type Rollup } from 'vite';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');

it('weighs less than 20 kB gzipped, with the way to the native window', async () => {
  const result = await build({
    root,
    logLevel: 'error',
    build: {
      write: false,
      target: 'es2022',
      lib: { entry: ['src/index.ts', 'src/tauri.ts'], formats: ['es'] },
    },
  });
  const outputs = (Array.isArray(result) ? result : [result]) as Rollup.RollupOutput[];
  const code = outputs.flatMap(({ output }) => output.map((file) => (file.type === 'chunk' ? file.code : '')));
  const size = gzipSync(code.join('')).length;
  expect(size).toBeGreaterThan(1_000);
  expect(size).toBeLessThan(20_000);
});

it('knows Tauri in one file only, and no framework', () => {
  const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' });
  for (const file of files.filter((name) => name.endsWith('.ts'))) {
    const text = readFileSync(join(root, 'src', file), 'utf8');
    if (file !== 'tauri.ts') expect(text, file).not.toMatch(/from '@tauri-apps/);
    expect(text, file).not.toMatch(/from '(svelte|react|vue)/);
    expect(text, file).not.toMatch(/:\s*any\b|as any\b|<any>/);
  }
});
