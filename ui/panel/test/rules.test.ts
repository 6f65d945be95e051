import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, type Rollup } from 'vite';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');
const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.(ts|svelte)$/.test(name))
  .map((name) => ({ name, text: readFileSync(join(root, 'src', name), 'utf8') }));

describe.each(sources)('$name', ({ name, text }) => {
  it('keeps the house rules', () => {
    if (name.endsWith('.svelte')) expect(text.split('\n').length).toBeLessThanOrEqual(151);
    // A strict policy blocks style attributes; the client is the only way to the host.
    expect(text).not.toMatch(/\sstyle="/);
    expect(text).not.toMatch(/@tauri-apps|\binvoke\(/);
    expect(text).not.toMatch(/:\s*any\b|as any\b|<any>/);
    if (name.endsWith('.svelte.ts')) expect(text).not.toMatch(/\b(document|window)\.\w/);
  });
});

it('builds to files of its own alone: nothing inline, nothing fake, nothing from elsewhere', async () => {
  const built = (await build({ root, logLevel: 'error', build: { write: false } })) as Rollup.RollupOutput;
  const text = built.output
    .map((file) => (file.type === 'chunk' ? file.code : file.source))
    .filter((part) => typeof part === 'string')
    .join('\n');
  expect(built.output.some(({ fileName }) => fileName === 'index.html')).toBe(true);
  expect(text).not.toContain('HAMEG');
  expect(text).not.toMatch(/<script>|<style|url\(\s*["']?(https?:)?\/\//);
  expect(text).not.toMatch(/(src|href)="\//);
});
