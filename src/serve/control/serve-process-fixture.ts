import { finish } from "../config/finish.ts";
import { readServeFile } from "../config/read-file.ts";
import { runSession } from "./session.ts";
import { supervise } from "./supervisor.ts";
import { supervisedBy } from "./supervisor-link.ts";

// `sampan serve` as tests start it: with workers that run no guests. Its arguments are the folder for sockets and a file.

const [, , run = "", file = ""] = process.argv;
const tell = (line: string): void => void process.stderr.write(`${line}\n`);

async function main(): Promise<number> {
  if (process.env[supervisedBy] === undefined)
    return supervise({ args: [...process.execArgv, ...process.argv.slice(1)], env: process.env, tell });
  return runSession({
    run,
    tell,
    print: (text) => void process.stdout.write(text),
    workerMain: new URL("./fake-worker-fixture.ts", import.meta.url),
    load: async () => {
      const values = await readServeFile(file, { cwd: process.cwd(), lookup: () => undefined });
      return { config: finish(values), watch: values.watch };
    },
    onListening: (server) => tell(`listening ${server.address.port} ${process.pid}`),
  });
}

process.exit(await main());
