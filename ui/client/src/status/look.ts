/** How `<killcord-status>` looks: one style sheet, and the shapes. Light and dark follow the page's `color-scheme`. */
import type { Shape } from './view';

/** A colour for light pages and one for dark ones; a page may set its own. */
const colour = (name: string, light: string, dark: string): string =>
  `--${name}: var(--killcord-${name}, light-dark(${light}, ${dark}));`;

export const STYLE = `
:host {
  display: block;
  container-type: inline-size;
  font: 400 0.9375rem/1.45 system-ui, sans-serif;
  ${colour('surface', '#f7f8f5', '#2c3235')}
  ${colour('ink', '#171b1d', '#e9edea')}
  ${colour('muted', '#4b5356', '#a6b0ab')}
  ${colour('line', '#b6bcb7', '#4a5256')}
  ${colour('edge', '#767f7b', '#8b9691')}
  ${colour('focus', '#0b57a4', '#7cc0ff')}
  ${colour('good', '#14663a', '#6fd49b')}
  ${colour('busy', '#0f4f86', '#8cc4ff')}
  ${colour('warn', '#8f4700', '#ffb454')}
  ${colour('danger', '#a5160f', '#ff8d80')}
}
:host([hidden]) { display: none; }
* { box-sizing: border-box; margin: 0; padding: 0; }
.box {
  --tone: var(--muted);
  display: grid;
  grid-template-columns: auto minmax(0, 1fr) auto;
  gap: 0.5rem 0.9rem;
  align-items: start;
  padding: 0.7rem 1rem;
  background: var(--surface);
  color: var(--ink);
  border: 1px solid var(--line);
  border-inline-start: 6px solid var(--tone);
  border-radius: 4px;
  overflow-wrap: anywhere;
}
.good { --tone: var(--good); }
.busy { --tone: var(--busy); }
.warn { --tone: var(--warn); }
.danger { --tone: var(--danger); }
.box.danger { border-color: var(--danger); }
svg { display: block; color: var(--tone); }
path, circle { fill: none; stroke: currentColor; stroke-width: 2.2; stroke-linecap: round; stroke-linejoin: round; }
.words { display: grid; gap: 0.25rem; align-self: center; }
.title { font-weight: 700; }
.countdown { font-weight: 700; font-variant-numeric: tabular-nums; }
.own > * + * { margin-top: 0.25rem; }
.own:empty, .countdown:empty { display: none; }
.side { display: flex; flex-wrap: wrap; gap: 0.5rem 0.9rem; align-items: center; justify-content: end; align-self: center; }
.rig { color: var(--muted); white-space: nowrap; }
.rig b { color: var(--ink); }
ul { display: grid; gap: 0.4rem; margin-top: 0.4rem; list-style: none; }
li { display: grid; grid-template-columns: minmax(0, 2fr) minmax(0, 1fr) minmax(0, 2fr); gap: 0 0.75rem; padding-top: 0.4rem; border-top: 1px solid var(--line); }
li b { color: var(--tone); }
li .doing { color: var(--muted); }
li .remark { grid-column: 1 / -1; }
button {
  min-height: 2.75rem;
  padding: 0.35rem 1.1rem;
  border: 1px solid var(--edge);
  border-radius: 4px;
  background: transparent;
  color: inherit;
  font: inherit;
  font-weight: 700;
  cursor: pointer;
}
button.strong { background: var(--ink); border-color: var(--ink); color: var(--surface); }
button:disabled { color: var(--muted); border-style: dashed; cursor: not-allowed; }
button:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; }
.turning { transform-origin: 12px 12px; animation: turn 3s linear infinite; }
@keyframes turn { to { transform: rotate(1turn); } }
@media (prefers-reduced-motion: reduce) { .turning { animation: none; } }
@container (max-width: 30rem) {
  .box { grid-template-columns: auto minmax(0, 1fr); padding: 0.7rem 0.75rem; }
  .side { grid-column: 1 / -1; justify-content: space-between; }
  .side:empty { display: none; }
  .side.acts button { flex: 1 1 auto; }
  li { grid-template-columns: minmax(0, 1fr) auto; }
  li .doing { grid-column: 1 / -1; }
}
`;

/** Paths in a square of 24; a leading `~` is drawn dashed and turning. */
const PATHS: Record<Shape, readonly string[]> = {
  turning: ['~M12 3a9 9 0 1 0 9 9', 'M12 11v2'],
  shield: ['M12 2.5 20 5.5v6c0 5-3.4 8.6-8 10-4.6-1.4-8-5-8-10v-6z', 'm8 12 3 3 5.5-6'],
  armed: ['M12 2.5 22.5 21h-21z', 'm13 8-4 6h3.4l-.8 4 4-6h-3.4z'],
  person: ['M12 11.5a4 4 0 1 0 0-8 4 4 0 0 0 0 8', 'M4 21c.6-4.6 3.7-7 8-7s7.4 2.4 8 7'],
  clock: ['M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18', 'M12 6.5V12l4 2.5'],
  unknown: ['M12 1.5 22.5 12 12 22.5 1.5 12z', 'M9.2 9.6a2.9 2.9 0 1 1 4.2 2.6c-.9.5-1.4 1-1.4 1.9m0 2.6v.2'],
  down: ['M12 2.5v12m-5.5-5 5.5 5.5 5.5-5.5M4 20.5h16'],
  alert: ['M8 1.5h8L22.5 8v8L16 22.5H8L1.5 16V8z', 'M12 6v7.5M12 17v.6'],
  ended: ['M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18', 'M7.5 12h9'],
};

const SVG = 'http://www.w3.org/2000/svg';

/** The shape as an image that only eyes see: the words beside it say the same. */
export function drawn(shape: Shape): SVGElement {
  const svg = document.createElementNS(SVG, 'svg');
  for (const [name, value] of [['viewBox', '0 0 24 24'], ['width', '24'], ['height', '24'], ['aria-hidden', 'true']] as const) {
    svg.setAttribute(name, value);
  }
  for (const text of PATHS[shape]) {
    const path = document.createElementNS(SVG, 'path');
    path.setAttribute('d', text.replace('~', ''));
    if (text.startsWith('~')) path.setAttribute('class', 'turning');
    svg.append(path);
  }
  return svg;
}
