import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Listener, ToHost, ToPage } from '../src';

type Answer = (command: string, args: { frame?: ToHost; channel?: FakeChannel }) => unknown;
class FakeChannel {
  onmessage: (frame: ToPage) => void = () => {};
}
const calls: [string, unknown][] = [];
let answer: Answer = () => undefined;

vi.mock('@tauri-apps/api/core', () => ({
  Channel: FakeChannel,
  invoke: async (command: string, args: { frame?: ToHost; channel?: FakeChannel }) => {
    calls.push([command.replace('plugin:killcord|', ''), args?.frame?.t]);
    return answer(command, args);
  },
}));
const { askWindow, closeWindow, tauriTransport } = await import('../src/tauri');

const hello: ToHost = { t: 'hello', v: 1, nonce: 'n', want: 'operator' };
let closed = 0;
let frames: ToPage[] = [];
const listener: Listener = { frame: (frame) => frames.push(frame), closed: () => (closed += 1), beat: () => {}, presence: () => ({ visible: true, input_ms: 0 }) };

beforeEach(() => {
  calls.length = 0;
  closed = 0;
  frames = [];
  answer = () => undefined;
});

describe('the window', () => {
  it('attaches with a channel first, and hears by it', async () => {
    let channel: FakeChannel | undefined;
    answer = (_, args) => void (channel ??= args.channel);
    const connection = await tauriTransport().open(listener);
    expect(calls).toEqual([['attach', undefined]]);
    channel?.onmessage({ t: 'done', id: '1' });
    connection.close();
    channel?.onmessage({ t: 'done', id: '2' });
    expect(frames).toEqual([{ t: 'done', id: '1' }]);
  });

  it('asks what its sessions page wants by the app\'s own command', async () => {
    answer = (command, args) => [command, args];
    expect(await askWindow({ ask: 'sessions' })).toEqual(['access', { ask: { ask: 'sessions' } }]);
  });

  it('sends what only an operator may by "operate", and everything else by "send"', async () => {
    const connection = await tauriTransport().open(listener);
    await connection.send(hello);
    await connection.send({ t: 'arm', epoch: '1.1', id: 'a' });
    await connection.send({ t: 'set', epoch: '1.1', id: 'b', device: 'd', control: 'c', value: 1 });
    await connection.send({ t: 'acknowledge', epoch: '1.1' });
    await connection.send({ t: 'take_control' });
    await connection.send({ t: 'stop' });
    await connection.send({ t: 'safe' });
    await connection.send({ t: 'stay' });
    await connection.send({ t: 'beat', n: 1, visible: true });
    expect(calls.slice(1)).toEqual([
      ['operate', 'hello'], ['operate', 'arm'], ['operate', 'set'], ['operate', 'acknowledge'],
      ['operate', 'take_control'], ['send', 'stop'], ['send', 'safe'], ['send', 'stay'], ['send', 'beat'],
    ]);
  });

  it('that may not operate attaches as an observer', async () => {
    answer = (command) => {
      if (command.endsWith('operate')) throw 'killcord.operate not allowed';
    };
    const connection = await tauriTransport().open(listener);
    await connection.send(hello);
    expect(calls.slice(1)).toEqual([['operate', 'hello'], ['send', 'hello']]);
  });

  it('that the host no longer knows is closed, so that it attaches and resumes', async () => {
    const connection = await tauriTransport().open(listener);
    answer = () => {
      throw 'attach';
    };
    await expect(connection.send({ t: 'beat', n: 1, visible: true })).rejects.toBe('attach');
    expect(closed).toBe(1);
    // A refused hello is tried again by the client itself, with its pauses.
    await expect(connection.send(hello)).rejects.toBe('attach');
    expect(closed).toBe(1);
  });

  it('lets the shell close it after a report', async () => {
    await closeWindow();
    expect(calls).toEqual([['acknowledge_report', undefined]]);
  });
});
