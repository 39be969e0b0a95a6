import assert from "node:assert/strict";
import { test } from "node:test";
import type { HttpErrorCode, IncomingExchange, OutgoingResponseParts } from "../../host/index.ts";
import { WasiError, WasiTrap } from "./errors.ts";
import { Fields } from "./http-fields.ts";
import { incomingArguments } from "./index.ts";
import { createFixture, type Wasi02Fixture } from "./wasi02-fixture.ts";

/** A guest with a request, and what its client is told. */
function asked(method = "GET"): {
  readonly guest: Wasi02Fixture;
  readonly outparam: ReturnType<typeof incomingArguments>[1];
  readonly told: string[];
} {
  const guest = createFixture({ host: { waits: "suspend" } });
  const told: string[] = [];
  const exchange = {
    request: { method, scheme: "http", authority: "a", path: "/", fields: [], body: { close: () => {} } },
    inform: () => {},
    respond({ status, body }: OutgoingResponseParts) {
      told.push(String(status));
      body?.attach({
        write: () => true,
        end: () => told.push("end"),
        fail: () => told.push("broken off"),
      });
    },
    fail: ({ tag }: HttpErrorCode) => told.push(tag),
  };
  const [, outparam] = incomingArguments(guest.context, exchange as unknown as IncomingExchange);
  return { guest, outparam, told };
}

/** Answers with a response whose body was taken. */
function answer({ guest, outparam }: ReturnType<typeof asked>): unknown {
  const fields = guest.call("http/types#[constructor]fields");
  const response = guest.call("http/types#[constructor]outgoing-response", fields);
  const body = guest.call("http/types#[method]outgoing-response.body", response);
  guest.call("http/types#[static]response-outparam.set", outparam, { tag: "ok", val: response });
  return body;
}

test("ResponseOutparam.end() breaks off a body that the guest did not finish", () => {
  for (const hasFailed of [true, false]) {
    const request = asked();
    answer(request);
    request.outparam.end({ hasFailed });
    assert.deepEqual(request.told, ["200", "broken off"]);
  }
});

test("ResponseOutparam.end() leaves a whole answer as it is", () => {
  const request = asked();
  const body = answer(request);
  request.guest.call("http/types#[static]outgoing-body.finish", body, undefined);
  request.outparam.end({ hasFailed: false });
  assert.deepEqual(request.told, ["200", "end"]);
});

test("ResponseOutparam.end() tells of a missing answer once, unless the host answers instead", () => {
  const [silent, failed] = [asked(), asked()];
  silent.outparam.end({ hasFailed: false });
  failed.outparam.end({ hasFailed: true });
  for (const request of [silent, failed]) {
    answer(request);
    request.outparam.drop();
  }
  assert.deepEqual([silent.told, failed.told], [["internal-error"], []]);
});

/** The fields of one resource. */
function fieldsOf(guest: Wasi02Fixture, ...entries: readonly (readonly [string, string])[]): unknown {
  const list = entries.map(([name, value]) => [name, new TextEncoder().encode(value)]);
  return guest.call("http/types#[static]fields.from-list", list);
}

test("ResponseOutparam.set() answers nothing whose end a client would take for another place", () => {
  const wrong = [
    [["content-length", "0000000000000005"]],
    [["content-length", "+5"]],
    [
      ["content-length", "5"],
      ["content-length", "5"],
    ],
  ] as const;
  for (const entries of wrong) {
    const { guest, outparam, told } = asked();
    const response = guest.call(
      "http/types#[constructor]outgoing-response",
      fieldsOf(guest, ...(entries as readonly (readonly [string, string])[])),
    );
    const body = guest.call("http/types#[method]outgoing-response.body", response);
    guest.call("http/types#[static]response-outparam.set", outparam, { tag: "ok", val: response });
    assert.deepEqual(told, ["HTTP-protocol-error"]);
    const stream = guest.call("http/types#[method]outgoing-body.write", body);
    assert.throws(() =>
      guest.call("io/streams#[method]output-stream.blocking-write-and-flush", stream, new Uint8Array(1)),
    );
  }
});

test("ResponseOutparam.set() refuses a response without the body that it promises, but for one that has none", () => {
  for (const [method, status, expected] of [
    ["GET", 200, "HTTP-response-body-size"],
    ["HEAD", 200, "200"],
    ["GET", 304, "304"],
  ] as const) {
    const { guest, outparam, told } = asked(method);
    const response = guest.call(
      "http/types#[constructor]outgoing-response",
      fieldsOf(guest, ["content-length", "100"]),
    );
    guest.call("http/types#[method]outgoing-response.set-status-code", response, status);
    guest.call("http/types#[static]response-outparam.set", outparam, { tag: "ok", val: response });
    assert.deepEqual(told, [expected]);
  }
});

test("ResponseOutparam.sendInformational() ends: nothing holds back a guest whose client does not read", () => {
  const { guest, outparam } = asked();
  const send = (): void => outparam.sendInformational(103, Fields.fromList(guest.context, []));
  for (let each = 0; each < 16; each++) send();
  assert.throws(send, WasiError);
});

test("Fields hold no more of the host's memory than a message could have", () => {
  const own = Fields.empty({ httpBytes: 0 });
  const value = new Uint8Array(60_000).fill(0x61);
  own.append("a", value);
  own.append("b", value);
  assert.throws(() => own.append("c", value), WasiTrap);
  const other = Fields.empty({ httpBytes: 0 });
  // What is taken away makes room again.
  for (let each = 0; each < 100; each++) other.set("a", [value]);
  assert.throws(() => {
    for (let each = 0; each < 10_000; each++) other.append("a", new Uint8Array(0));
  }, WasiTrap);
});

test("messages that a guest never sends take only so much of the host's memory, which comes back when they are dropped", () => {
  const kinds = ["fields", "clone", "request", "headers", "body"] as const;
  for (const kind of kinds) {
    const { guest } = asked();
    const { call, context } = guest;
    /** One of a kind, and how it is dropped. */
    const make = (): (() => void) => {
      const fields = fieldsOf(guest, ["x-large", "a".repeat(100_000)]);
      if (kind === "fields") return () => void call("http/types#[resource-drop]fields", fields);
      if (kind === "clone") {
        const copy = call("http/types#[method]fields.clone", fields);
        call("http/types#[resource-drop]fields", fields);
        return () => void call("http/types#[resource-drop]fields", copy);
      }
      const request = call("http/types#[constructor]outgoing-request", fields);
      const forget = (): void => void call("http/types#[resource-drop]outgoing-request", request);
      if (kind === "request") return forget;
      if (kind === "headers") {
        const headers = call("http/types#[method]outgoing-request.headers", request);
        forget();
        return () => void call("http/types#[resource-drop]fields", headers);
      }
      const body = call("http/types#[method]outgoing-request.body", request);
      const stream = call("http/types#[method]outgoing-body.write", body);
      call("io/streams#[method]output-stream.check-write", stream);
      call("io/streams#[method]output-stream.write", stream, new Uint8Array(60_000));
      return forget;
    };
    for (let each = 0; each < 200; each++) make()();
    assert.equal(context.httpBytes, 0, kind);
    assert.throws(
      () => {
        for (let each = 0; each < 200; each++) make();
      },
      WasiTrap,
      kind,
    );
  }
});
