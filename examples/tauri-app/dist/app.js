// The app's own part.
const { Channel, invoke } = window.__TAURI__.core;
const shown = (id) => document.getElementById(id);
shown('greeting').textContent = await invoke('greet', { name: 'bench' });

// Killcord, by its bare frames; `@killcord/client` does the same with resume, patches and words.
let epoch;
let beats = 0;
const send = (frame) => invoke('plugin:killcord|send', { frame });
const operate = (frame) => invoke('plugin:killcord|operate', { frame });
const channel = new Channel();
channel.onmessage = (frame) => {
  if (frame.epoch) epoch = frame.epoch;
  if (frame.t === 'welcome') {
    shown('state').textContent = frame.rig.state;
    setInterval(() => send({ t: 'beat', n: ++beats, visible: !document.hidden }), frame.policy.beat_ms);
  }
  if (frame.t === 'rig' && frame.state) shown('state').textContent = frame.state;
  if (frame.t === 'error') shown('said').textContent = frame.message;
};
await invoke('plugin:killcord|attach', { channel });
await operate({ t: 'hello', v: 1, nonce: crypto.randomUUID(), want: 'operator' });
shown('arm').onclick = () => operate({ t: 'arm', epoch, id: crypto.randomUUID() });
shown('stop').onclick = () => send({ t: 'stop' });
