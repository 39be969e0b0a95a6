import { dirname } from "node:path";
import process from "node:process";
import { SampanError, writeAll } from "../../base/index.ts";
import { ProjectPlace } from "../../engine/index.ts";
import { confineWrites } from "./confine.ts";
import { dieWithParent } from "./die-with-parent.ts";
import { serveSite } from "./nginx/serve.ts";
import { createCluster } from "./postgres/create.ts";
import { loadPostgres, type LoadedPostgres } from "./postgres/pglite.ts";
import { servePostgres } from "./postgres/serve.ts";
import type { ChildReport, ChildTask } from "./protocol.ts";

// A process of a stand-in: told once what to do, and ends with the one that started it. Its output is the container's.

const [, , what = "", parent = "", ...command] = process.argv;
dieWithParent(Number(parent));
if (what === "become") become(command);
else work();

/** Is another program from now on, which ends with the parent as this one does. */
function become([writes = "[]", file = "", ...args]: readonly string[]): void {
  confineWrites(JSON.parse(writes) as readonly string[]);
  process.execve?.(file, [file, ...args], process.env as Record<string, string>);
}

function work(): void {
  const log = (line: string): void => writeAll(1, `${line}\n`);
  // Loaded before it is known whether the data are there.
  const loading = what === "postgres" ? loadPostgres() : undefined;
  loading?.catch(() => {});
  process.once("message", (task) => {
    run(task as ChildTask, { loading, log }).catch((error: unknown) => {
      if (error instanceof SampanError) return report({ kind: "failed", error: error.toData() }, 1);
      writeAll(2, `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
      process.exit(1);
    });
  });
}

interface Parts {
  readonly loading: Promise<LoadedPostgres> | undefined;
  readonly log: (line: string) => void;
}

async function run(task: ChildTask, { loading, log }: Parts): Promise<void> {
  switch (task.kind) {
    case "postgres-create":
      confineWrites([dirname(task.folder)]);
      await createCluster(task.folder, task.settings);
      return report({ kind: "ready" }, 0);
    case "postgres": {
      const place = new ProjectPlace(task.network);
      confineWrites([dirname(task.folder), task.network.folder]);
      const server = await servePostgres(await (loading ?? loadPostgres()), {
        ...task,
        place,
        log,
        onEnd: (why) => {
          log(`PANIC:  the database has ended: ${why}`);
          process.exit(1);
        },
      });
      return serveUntilSignal(() => server.stop());
    }
    case "nginx":
      return serveUntilSignal(await serveSite(task.site, { place: new ProjectPlace(task.network), log }));
  }
}

function serveUntilSignal(stop: () => Promise<void>): void {
  let isStopping = false;
  const end = (): void => {
    if (isStopping) return;
    isStopping = true;
    void stop().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  for (const signal of ["SIGTERM", "SIGINT", "SIGQUIT"] as const) process.on(signal, end);
  report({ kind: "ready" });
}

/** Says it, and then ends where there is a code to end with. */
function report(said: ChildReport, code?: number): void {
  process.send?.(said, undefined, undefined, () => {
    if (code !== undefined) process.exit(code);
  });
}
