/** Signs this browser out from the page. */
import type { Killcord } from '@killcord/client';

/** Asks the host to let this browser in no more; where it does not, the page says goodbye by itself. */
export async function signOut(client: Killcord, unpair: () => Promise<boolean>): Promise<void> {
  const left = await unpair().catch(() => false);
  // The host's own word for it comes as a frame.
  if (!left) await client.end();
}
