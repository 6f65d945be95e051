import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build, type Rollup } from 'vite';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');

it('weighs less than 20 kB gzipped: all that a page loads, worker, element and native window included', async () => {
  const result = await build({
    root,
    logLevel: 'error',
    build: {
      write: false,
      target: 'es2022',
      assetsInlineLimit: 0,
      rollupOptions: {
        input: ['src/index.ts', 'src/status/element.ts', 'src/tauri.ts'],
        preserveEntrySignatures: 'strict',
      },
    },
  });
  const outputs = (Array.isArray(result) ? result : [result]) as Rollup.RollupOutput[];
  const files = outputs.flatMap(({ output }) => output);
  expect(files.some(({ fileName }) => /worker.*\.js$/.test(fileName))).toBe(true);
  const size = files.reduce((sum, file) => sum + gzipSync(file.type === 'chunk' ? file.code : file.source).length, 0);
  expect(size).toBeGreaterThan(1_000);
  expect(size).toBeLessThan(20_000);
  // What a strict policy forbids.
  const code = files.map((file) => (file.type === 'chunk' ? file.code : String(file.source))).join('\n');
  expect(code).not.toMatch(/createObjectURL|data:(text|application)\/javascript|\beval\(|new Function/);
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
