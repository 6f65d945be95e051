function (ending) {
  const key = '__killcordEnding';
  let box = window[key];
  if (!box) {
    const host = document.createElement('div');
    host.setAttribute('role', 'alert');
    host.style.cssText = 'position:fixed;inset:0;z-index:2147483647';
    const root = host.attachShadow({ mode: 'closed' });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(`
      :host { color-scheme: light dark; }
      main { position: absolute; inset: 0; display: grid; place-content: center; gap: .75rem; padding: 2rem;
             font: 1rem/1.5 system-ui, sans-serif; background: Canvas; color: CanvasText; }
      h1 { font-size: 1.4rem; margin: 0; }
      ul { margin: 0; padding: 0; list-style: none; }
      li { display: flex; gap: 2rem; justify-content: space-between; border-bottom: 1px solid; padding: .25rem 0; }
      p { margin: 0; font-weight: 600; }
      button { font: inherit; padding: .5rem 1rem; justify-self: start; }`);
    root.adoptedStyleSheets = [sheet];
    box = window[key] = document.createElement('main');
    root.append(box);
    document.documentElement.append(host);
  }
  const element = (name, text) => Object.assign(document.createElement(name), { textContent: text });
  const devices = document.createElement('ul');
  for (const { title, state } of ending.devices) {
    const row = document.createElement('li');
    row.append(element('span', title), element('span', state));
    devices.append(row);
  }
  const unsafe = ending.done && !ending.confirmed;
  const title = unsafe ? 'Not confirmed safe' : ending.done ? 'Safe' : 'Making the hardware safe';
  box.replaceChildren(element('h1', `${ending.rig}: ${title}`), devices);
  for (const line of ending.report) box.append(element('p', line));
  if (unsafe) {
    const close = element('button', 'I have read this: close');
    close.onclick = () => window.__TAURI_INTERNALS__.invoke('plugin:killcord|acknowledge_report');
    box.append(close);
    close.focus();
  }
}
