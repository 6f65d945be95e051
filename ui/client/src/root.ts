/** Where the host's own paths lie, as the page was told. */

/**
 * The folder of the host's own paths. The host names its base path in `<meta name="killcord-base">`; without, it
 * is `/`.
 */
export function hostRoot(): URL {
  const base = document.querySelector<HTMLMetaElement>('meta[name="killcord-base"]')?.content || '/';
  return new URL('killcord/', new URL(base.endsWith('/') ? base : `${base}/`, location.origin));
}
