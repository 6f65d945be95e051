/** The recent past of one reading, in a fixed amount of memory. */

/** Points for a chart; `null` is a gap. */
export interface Points {
  readonly x: number[];
  readonly y: (number | null)[];
}

/** A ring of `(time, value)`, oldest overwritten first; `NaN` is "no value could be had". */
export class Ring {
  readonly #times: Float64Array;
  readonly #values: Float64Array;
  #end = 0;
  #length = 0;

  constructor(capacity: number) {
    this.#times = new Float64Array(capacity);
    this.#values = new Float64Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  /** Adds a value; one that is older than the newest is ignored, for a chart runs one way. */
  push(time: number, value: number): void {
    if (this.#length > 0 && time < this.#times[this.#at(this.#length - 1)]!) return;
    this.#times[this.#end] = time;
    this.#values[this.#end] = value;
    this.#end = (this.#end + 1) % this.#times.length;
    this.#length = Math.min(this.#length + 1, this.#times.length);
  }

  /**
   * The points from `from` on, at most two a column of `perColumn` milliseconds: its lowest and highest, so
   * that no spike is lost. Columns lie fixed in time, or the curve would shimmer as it moves. A silence
   * longer than `gap` is a gap.
   */
  points(from: number, perColumn: number, gap: number, out: Points = { x: [], y: [] }): Points {
    out.x.length = 0;
    out.y.length = 0;
    const first = this.#firstFrom(from);
    let column = NaN;
    let low = 0;
    let high = 0;
    const flush = (): void => {
      if (Number.isNaN(column)) return;
      this.#emit(out, Math.min(low, high));
      if (low !== high) this.#emit(out, Math.max(low, high));
    };
    for (let i = first; i < this.#length; i += 1) {
      const at = this.#at(i);
      const time = this.#times[at]!;
      const value = this.#values[at]!;
      const here = Math.floor(time / perColumn);
      const silent = i > first && time - this.#times[this.#at(i - 1)]! > gap;
      if (here !== column || silent || Number.isNaN(value)) {
        flush();
        if (silent) this.#gap(out, time - gap);
        column = here;
        low = high = i;
        if (Number.isNaN(value)) {
          this.#gap(out, time);
          column = NaN;
        }
      } else {
        if (value < this.#values[this.#at(low)]!) low = i;
        if (value >= this.#values[this.#at(high)]!) high = i;
      }
    }
    flush();
    return out;
  }

  #emit(out: Points, i: number): void {
    out.x.push(this.#times[this.#at(i)]!);
    out.y.push(this.#values[this.#at(i)]!);
  }

  #gap(out: Points, time: number): void {
    out.x.push(time);
    out.y.push(null);
  }

  #at(i: number): number {
    return (this.#end - this.#length + i + this.#times.length) % this.#times.length;
  }

  #firstFrom(from: number): number {
    let low = 0;
    let high = this.#length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#times[this.#at(middle)]! < from) low = middle + 1;
      else high = middle;
    }
    // One more on the left, so that the curve enters from the edge.
    return Math.max(0, low - 1);
  }
}
