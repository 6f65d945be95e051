import type { ControlView, Outcome } from '@killcord/client';
import { describe, expect, it } from 'vitest';
import { Entry, parsed, problem } from '../src/state/entry.svelte';

const control: ControlView = {
  name: 'v', title: 'Voltage', unit: 'V', needs: 'armed', setpoint: null, readback: null,
  kind: { kind: 'number', min: -1, max: 12.5 },
};

describe('what a person enters', () => {
  it.each([
    ['12', 12], [' 1,5 ', 1.5], ['-.5', -0.5], ['−2', -2], ['1e3', 1000], ['+4.', 4],
    ['', null], ['12V', null], ['1.2.3', null], ['0x10', null], ['Infinity', null], ['NaN', null], ['--1', null],
  ])('%j is read as %j', (text, value) => {
    expect(parsed(text)).toBe(value);
  });

  it('is checked at the exact limits', () => {
    expect(problem(control, '12.5')).toBeNull();
    expect(problem(control, '-1')).toBeNull();
    expect(problem(control, '12.51')).toBe('Out of range: −1 to 12.5 V.');
    expect(problem(control, '-1.01')).toBe('Out of range: −1 to 12.5 V.');
    expect(problem(control, 'much')).toBe('Enter a number, −1 to 12.5 V.');
  });
});

describe('an entry', () => {
  function entry(outcome: Outcome): { entry: Entry; sent: unknown[] } {
    const sent: unknown[] = [];
    return { entry: new Entry((value) => (sent.push(value), Promise.resolve(outcome))), sent };
  }

  it('is sent and cleared once it was done', async () => {
    const { entry: one, sent } = entry({ ok: true });
    one.text = '5';
    await one.submit(control);
    expect(sent).toEqual([5]);
    expect(one).toMatchObject({ text: '', message: null, busy: false });
  });

  it('out of range does not leave the page', async () => {
    const { entry: one, sent } = entry({ ok: true });
    one.text = '13';
    await one.submit(control);
    expect(sent).toEqual([]);
    expect(one).toMatchObject({ text: '13', message: 'Out of range: −1 to 12.5 V.' });
  });

  it('that was refused stays, with the reason', async () => {
    const { entry: one } = entry({ ok: false, code: 'not_armed', message: 'Arm the rig first.' });
    one.text = '5';
    await one.submit(control);
    expect(one).toMatchObject({ text: '5', message: 'Arm the rig first.' });
  });

  it('is sent once while the answer is out', async () => {
    let answer: (outcome: Outcome) => void = () => {};
    let sent = 0;
    const one = new Entry(() => {
      sent += 1;
      return new Promise((done) => (answer = done));
    });
    const first = one.send(true);
    expect(await one.send(true)).toBe(false);
    answer({ ok: true });
    expect(await first).toBe(true);
    expect(sent).toBe(1);
  });
});
