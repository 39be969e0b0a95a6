import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SampanError } from "../base/index.ts";
import { attenuate } from "./attenuate.ts";
import { check } from "./check.ts";
import { anyAbsoluteRequest, anyGrants } from "./grants-arbitrary.ts";
import { grantsFromFlags } from "./grants-from-flags.ts";
import { defaultGrants, type Grants, noGrants } from "./grants.ts";
import { usedGrants } from "./learn.ts";
import type { AccessRequest } from "./request.ts";
import { typedWords } from "./typed-words.ts";

const granted = (...flags: string[]): Grants => grantsFromFlags(flags.flatMap(typedWords), { cwd: "/home" });

function narrowed(grants: Grants, narrower: Grants): Grants | undefined {
  try {
    return attenuate(grants, narrower);
  } catch (error) {
    if (error instanceof SampanError && error.code === "GRANT_WIDENED") return undefined;
    throw error;
  }
}

/** Pieces of two grants mixed, so that about half of the mixtures lie within the first. */
const mixed = fc.tuple(anyGrants, anyGrants, fc.infiniteStream(fc.nat(3))).map(([grants, other, dice]) => {
  const roll = (): number => dice.next().value ?? 0;
  const some = <T>(mine: readonly T[], theirs: readonly T[]): T[] => [
    ...mine.filter(() => roll() > 0),
    ...theirs.filter(() => roll() === 0),
  ];
  const pick = <T>(mine: T, theirs: T): T => (roll() > 0 ? mine : theirs);
  const files = some(grants.files, []).map((each) => (roll() > 1 ? { ...each, access: "read-only" as const } : each));
  const deeper = files.map((each) =>
    roll() > 2 ? { ...each, host: `${each.host}/b`, guest: `${each.guest === "/" ? "" : each.guest}/b` } : each,
  );
  const names = new Set<string>();
  const mixture: Grants = {
    clock: pick(grants.clock, other.clock),
    random: pick(grants.random, other.random),
    stdio: pick(grants.stdio, other.stdio),
    env: Object.fromEntries(
      some(
        Object.entries(grants.env),
        Object.entries(other.env).filter(() => roll() === 0),
      ),
    ),
    files: some(deeper, other.files).filter(({ guest }) => {
      const key = guest
        .split("/")
        .filter((part) => part !== "" && part !== ".")
        .join("/");
      return !names.has(key) && names.add(key);
    }),
    config: Object.fromEntries(
      some(
        Object.entries(grants.config),
        Object.entries(other.config).filter(() => roll() === 0),
      ),
    ),
    keyvalue: some(
      grants.keyvalue,
      other.keyvalue.filter(({ name }) => roll() === 0 && !grants.keyvalue.some((store) => store.name === name)),
    ),
    log: pick(grants.log, other.log),
    net: {
      connect: some(
        grants.net.connect,
        other.net.connect.filter(() => roll() === 0),
      ),
      listen: some(
        grants.net.listen,
        other.net.listen.filter(() => roll() === 0),
      ),
      publish: some(grants.net.publish, []),
      dns: pick(grants.net.dns, other.net.dns),
    },
  };
  return [grants, mixture] as const;
});

test("attenuate() allows nothing that the grants it narrows refuse", () => {
  let within = 0;
  let allowed = 0;
  fc.assert(
    fc.property(
      mixed,
      fc.array(anyAbsoluteRequest, { minLength: 20, maxLength: 40 }),
      ([grants, mixture], requests) => {
        const fewer = narrowed(grants, mixture);
        if (fewer === undefined) return;
        within += 1;
        for (const request of requests) {
          if (!check(fewer, request).allowed) continue;
          allowed += 1;
          const verdict = check(grants, request);
          assert.ok(verdict.allowed, `${JSON.stringify(request)}: ${JSON.stringify(verdict)}`);
        }
      },
    ),
    { numRuns: 3000 },
  );
  assert.ok(within > 200 && allowed > 1000, `${within} within, ${allowed} allowed`);
});

test("attenuate() refuses each set of grants that allows a request which the first refuses", () => {
  let wider = 0;
  fc.assert(
    fc.property(
      mixed,
      fc.array(anyAbsoluteRequest, { minLength: 20, maxLength: 40 }),
      ([grants, mixture], requests) => {
        const isWider = requests.some((request) => check(mixture, request).allowed && !check(grants, request).allowed);
        if (!isWider) return;
        wider += 1;
        assert.equal(narrowed(grants, mixture), undefined);
      },
    ),
    { numRuns: 2000 },
  );
  assert.ok(wider > 200, `${wider} wider`);
});

test("attenuate() takes every set of grants as no wider than itself, and nothing as within everything", () => {
  fc.assert(
    fc.property(anyGrants, (grants) => {
      assert.deepEqual(attenuate(grants, grants), grants);
      assert.deepEqual(attenuate(grants, noGrants), noGrants);
    }),
  );
});

test("usedGrants() lie within the grants and allow every request that was used", () => {
  let used = 0;
  fc.assert(
    fc.property(anyGrants, fc.array(anyAbsoluteRequest, { maxLength: 30 }), (grants, requests) => {
      const fewer = attenuate(grants, usedGrants(grants, requests));
      for (const request of requests as AccessRequest[]) {
        assert.equal(check(fewer, request).allowed, check(grants, request).allowed, JSON.stringify(request));
        used += check(grants, request).allowed ? 1 : 0;
      }
    }),
    { numRuns: 1000 },
  );
  assert.ok(used > 1000, `${used} used`);
});

test("attenuate() names the flag that is wider, and why", () => {
  const cases: [Grants, string[], RegExp][] = [
    [
      granted("-v ./data:/data:ro"),
      ["-v ./data:/data"],
      /"-v \/home\/data:\/data": the granted folder "\/data" is read-only/,
    ],
    [granted("-v ./data:/data"), ["-v .:/"], /no granted folder contains it/],
    [granted("-v ./data:/data"), ["-v ./other:/data"], /has another folder of the host there/],
    [granted("-v ./a:/", "-v ./b:/b:ro"), ["-v ./a:/"], /uncovers what the granted folder "\/b" hides/],
    [granted("--clock coarse"), [], /"--clock real"/],
    [granted("--random seed=a"), ["--random seed=b"], /"--random seed=b"/],
    [granted("--stdio stdout"), [], /"--stdio stdin"/],
    [granted("-e A=1"), ["-e A=2"], /"-e A": its value differs/],
    [granted("--allow-net db:80"), ["--allow-net db"], /"--allow-net db"/],
    [granted("--allow-net '*'"), ["--allow-net 10.0.0.0/8"], /"--allow-net 10.0.0.0\/8"/],
    [granted("--allow-net '*'"), ["--allow-net localhost"], /"--allow-net localhost"/],
    [granted("--allow-net '*'"), ["--allow-net 0.0.0.0/0"], /"--allow-net 0.0.0.0\/0"/],
    [granted("--allow-listen 80-90"), ["--allow-listen 80-91"], /"--allow-listen 80-91"/],
    [granted("--allow-listen '*'"), ["--allow-listen unix:/run/a"], /"--allow-listen unix:\/run\/a"/],
    [granted("--allow-listen unix:/run/b"), ["--allow-listen unix:/run/a"], /"--allow-listen unix:\/run\/a"/],
    [granted("-p 127.0.0.1:80:80"), ["-p 80:80"], /"-p 80:80"/],
    [granted("--allow-net a"), ["--allow-dns"], /"--allow-dns"/],
  ];
  for (const [grants, flags, message] of cases) {
    assert.throws(
      () => attenuate(grants, granted(...flags)),
      (error) => error instanceof SampanError && error.code === "GRANT_WIDENED" && message.test(error.message),
      message.source,
    );
  }
});

test("attenuate() narrows folders, hosts, ports, clocks and randomness", () => {
  const wide = granted(
    "-v ./data:/data",
    "--allow-net '*.example'",
    "--allow-net 10.0.0.0/8",
    "--allow-listen 80-85",
    "--allow-listen 86-90",
  );
  const narrow = granted(
    "-v ./data/sub:/data/sub:ro",
    "--allow-net a.example:443",
    "--allow-net '*.b.example'",
    "--allow-net 10.1.0.0/16:80",
    "--allow-listen 84-87",
    "--clock coarse",
    "--random seed=x",
    "--stdio none",
  );
  assert.deepEqual(attenuate(wide, narrow), narrow);
  assert.deepEqual(
    attenuate(narrow, { ...narrow, clock: { kind: "fixed", unixNanoseconds: "1" } }).clock.kind,
    "fixed",
  );
  assert.deepEqual(attenuate(defaultGrants, noGrants), noGrants);
});
