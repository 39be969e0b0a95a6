import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { defaultGrants, type Grants } from "../src/capabilities/index.ts";
import { compileGuest, Guest } from "../src/engine/index.ts";
import { HostWorkload } from "../src/host/index.ts";
import { inMemoryFolder, mean, type Row } from "./measure.ts";
import { wasmGuest } from "./tools.ts";

const batch = 200;
const batches = 30;

/** An instance with ten granted folders, made and dropped, beside a bare `new WebAssembly.Instance` of the same module. */
export async function benchInstance(): Promise<Row[]> {
  const module = compileGuest(readFileSync(await wasmGuest("hello")));
  const imports: Record<string, Record<string, () => number>> = {};
  for (const { module: from, name } of WebAssembly.Module.imports(module.module))
    (imports[from] ??= {})[name] = () => 0;
  const bare = (): unknown => new WebAssembly.Instance(module.module, imports);
  return inMemoryFolder((folder) => {
    const workload = new HostWorkload(tenFolders(folder));
    const ours = (): void => {
      const guest = new Guest(module, { host: workload.createInstance(), args: ["hello"] });
      guest.instantiate();
      guest.close();
    };
    const [our, floor] = compare(ours, bare);
    workload.close();
    const what = "an instance with 10 grants, made and dropped (mean)";
    return [{ what, unit: "µs", value: our, floor, floorName: "new WebAssembly.Instance", goal: { ratio: 2 } }];
  });
}

/** Means of a batch, in turn: collecting memories is part of what an instance costs, and it comes in bursts. */
function compare(ours: () => void, bare: () => void): readonly [number, number] {
  const [our, floor]: [number[], number[]] = [[], []];
  for (let round = 0; round < batches; round++) {
    our.push(timeBatch(ours));
    floor.push(timeBatch(bare));
  }
  return [mean(our.slice(5)), mean(floor.slice(5))];
}

/** Microseconds of one call, as the mean of a batch. */
function timeBatch(run: () => void): number {
  const start = process.hrtime.bigint();
  for (let i = 0; i < batch; i++) run();
  return Number(process.hrtime.bigint() - start) / 1e3 / batch;
}

function tenFolders(folder: string): Grants {
  const files = Array.from({ length: 10 }, (_, index) => {
    const host = join(folder, `f${index}`);
    mkdirSync(host);
    return { host, guest: `/f${index}`, access: "read-write" } as const;
  });
  return { ...defaultGrants, files };
}
