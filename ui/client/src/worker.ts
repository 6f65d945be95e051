/** The worker that holds the socket: a file of its own, for a strict policy forbids workers from strings. */
import { browserAround, Line, type Order } from './line';
import { queueFor, type LockOrder } from './lock';

const line = new Line((report) => postMessage(report), browserAround());

addEventListener('message', ({ data }: MessageEvent<Order | LockOrder>) => {
  if (data.o === 'lock') queueFor(data.name);
  else line.take(data);
});
