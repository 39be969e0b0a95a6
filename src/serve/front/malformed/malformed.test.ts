import assert from "node:assert/strict";
import { connect } from "node:net";
import { describe, test, type TestContext } from "node:test";
import { bodyOf, fronts, RawClient, testFront } from "../front-fixture.ts";
import type { FrontExchange } from "../front.ts";
import { framingCases } from "./framing-cases.ts";
import { behind, type MalformedCase, seenText, smallLimits } from "./malformed-case.ts";
import { naiveServer } from "./naive-server-fixture.ts";
import { sizeCases } from "./size-cases.ts";
import { syntaxCases } from "./syntax-cases.ts";
import { oddCases, targetCases, upgradeCases } from "./target-cases.ts";

const cases = { framing: framingCases, syntax: syntaxCases, targets: targetCases, sizes: sizeCases };
const all = Object.values(cases).flat();
/** A client that a front leaves waiting is let go, so that a case fails in place of standing still. */
const limits = { ...smallLimits, headerTimeout: 2000, bodyTimeout: 2000, idleTimeout: 2000 };

/** Who is refused and leaves is forgotten at once: cases that take their time, each, do not end within this. */
const timeout = 60_000;

/** What came of one case. */
interface Outcome {
  readonly statuses: readonly number[];
  readonly seen: readonly string[];
}

/** Keeps what it is given as soon as all of it is there, and answers. */
async function keep(exchange: FrontExchange, seen: string[]): Promise<void> {
  const { request } = exchange;
  try {
    const body = await bodyOf(exchange);
    const own = request.fields.filter(([name]) => name.startsWith("x-"));
    const texts = own.map(([name, value]) => `${name}: ${Buffer.from(value).toString("latin1")}`);
    seen.push(seenText(request.method, request.authority ?? "", request.path, body, texts));
    exchange.reply(200, [], "");
  } catch {
    // The front has answered, or the client is gone.
  }
}

/** Sends a case in pieces of so many bytes, and waits until the connection is closed. */
async function run({ text, leaves = false }: MalformedCase, client: RawClient, size: number): Promise<number[]> {
  const bytes = leaves ? text : text + behind;
  for (let at = 0; at < bytes.length && !client.isEnded; at += size) {
    client.send(bytes.slice(at, at + size));
    if (size < bytes.length) await new Promise((resolve) => setImmediate(resolve));
  }
  if (leaves) client.socket.end();
  const answers = await client.ended();
  client.close();
  return Array.from(answers.matchAll(/^HTTP\/1\.1 (\d{3}) /gm), ([, status]) => Number(status));
}

/** Runs cases one after the other, and tells what is not as it has to be. */
async function wrongOf(
  chosen: readonly MalformedCase[],
  outcomeOf: (each: MalformedCase) => Promise<Outcome>,
  isRight: (each: MalformedCase, outcome: Outcome) => boolean,
): Promise<string[]> {
  const wrong: string[] = [];
  for (const each of chosen) {
    const outcome = await outcomeOf(each);
    if (!isRight(each, outcome)) wrong.push(`${each.name}: ${outcome.statuses.join()} ${outcome.seen.join("; ")}`);
  }
  return wrong;
}

function isAsItHasToBe(each: MalformedCase, { statuses, seen }: Outcome): boolean {
  return statuses.join() === each.statuses.join() && seen.join() === each.seen.join();
}

for (const [name, make] of fronts) {
  describe(`${name} against malformed messages`, () => {
    const tryAll = async (t: TestContext, chosen: readonly MalformedCase[], size: number): Promise<string[]> => {
      const seen: string[] = [];
      const onExchange = (exchange: FrontExchange): void => void keep(exchange, seen);
      const { connect: open, front, refused } = await testFront(t, make, onExchange, { limits });
      const wrong = await wrongOf(
        chosen,
        async (each) => {
          const statuses = await run(each, open(), size);
          // Whatever is done for a message is done before its connection is gone.
          while (front.connections > 0) await new Promise((resolve) => setImmediate(resolve));
          return { statuses, seen: seen.splice(0) };
        },
        (each, outcome) => {
          const [problem = ""] = refused.splice(0);
          const status = outcome.statuses.at(-1) ?? 200;
          return isAsItHasToBe(each, outcome) && (status === 200 || problem.startsWith(`${status}: `));
        },
      );
      return wrong;
    };
    for (const [group, chosen] of Object.entries(cases)) {
      test(`${group}: each is refused, or is one request`, { timeout }, async (t) => {
        assert.deepEqual(await tryAll(t, chosen, Infinity), []);
      });
      test(`${group}: each comes to the same in pieces of 5 bytes`, { timeout }, async (t) => {
        assert.deepEqual(
          await tryAll(
            t,
            chosen.filter(({ text }) => text.length < 1000),
            5,
          ),
          [],
        );
      });
    }
    test("odd requests are one request each", { timeout }, async (t) => {
      for (const size of [Infinity, 5]) assert.deepEqual(await tryAll(t, oddCases, size), []);
    });

    test("a request for another protocol is one request, behind which the connection ends or goes on as it is", async (t) => {
      for (const size of [Infinity, 5]) {
        const going = await tryAll(t, upgradeCases, size);
        const ended = upgradeCases.map((each) => ({ ...each, statuses: [200], seen: each.seen.slice(0, 1) }));
        if (going.length > 0) assert.deepEqual(await tryAll(t, ended, size), []);
      }
    });
  });
}

test("a naive server takes each of these cases for what it is not", async (t) => {
  const { port, seen } = await naiveServer(t);
  const wrong = await wrongOf(
    all,
    async (each) => {
      const client = new RawClient(connect({ port, host: "127.0.0.1", allowHalfOpen: true }));
      const { text, leaves = false } = each;
      client.send(leaves ? text : text + behind);
      client.socket.end();
      const statuses = Array.from((await client.ended()).matchAll(/HTTP\/1\.1 (\d{3})/g), ([, status]) =>
        Number(status),
      );
      return { statuses, seen: seen.splice(0) };
    },
    (each, outcome) => {
      const isLetThrough =
        outcome.statuses.every((status) => status === 200) && outcome.seen.join() !== each.seen.join();
      return isLetThrough && (each.statuses.at(-1) === 200 || outcome.seen.length > each.seen.length);
    },
  );
  assert.deepEqual(wrong, []);
});

test("the cases are more than 300, each under a name of its own", () => {
  assert.ok(all.length >= 300, `${all.length}`);
  assert.equal(new Set(all.map(({ name }) => name)).size, all.length);
});
