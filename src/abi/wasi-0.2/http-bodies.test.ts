import assert from "node:assert/strict";
import { test } from "node:test";
import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { BodyPipe } from "../../host/index.ts";
import { Wasi02Context } from "./context.ts";
import { OutgoingBody } from "./http-bodies.ts";

/** V8's collector, as `--expose-gc` gives it to programs. */
function collector(): (options: { readonly type: "minor" | "major" }) => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as ReturnType<typeof collector>;
}

function oldBytes(): number {
  const spaces = getHeapSpaceStatistics().filter(({ space_name: name }) => name === "old_space");
  return spaces.reduce((sum, { space_used_size: size }) => sum + size, 0);
}

test("OutgoingBody.write() makes nothing that outlives a collection of the young generation once it is dropped", () => {
  const collect = collector();
  const context = new Wasi02Context({ args: [], makeError: () => new Error("none") });
  const sink = { write: () => true, end: () => {}, fail: () => {} };
  const write = (count: number): void => {
    for (let made = 1; made <= count; made++) {
      const pipe = new BodyPipe({ sizeError: "HTTP-response-body-size" });
      const body = new OutgoingBody(context, pipe, () => {});
      pipe.attach(sink);
      assert.equal(body.write().checkWrite(), 65_536n);
      body.finish(undefined);
      if (made % 500 === 0) collect({ type: "minor" });
    }
  };
  write(5_000);
  collect({ type: "major" });
  const before = oldBytes();
  const count = 20_000;
  write(count);
  // What one is made of takes some 500 bytes.
  const grown = (oldBytes() - before) / count;
  assert.ok(grown < 60, `${grown.toFixed(1)} bytes each`);
});
