import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { grayPng, sizeOfPng } from "../../guests/image/png.ts";
import { SampanError } from "../base/index.ts";
import { ComponentError } from "../component/index.ts";
import { instantiate } from "./instantiate.ts";

const image = fileURLToPath(new URL("../../guests/image/image.wasm", import.meta.url));
let photos: string;

before(() => {
  photos = mkdtempSync(join(tmpdir(), "sampan-streams-"));
  writeFileSync(join(photos, "gray.png"), grayPng(64, 32));
});
after(() => rmSync(photos, { recursive: true }));

interface ResizeLater {
  resizeFile: (path: string, options: { width: number }) => Promise<Uint8Array>;
  resizeStream: (image: unknown, to: unknown, options: { width: number }) => Promise<bigint>;
  open: (path: string) => Promise<ReadableStream<Uint8Array>>;
}

interface ImageExports<Its> {
  readonly "acme:image/resize": Its;
}

async function failureOf(run: () => unknown): Promise<unknown> {
  try {
    await run();
  } catch (error) {
    return error;
  }
  return undefined;
}

function withCode(code: string, message?: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof SampanError && error.code === code && (message?.test(error.message) ?? true);
}

describe("streams of instantiate()", () => {
  let library: Awaited<ReturnType<typeof make>>;
  const make = () => instantiate<ImageExports<ResizeLater>>(image, { allow: { dirs: { "/in": `${photos}:ro` } } });
  before(async () => {
    library = await make();
  });
  after(() => library.close());

  test("bytes, a ReadableStream, an iterable and an async one go in as an input-stream", async () => {
    const { resizeStream } = library.exports["acme:image/resize"];
    assert.equal(library.mode, "async");
    const png = grayPng(300, 300);
    const parts = [png.subarray(0, 100), png.subarray(100)];
    async function* later(): AsyncGenerator<Uint8Array> {
      for (const part of parts) {
        await turn();
        yield part;
      }
    }
    for (const given of [png, new Blob([png]).stream(), parts, later()]) {
      const chunks: Uint8Array[] = [];
      const written = await resizeStream(given, (chunk: Uint8Array) => void chunks.push(chunk), { width: 30 });
      const bytes = Buffer.concat(chunks);
      assert.equal(written, BigInt(bytes.length));
      assert.deepEqual(sizeOfPng(bytes), [30, 30]);
    }
  });

  test("a WritableStream is an output-stream that is only lent, and its slowness holds the guest back", async () => {
    const { resizeStream } = library.exports["acme:image/resize"];
    let held = 0;
    let most = 0;
    const chunks: Uint8Array[] = [];
    const slow = new WritableStream<Uint8Array>({
      async write(chunk) {
        held += 1;
        most = Math.max(most, held);
        await turn();
        chunks.push(chunk);
        held -= 1;
      },
    });
    const first = await resizeStream(grayPng(400, 400), slow, { width: 350 });
    const second = await resizeStream(grayPng(16, 16), slow, { width: 4 });
    await slow.close();
    assert.equal(BigInt(Buffer.concat(chunks).length), first + second);
    assert.equal(most, 1);
  });

  test("an input-stream that is answered is a ReadableStream, and goes back in", async () => {
    const { open, resizeStream } = library.exports["acme:image/resize"];
    const stream = await open("/in/gray.png");
    assert.ok(stream instanceof ReadableStream);
    assert.deepEqual(new Uint8Array(await new Response(stream).arrayBuffer()), grayPng(64, 32));
    const chunks: Uint8Array[] = [];
    await resizeStream(await open("/in/gray.png"), (chunk: Uint8Array) => void chunks.push(chunk), { width: 32 });
    assert.deepEqual(sizeOfPng(Buffer.concat(chunks)), [32, 16]);
  });

  test("a stream that fails is the guest's error, and what is no stream is refused by its place", async () => {
    const { resizeStream } = library.exports["acme:image/resize"];
    const failing = new ReadableStream<Uint8Array>({ pull: () => Promise.reject(new Error("cut")) });
    const error = await failureOf(() => resizeStream(failing, () => {}, { width: 1 }));
    assert.ok(error instanceof ComponentError);
    assert.equal((error.payload as { tag: string }).tag, "unreadable");
    const wrong = await failureOf(() => resizeStream(7, () => {}, { width: 1 }));
    assert.ok(withCode("COMPONENT_VALUE", /input-stream/)(wrong), String(wrong));
    assert.ok(!library.isEnded);
  });
});
