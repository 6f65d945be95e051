import type { Browser } from 'playwright-core';

/** Builds the panel on its fake backend and serves it on loopback; `app` is the page around an app at another origin. */
export function serveFake(): Promise<{ url: string; status: string; app: (scene: string) => string; close: () => Promise<unknown> }>;
/** Starts Chromium. */
export function launch(): Promise<Browser>;
