import { grayPng, sizeOfPng } from "../../../guests/image/png.ts";

/*
 * A program as people write it for what jco transpiles with `--instantiation`: what a component imports under the names that jco gives
 * it, errors as anything with a payload, and calls of what it exports. Nothing in it is of Sampan's.
 */

/** What the program writes down, in order. */
export type Outcomes = unknown[];

interface Thing {
  get(): number;
}

/** What the program gives to the component of guests/greeter.ts, as the import object that jco asks for. */
export function jcoImports(outcomes: Outcomes): Record<string, object> {
  class OwnThing implements Thing {
    readonly #value: number;
    constructor(value: number) {
      this.#value = value;
    }
    get(): number {
      return this.#value * 2;
    }
    [Symbol.dispose](): void {
      outcomes.push("the thing is dropped");
    }
  }
  return {
    "test:host/calls": {
      add: (a: number, b: number) => a + b,
      log: (text: string) => void outcomes.push(`log: ${text}`),
      Thing: OwnThing,
    },
  };
}

interface Greeter {
  addOne(value: number): number;
  greet(name: string): string;
  useThing(value: number): number;
  dropped(): number;
  counters: { Counter: CounterClass };
}

interface CounterClass {
  new (start: number): Counter;
  eat(counter: Counter): void;
}

interface Counter extends Disposable {
  read(): number;
}

interface Shop {
  orders: {
    total: (lines: readonly { name: string; count: number; price?: number }[]) => number;
    pay: (state: { tag: string; val?: unknown }, cents: bigint) => unknown;
  };
}

interface Image {
  resize: {
    resize: (image: Uint8Array, options: { width: number; height?: number }) => Uint8Array;
    Picture: {
      new (size: { width: number; height: number }, gray: number): Picture;
      decode: (image: Uint8Array) => Picture;
    };
  };
}

interface Picture {
  size(): unknown;
  shift(by: number): void;
  encode(): Uint8Array;
}

/** What three components export: those of guests/greeter.ts, guests/shop.ts and guests/image. */
export interface JcoExports {
  readonly greeter: unknown;
  readonly shop: unknown;
  readonly image: unknown;
}

/** Calls them all, and writes down what came of it. */
export function runProgram(exports: JcoExports, outcomes: Outcomes): void {
  const attempt = (name: string, run: () => unknown): void => {
    try {
      outcomes.push([name, plain(run())]);
    } catch (error) {
      const { payload } = error as { payload: unknown };
      outcomes.push([name, "threw", error instanceof Error, plain(payload)]);
    }
  };
  const greeter = exports.greeter as Greeter;
  attempt("addOne", () => greeter.addOne(41));
  attempt("greet", () => greeter.greet("wörld"));
  attempt("useThing", () => greeter.useThing(21));
  const { Counter } = greeter.counters;
  const counter = new Counter(7);
  attempt("read", () => counter.read());
  attempt("class", () => counter instanceof Counter);
  counter[Symbol.dispose]();
  Counter.eat(new Counter(8));
  attempt("dropped", () => greeter.dropped());
  const { total, pay } = (exports.shop as Shop).orders;
  attempt("total", () => total([{ name: "tea", count: 2, price: 3.5 }]));
  attempt("no price", () => total([{ name: "cup", count: 1 }]));
  attempt("pay", () => pay({ tag: "open" }, 2n ** 60n));
  attempt("refused", () => pay({ tag: "paid", val: 1n }, 1n));
  const { resize, Picture } = (exports.image as Image).resize;
  attempt("resize", () => sizeOfPng(resize(grayPng(60, 30), { width: 20 })));
  attempt("height", () => sizeOfPng(resize(grayPng(60, 30), { width: 20, height: 40 })));
  attempt("no image", () => resize(new Uint8Array([1, 2, 3]), { width: 20 }));
  attempt("no size", () => resize(grayPng(2, 2), { width: 0 }));
  const picture = new Picture({ width: 3, height: 2 }, 250);
  picture.shift(-50);
  attempt("picture", () => [picture.size(), Picture.decode(picture.encode()).size()]);
}

/** A value whose prototypes are JSON's, with what JSON has not as text. */
function plain(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value ?? null, (_, each: unknown) => (typeof each === "bigint" ? `${each}n` : each)),
  ) as unknown;
}
