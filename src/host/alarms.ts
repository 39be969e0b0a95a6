interface Alarm {
  /** On process.hrtime. */
  readonly due: bigint;
  readonly wake: () => void;
  /** Place in the heap, -1 once it is out. */
  place: number;
}

/** The longest time in ms that a timer of Node's takes. */
const longestTimer = 2 ** 31 - 1;
/** What is due in less than so many ms is looked at in each turn of the event loop: a timer's step is 1 ms. */
const shortTime = 0.5;

/**
 * Wakes those who sleep, by one timer of Node's for all: in the order of their times, however late the event loop is, which many
 * timers would not keep. A heap, so that ten thousand that sleep cost little.
 */
export class Alarms {
  readonly #heap: Alarm[] = [];
  #timer: NodeJS.Timeout | undefined;
  #turn: NodeJS.Immediate | undefined;
  /** What the timer is set for. */
  #next: bigint | undefined;

  /** How many sleep. */
  get size(): number {
    return this.#heap.length;
  }

  /** Calls `wake` in a later turn, once `process.hrtime` has come to `due`; what it answers takes that back. */
  set(due: bigint, wake: () => void): () => void {
    const alarm: Alarm = { due, wake, place: this.#heap.length };
    this.#heap.push(alarm);
    this.#rise(alarm);
    if (this.#next === undefined || due < this.#next) this.#arm();
    return () => this.#remove(alarm);
  }

  #arm(): void {
    this.#disarm();
    const [first] = this.#heap;
    if (first === undefined) return;
    this.#next = first.due;
    const left = Number(first.due - process.hrtime.bigint()) / 1e6;
    if (left < shortTime) this.#turn = setImmediate(() => this.#ring());
    else this.#timer = setTimeout(() => this.#ring(), Math.min(Math.ceil(left), longestTimer));
  }

  #disarm(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    if (this.#turn !== undefined) clearImmediate(this.#turn);
    this.#timer = this.#turn = this.#next = undefined;
  }

  #ring(): void {
    const now = process.hrtime.bigint();
    const due: Alarm[] = [];
    for (let [first] = this.#heap; first !== undefined && first.due <= now; [first] = this.#heap) {
      this.#remove(first);
      due.push(first);
    }
    this.#arm();
    for (const { wake } of due) wake();
  }

  #remove(alarm: Alarm): void {
    if (alarm.place < 0) return;
    const last = this.#heap.pop();
    if (last !== undefined && last !== alarm) {
      this.#put(last, alarm.place);
      this.#rise(last);
      this.#sink(last);
    }
    alarm.place = -1;
    // Nothing is to keep the process once nobody sleeps; a timer that is too early looks again by itself.
    if (this.#heap.length === 0) this.#disarm();
  }

  #rise(alarm: Alarm): void {
    while (alarm.place > 0) {
      const parent = this.#heap[(alarm.place - 1) >> 1];
      if (parent === undefined || parent.due <= alarm.due) return;
      this.#swap(alarm, parent);
    }
  }

  #sink(alarm: Alarm): void {
    for (;;) {
      const left = this.#heap[alarm.place * 2 + 1];
      const right = this.#heap[alarm.place * 2 + 2];
      const lesser = left !== undefined && right !== undefined && right.due < left.due ? right : left;
      if (lesser === undefined || lesser.due >= alarm.due) return;
      this.#swap(lesser, alarm);
    }
  }

  #swap(a: Alarm, b: Alarm): void {
    const { place } = a;
    this.#put(a, b.place);
    this.#put(b, place);
  }

  #put(alarm: Alarm, place: number): void {
    this.#heap[place] = alarm;
    alarm.place = place;
  }
}
