/**
 * What `npm start` runs: the project of this folder in the foreground, and the page's address once it answers. Ctrl-C and
 * SIGTERM stop it; the orders stay in their volume.
 */
import { spawn } from "node:child_process";
import { get } from "node:http";
import { createServer } from "node:net";
import { join, resolve } from "node:path";

const sampan = join(resolve(import.meta.dirname, "../.."), "bin", "sampan.js");
const usualPort = 8080;

/** The usual port, or any when somebody has it. */
async function choosePort(): Promise<number> {
  for (const wanted of [usualPort, 0]) {
    const server = createServer();
    const port = await new Promise<number>((answer) => {
      server.on("error", () => answer(0));
      server.listen(wanted, () => {
        const address = server.address();
        server.close(() => answer(address !== null && typeof address === "object" ? address.port : 0));
      });
    });
    if (port !== 0) return port;
  }
  return usualPort;
}

/** Waits until the page answers, and answers whether it did before the signal came. */
async function untilAnswered(url: string, signal: AbortSignal): Promise<boolean> {
  while (!signal.aborted) {
    const status = await new Promise<number | undefined>((answer) => {
      get(url, (response) => {
        response.resume();
        answer(response.statusCode);
      }).on("error", () => answer(undefined));
    });
    if (status === 200) return true;
    await new Promise((again) => setTimeout(again, 20));
  }
  return false;
}

const given = Number(process.env["ORDERS_PORT"] ?? "");
const port = given > 0 ? given : await choosePort();
const url = `http://localhost:${port}`;
// The launcher's shell half starts the command with nothing in between; Windows has no shell for it.
const [command, first] = process.platform === "win32" ? [process.execPath, [sampan]] : [sampan, []];
const up = spawn(command, [...first, "up", "--rm"], {
  cwd: import.meta.dirname,
  env: { ...process.env, ORDERS_PORT: `${port}` },
  stdio: "inherit",
});
const over = new AbortController();
// A terminal tells both of Ctrl-C; whoever stays to the end is the one that has something to stop.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => up.kill("SIGTERM"));
up.on("close", (code) => {
  over.abort();
  process.exitCode = code ?? 1;
});
if (await untilAnswered(`${url}/`, over.signal)) {
  process.stdout.write(`\n  Take an order: ${url}\n  Ctrl-C stops it; the orders stay.\n\n`);
}
