import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, test } from "node:test";
import { nestedComponent } from "../../../guests/greeter.ts";
import { handlerComponent } from "../../../guests/http-handler.ts";
import { nodeExchange } from "../../host/index.ts";
import { Engine } from "../engine.ts";

const engine = new Engine({ cache: false });
after(() => engine.close());

test("ComponentInstance.answer() has a component answer the requests of a server", async (t) => {
  const component = await engine.compileComponent(handlerComponent(), { name: "handler" });
  const instance = await engine.instantiateComponent(component, { mode: "async" });
  const server = createServer((request, response) => void instance.answer(nodeExchange(request, response)));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  for (let i = 0; i < 3; i++) {
    const response = await fetch(`http://127.0.0.1:${port}/`);
    assert.equal(response.status, 200);
    assert.equal(await response.text(), "");
  }
  await instance.close();
});

test("ComponentInstance.answer() tells a component that answers no requests", async () => {
  const component = await engine.compileComponent(nestedComponent(0), { name: "empty" });
  const instance = await engine.instantiateComponent(component);
  await assert.rejects(instance.answer({ request: { fields: [] } } as never), { code: "GUEST_EXPORT_MISSING" });
});
