import type { Browser } from 'playwright-core';

/** Builds the panel on its fake backend and serves it on loopback. */
export function serveFake(): Promise<{ url: string; status: string; app: string; close: () => Promise<void> }>;
/** Starts Chromium. */
export function launch(): Promise<Browser>;
