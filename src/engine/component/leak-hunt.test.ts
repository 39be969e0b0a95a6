import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent, createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { after, test, type TestContext } from "node:test";
import { leakHunter } from "../../../guests/leak-hunter.ts";
import { nativeOrUndefined } from "../../base/native.ts";
import { defaultGrants } from "../../capabilities/index.ts";
import { nodeExchange } from "../../host/index.ts";
import type { RestoreStep } from "../../wasm/index.ts";
import { EpochThread, EpochWatcher } from "../epoch.ts";
import type { FreshMechanism } from "../fresh-state/fresh-instances.ts";
import type { FreshStep } from "../fresh-state/reset-memory.ts";
import { GuestThread } from "../guest-thread.ts";
import { MapBudget } from "../map-budget.ts";
import { compileComponent } from "./component-module.ts";
import { Components } from "./components.ts";
import { FreshComponent } from "./fresh-component.ts";

const watcher = new EpochWatcher();
const components = new Components({
  thread: new GuestThread(new EpochThread(watcher.control, () => {})),
  maps: new MapBudget(),
  checkPlace: () => {},
});
after(async () => {
  await components.close();
  await watcher.close();
});

const requests = 10_000;
const connections = 4;
const reusing: readonly FreshMechanism[] = nativeOrUndefined() === undefined ? ["copy"] : ["copy", "copy-on-write"];
const rewriteSteps: readonly RestoreStep[] = ["pages", "tables", "globals", "dataSegments", "elementSegments"];
const freshSteps: readonly FreshStep[] = ["memory", "zeroing", "host"];

/** Instances of the component that looks for what is left, put back without one step. */
function hunters(t: TestContext, mechanism: FreshMechanism, omit?: RestoreStep | FreshStep): FreshComponent {
  const component = compileComponent(leakHunter(), {
    restore: { isShared: true, omit: rewriteSteps.filter((step) => step === omit) },
  });
  const { share } = components;
  const fresh: FreshComponent = new FreshComponent({
    component,
    options: { mechanism },
    grants: defaultGrants,
    share,
    onClose: () => {},
    omit: freshSteps.filter((step) => step === omit),
  });
  t.after(() => fresh.close());
  return fresh;
}

/** A server in which they answer. */
async function served(t: TestContext, fresh: FreshComponent): Promise<number> {
  const server = createServer(async (message, response) => {
    try {
      await fresh.answer(nodeExchange(message, response));
    } catch {
      response.writeHead(500).end();
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}

/** How many of so many requests met something that another has left. */
async function found(port: number, count: number): Promise<number> {
  let [left, leaks] = [count, 0];
  const ask = (agent: Agent): Promise<void> =>
    new Promise((resolve, reject) => {
      request({ host: "127.0.0.1", port, agent }, (response) => {
        if (response.statusCode !== 200) leaks += 1;
        response.resume().once("end", resolve);
      })
        .on("error", reject)
        .end();
    });
  const client = async (): Promise<void> => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    while (left > 0) {
      left -= 1;
      await ask(agent);
    }
    agent.destroy();
  };
  await Promise.all(Array.from({ length: connections }, client));
  return leaks;
}

for (const mechanism of ["new", ...reusing] as const) {
  test(`FreshComponent.answer(), "${mechanism}": no request of ${requests} finds anything of another`, async (t) => {
    const fresh = hunters(t, mechanism);
    assert.equal(await found(await served(t, fresh), requests), 0);
    assert.equal(fresh.mechanism, mechanism);
    assert.equal(fresh.idle, mechanism === "new" ? 0 : 1);
  });
}

for (const mechanism of reusing) {
  for (const omit of [...rewriteSteps, ...freshSteps]) {
    test(`FreshComponent.answer(), "${mechanism}" without the step "${omit}": requests find what others left`, async (t) => {
      const leaks = await found(await served(t, hunters(t, mechanism, omit)), 40);
      // An instance that traps is thrown away, so that about each second finds something.
      assert.ok(leaks >= 10 && leaks < 40, `${leaks} of 40`);
    });
  }
}
