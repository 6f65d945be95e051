/** Builds the panel on its fake backend and serves it on loopback. */
export function serveFake(): Promise<{ url: string; close: () => Promise<void> }>;
/** Where Chromium is. */
export const chromiumPath: string;
