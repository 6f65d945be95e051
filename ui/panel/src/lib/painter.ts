/**
 * Draws charts without ever holding up the page: due ones in turn, a few milliseconds a frame.
 *
 * A strip chart that has not moved by a pixel is not due, so a hundred of them cost little.
 */

/** Something that draws itself. */
export interface Paintable {
  /** Whether drawing it now would change what is seen. */
  due(now: number): boolean;
  /** Draws it. */
  paint(now: number): void;
}

/** Milliseconds of drawing in one frame; the rest of the 16 belongs to the page. */
const BUDGET = 6;

export class Painter {
  readonly #frame: (work: (now: number) => void) => void;
  readonly #clock: () => number;
  readonly #before: ((now: number) => boolean)[] = [];
  #charts: Paintable[] = [];
  #asked = false;

  constructor(frame: (work: (now: number) => void) => void, clock: () => number) {
    this.#frame = frame;
    this.#clock = clock;
  }

  /** `work` runs at the start of each frame; true asks for another. */
  first(work: (now: number) => boolean): void {
    this.#before.push(work);
  }

  /** Adds a chart; the returned function takes it away. */
  add(chart: Paintable): () => void {
    this.#charts.push(chart);
    this.request();
    return () => void (this.#charts = this.#charts.filter((other) => other !== chart));
  }

  /** Asks for one frame; asking twice is asking once. */
  request(): void {
    if (this.#asked) return;
    this.#asked = true;
    this.#frame((now) => this.#run(now));
  }

  #run(now: number): void {
    this.#asked = false;
    let more = false;
    for (const work of this.#before) more = work(now) || more;
    const began = this.#clock();
    let done = 0;
    for (const chart of this.#charts) {
      if (this.#clock() - began > BUDGET) {
        more = true;
        break;
      }
      done += 1;
      if (chart.due(now)) chart.paint(now);
    }
    // Those that had no turn are first in the next frame.
    this.#charts.push(...this.#charts.splice(0, done));
    if (more) this.request();
  }
}
