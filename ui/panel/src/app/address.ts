/** The addresses of the page and of the app that it frames: the same but for a mark. No DOM. */

/** Says that a frame asks, where the browser does not. The host takes it away; crates/server/src/proxy/head.rs. */
const MARK = 'killcord-frame';

/** `url` with the mark. */
export function marked(url: URL): URL {
  const next = new URL(url);
  if (!items(next).includes(MARK)) next.search = [...items(next), MARK].join('&');
  return next;
}

/** `url` without the mark. */
export function unmarked(url: URL): URL {
  const next = new URL(url);
  if (items(next).includes(MARK)) next.search = items(next).filter((item) => item !== MARK).join('&');
  return next;
}

function items(url: URL): string[] {
  return url.search.slice(1).split('&').filter((item) => item !== '');
}
