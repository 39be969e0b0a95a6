import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { forever } from "../../../guests/hostile-component.ts";
import { handlerComponent } from "../../../guests/http-handler.ts";
import type { HttpErrorCode, IncomingExchange } from "../../host/index.ts";
import { Engine } from "../engine.ts";
import type { FreshComponent, FreshComponentOptions } from "./fresh-component.ts";
import { UseControl } from "./use-control.ts";

const engine = new Engine({ cache: false });
after(() => engine.close());

/** An exchange that keeps what it is told. */
function keptExchange(): { readonly exchange: IncomingExchange; readonly told: (number | HttpErrorCode["tag"])[] } {
  const told: (number | HttpErrorCode["tag"])[] = [];
  const body = { close: () => {} };
  const request = { method: "GET", scheme: "http", authority: "a", path: "/", fields: [], body };
  const exchange = {
    request,
    inform: () => {},
    respond: ({ status }: { readonly status: number }) => told.push(status),
    fail: ({ tag }: HttpErrorCode) => told.push(tag),
  };
  return { exchange: exchange as unknown as IncomingExchange, told };
}

async function freshOf(
  body: readonly number[] | undefined,
  options: FreshComponentOptions = {},
): Promise<FreshComponent> {
  const component = await engine.compileComponent(handlerComponent(body), { restore: true });
  const fresh = await engine.freshComponent(component, options);
  after(() => fresh.close());
  return fresh;
}

for (const options of [{}, { mechanism: "new" }, { isolation: "reuse" }] as const) {
  describe(`FreshComponent.answer() with ${JSON.stringify(options)}`, () => {
    const isKept = !("mechanism" in options);

    test("has a component answer one request after the other, at once where it waits for nothing", async () => {
      const fresh = await freshOf(undefined, options);
      await fresh.warm(1);
      for (let round = 0; round < 3; round++) {
        const { exchange, told } = keptExchange();
        const answered: unknown = fresh.answer(exchange);
        if (isKept) assert.equal(answered, undefined);
        await answered;
        assert.deepEqual(told, [200]);
        assert.deepEqual([fresh.inUse, fresh.count], [0, isKept ? 1 : 0]);
      }
    });

    test("tells the client where a component returns without an answer", async () => {
      const fresh = await freshOf([], options);
      const { exchange, told } = keptExchange();
      await fresh.answer(exchange);
      assert.deepEqual(told, ["internal-error"]);
    });

    test("leaves the answer to the server where a component traps, and throws the instance away", async () => {
      const fresh = await freshOf([0x00], options);
      const { exchange, told } = keptExchange();
      await assert.rejects(async () => fresh.answer(exchange), { code: "GUEST_TRAPPED" });
      assert.deepEqual(told, []);
      assert.deepEqual([fresh.inUse, fresh.count], [0, 0]);
    });

    test("ends a component that spins at its deadline, and throws the instance away", async () => {
      const fresh = await freshOf(forever, { ...options, limits: { deadline: 20 } });
      const { exchange, told } = keptExchange();
      await assert.rejects(async () => fresh.answer(exchange), { code: "LIMIT_DEADLINE" });
      assert.deepEqual([told, fresh.count], [[], 0]);
    });

    test("throws what a control asked for before the use began", async () => {
      const fresh = await freshOf(undefined, options);
      const { exchange, told } = keptExchange();
      const control = new UseControl();
      control.end("gone");
      await assert.rejects(async () => fresh.answer(exchange, { control }), { code: "GUEST_ABORTED" });
      assert.deepEqual([told, fresh.count], [[], isKept ? 1 : 0]);
    });
  });
}

test("FreshComponent.answer() tells a component that answers no requests", async () => {
  const { nestedComponent } = await import("../../../guests/greeter.ts");
  const component = await engine.compileComponent(nestedComponent(0), { name: "empty" });
  const fresh = await engine.freshComponent(component);
  await assert.rejects(async () => fresh.answer(keptExchange().exchange), { code: "GUEST_EXPORT_MISSING" });
  fresh.close();
});
