/** Answers HTTP requests by a component in this process, for tests. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Engine, nodeExchange } from "../../src/engine/index.ts";

/** A server on a port of the loopback. */
export interface Answering {
  /** What requests start with: `http://127.0.0.1:PORT`. */
  readonly url: string;
  /** @throws what the component failed with */
  stop(): Promise<void>;
}

/** Has a new instance of a component answer each request. */
export async function answering(file: string): Promise<Answering> {
  const engine = new Engine();
  const component = await engine.compileComponent(readFileSync(file), { name: "example" });
  const failures: unknown[] = [];
  const answers: Promise<void>[] = [];
  const server = createServer((request, response) => {
    const answer = async (): Promise<void> => {
      const instance = await engine.instantiateComponent(component, { mode: "async" });
      await instance.answer(nodeExchange(request, response));
      await instance.close();
    };
    const answered = answer().catch((error: unknown) => {
      failures.push(error);
      response.destroy();
    });
    answers.push(answered);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    stop: async () => {
      server.close();
      server.closeAllConnections();
      // A client may have all of an answer before the guest has returned.
      await Promise.all(answers);
      await engine.close();
      if (failures.length > 0) throw failures[0];
    },
  };
}
