import { isatty } from "node:tty";
import { printable } from "../base/index.ts";
import type { Step } from "../compose/index.ts";

/** Shows steps as they happen, and what else is printed above them. */
export interface Progress {
  readonly tell: (step: Step) => void;
  /** Prints with the live lines out of the way. */
  readonly above: (print: () => void) => void;
  /** Leaves the lines as they are. */
  readonly end: () => void;
}

/** What {@link createProgress} needs of its surroundings. */
export interface ProgressSurroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly complain: (text: string) => void;
}

/** Live lines on a terminal, one line for each step elsewhere, as docker compose has them, on stderr. */
export function createProgress({ env, complain }: ProgressSurroundings): Progress {
  if (isatty(2) && env["TERM"] !== "dumb") return new LiveLines(complain, (env["NO_COLOR"] ?? "") === "");
  return {
    tell: ({ id, status, state, detail }) => {
      if (state === "warning") complain(`${printable(detail ?? "")}\n`);
      else complain(` ${printable(id)}  ${status}${state === "error" ? ` ${printable(detail ?? "")}` : ""}\n`);
    },
    above: (print) => print(),
    end: () => {},
  };
}

interface Line {
  step: Step;
  readonly began: number;
  ended: number | undefined;
}

const marks = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const frame = 100;

class LiveLines implements Progress {
  readonly #complain: (text: string) => void;
  readonly #hasColors: boolean;
  readonly #lines = new Map<string, Line>();
  #timer: NodeJS.Timeout | undefined;
  #drawn = 0;
  #drawnAt = Number.NEGATIVE_INFINITY;
  #turn = 0;

  constructor(complain: (text: string) => void, hasColors: boolean) {
    this.#complain = complain;
    this.#hasColors = hasColors;
  }

  readonly tell = (step: Step): void => {
    if (step.state === "warning") {
      this.above(() => this.#complain(`${printable(step.detail ?? "")}\n`));
      return;
    }
    const now = performance.now();
    const known = this.#lines.get(step.id);
    const isAgain = known !== undefined && (known.ended === undefined || step.state !== "working");
    const line = isAgain ? known : { step, began: now, ended: undefined };
    line.step = step;
    line.ended = step.state === "working" ? undefined : now;
    this.#lines.set(step.id, line);
    this.#timer ??= setInterval(() => {
      this.#turn += 1;
      this.#draw();
    }, frame).unref();
    if (now - this.#drawnAt > frame / 4) this.#draw();
  };

  readonly above = (print: () => void): void => {
    this.#erase();
    print();
    if (this.#timer !== undefined) this.#draw();
  };

  readonly end = (): void => {
    clearInterval(this.#timer);
    this.#timer = undefined;
    if (this.#lines.size > 0) this.#draw();
    this.#drawn = 0;
    this.#lines.clear();
  };

  #erase(): void {
    if (this.#drawn > 0) this.#complain(`\u001b[${this.#drawn}A\u001b[J`);
    this.#drawn = 0;
  }

  #draw(): void {
    this.#drawnAt = performance.now();
    // A terminal that does not tell its size has 0 of both.
    const columns = process.stderr.columns || 80;
    const rows = process.stderr.rows || 24;
    const lines = [...this.#lines.values()];
    const done = lines.filter(({ ended }) => ended !== undefined).length;
    // What is over gives way where there are more lines than the terminal has.
    const most = Math.max(3, rows - 2);
    const shown = lines.length <= most ? lines : lines.toSorted(byNeed).slice(0, most);
    const width = Math.max(...shown.map(({ step }) => step.id.length), 0);
    const text = shown.map((line) => this.#row(line, { width, columns }));
    const head = this.#colored(`[+] Running ${done}/${lines.length}`, 34);
    this.#erase();
    this.#complain(`${[head, ...text].join("\n")}\n`);
    this.#drawn = shown.length + 1;
  }

  #row({ step, began, ended }: Line, { width, columns }: { width: number; columns: number }): string {
    const { id, status, state, detail } = step;
    const mark = state === "working" ? (marks[this.#turn % marks.length] ?? "") : state === "error" ? "✘" : "✔";
    const color = state === "working" ? 33 : state === "error" ? 31 : 32;
    const time = `${(((ended ?? performance.now()) - began) / 1000).toFixed(1)}s`;
    const words = `${printable(id).padEnd(width)}  ${status}${state === "error" ? ` ${printable(detail ?? "")}` : ""}`;
    const room = Math.max(10, columns - time.length - 5);
    return ` ${this.#colored(mark, color)} ${words.slice(0, room).padEnd(room)} ${this.#colored(time, 34)}`;
  }

  #colored(text: string, color: number): string {
    return this.#hasColors ? `\u001b[${color}m${text}\u001b[0m` : text;
  }
}

/** Those that go on first, then the latest. */
function byNeed(a: Line, b: Line): number {
  if ((a.ended === undefined) !== (b.ended === undefined)) return a.ended === undefined ? -1 : 1;
  return b.began - a.began;
}
