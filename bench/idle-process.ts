import { readFileSync } from "node:fs";
import { createPipe } from "../src/host/index.ts";
import { Engine, SampanError } from "../src/index.ts";

/** What a process with many idle instances says of itself, as JSON on stdout. */
export interface IdleReport {
  readonly asked: number;
  readonly made: number;
  /** Codes of the refusals, each with its number. */
  readonly refused: Readonly<Record<string, number>>;
  readonly answering: number;
  /** Bytes of the process that are in memory: with nothing, and with all idle. */
  readonly residentBefore: number;
  readonly resident: number;
  /** Microseconds for each instance until it waits. */
  readonly each: number;
}

// Makes as many instances of a module as asked for, each waiting in poll, and has each answer once.
const [file = "", count = "0"] = process.argv.slice(2);
const asked = Number(count);
const engine = new Engine({ cache: false });
const module = await engine.compile(readFileSync(file), { name: "echo" });
const refused: Record<string, number> = {};
const idle: { readonly ask: () => Promise<boolean> }[] = [];
const residentBefore = process.memoryUsage.rss();
const start = performance.now();
for (let index = 0; index < asked; index += 1) {
  const input = createPipe({ capacity: 64 });
  let answer: (text: string) => void = () => {};
  const stdout = {
    write(bytes: Uint8Array): number {
      answer(Buffer.from(bytes).toString());
      return bytes.length;
    },
    ready: () => true as const,
    close: () => {},
  };
  try {
    const instance = await engine.instantiate(module, { stdio: { stdin: input.source, stdout } });
    const running = instance.run();
    const ask = async (): Promise<boolean> => {
      const answered = new Promise<string>((resolve) => (answer = resolve));
      await input.sink.write(Buffer.from(`${index}`));
      return (await Promise.race([answered, running.then(() => "ended")])) === `${index}`;
    };
    // What is refused says so at once; what waits has not ended in this turn.
    await Promise.race([running, new Promise((resolve) => setImmediate(resolve))]);
    idle.push({ ask });
  } catch (error) {
    if (!(error instanceof SampanError)) throw error;
    refused[error.code] = (refused[error.code] ?? 0) + 1;
  }
}
const each = ((performance.now() - start) * 1_000) / asked;
const resident = process.memoryUsage.rss();
const answers = await Promise.all(idle.map(({ ask }) => ask().catch(() => false)));
const answering = answers.filter(Boolean).length;
const report: IdleReport = { asked, made: idle.length, refused, answering, residentBefore, resident, each };
console.log(JSON.stringify(report));
process.exit(0);
