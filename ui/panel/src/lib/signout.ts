/** Ends this browser's session from the page. */
import type { Killcord } from '@killcord/client';

/** Asks the host to end the session as signed out; where it does not, the page says goodbye by itself. */
export async function signOut(
  client: Killcord,
  remove: (session: number) => Promise<boolean>,
): Promise<void> {
  const { id } = client.model;
  const ended = id !== null && (await remove(id).catch(() => false));
  // The host's own word for it comes as a frame.
  if (!ended) await client.end();
}
