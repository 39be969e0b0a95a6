import assert from "node:assert/strict";
import { test } from "node:test";
import { failure, HostError } from "../base/index.ts";
import {
  bindCall,
  call,
  type CallContext,
  type CallRow,
  coreParameters,
  type NamedParameter,
  planCalls,
} from "./bind.ts";
import { forward } from "./forwarder-fixture.ts";
import { Bench } from "./preview1/preview1-fixture.ts";
import { preview1, unstable } from "./preview1/index.ts";

/** The core parameters of preview 1's functions by the specification (i: i32, l: i64); all but proc_exit answer an i32. */
const signatures: Readonly<Record<string, string>> = {
  args_get: "ii",
  args_sizes_get: "ii",
  clock_res_get: "ii",
  clock_time_get: "ili",
  environ_get: "ii",
  environ_sizes_get: "ii",
  fd_advise: "illi",
  fd_allocate: "ill",
  fd_close: "i",
  fd_datasync: "i",
  fd_fdstat_get: "ii",
  fd_fdstat_set_flags: "ii",
  fd_fdstat_set_rights: "ill",
  fd_filestat_get: "ii",
  fd_filestat_set_size: "il",
  fd_filestat_set_times: "illi",
  fd_pread: "iiili",
  fd_prestat_dir_name: "iii",
  fd_prestat_get: "ii",
  fd_pwrite: "iiili",
  fd_read: "iiii",
  fd_readdir: "iiili",
  fd_renumber: "ii",
  fd_seek: "ilii",
  fd_sync: "i",
  fd_tell: "ii",
  fd_write: "iiii",
  path_create_directory: "iii",
  path_filestat_get: "iiiii",
  path_filestat_set_times: "iiiilli",
  path_link: "iiiiiii",
  path_open: "iiiiillii",
  path_readlink: "iiiiii",
  path_remove_directory: "iii",
  path_rename: "iiiiii",
  path_symlink: "iiiii",
  path_unlink_file: "iii",
  poll_oneoff: "iiii",
  proc_exit: "i",
  proc_raise: "i",
  random_get: "ii",
  sched_yield: "",
  sock_accept: "iii",
  sock_recv: "iiiiii",
  sock_send: "iiiii",
  sock_shutdown: "ii",
};

function signatureOf<C>(row: CallRow<C>): string {
  return coreParameters(row)
    .map((type) => (type === "i32" ? "i" : "l"))
    .join("");
}

test("coreParameters() gives each row of preview 1 the signature of the specification", () => {
  const actual = Object.fromEntries(Object.entries(preview1).map(([name, row]) => [name, signatureOf(row)]));
  assert.deepEqual(actual, signatures);
});

test("coreParameters() gives wasi_unstable the same signatures", () => {
  for (const [name, row] of Object.entries(unstable)) assert.equal(signatureOf(row), signatures[name], name);
});

test("bindCall() makes functions that Wasm can import with these signatures", () => {
  const bench = new Bench();
  for (const [name, row] of Object.entries(preview1)) {
    const bound = bindCall(name, row, { context: bench.context });
    assert.equal((bound as CallableFunction).length, (signatures[name] ?? "").length, name);
    assert.equal((bound as CallableFunction).name, name);
  }
  bench.close();
});

/** A context that answers 1 for a failure and keeps what else it was given. */
class TestContext implements CallContext {
  readonly bugs: unknown[] = [];
  readonly written: unknown[] = [];
  readonly meter = { calls: 0, bytesIn: 0, bytesOut: 0 };

  suspend<T>(waited: Promise<T>, finish: (value: T) => number, fail: (error: unknown) => number): Promise<number> {
    return waited.then(finish, fail);
  }
  fail(error: unknown): number {
    if (error instanceof HostError) return 1;
    this.bugs.push(error);
    return 2;
  }
  nameOfError(error: unknown): string | undefined {
    return error instanceof HostError ? error.errno : undefined;
  }
}

const number = { core: ["i32"], lift: "$0 >>> 0", show: String } as const satisfies NamedParameter[1];
const pair = { core: ["i32", "i64"], lift: "[$0, $1]", show: (value: [number, bigint]) => value.join("+") } as const;
const written = {
  pointers: 1,
  lower: (context: TestContext, value: number, at: number) => void context.written.push([value, at]),
  show: (value: number) => `<${value}>`,
} as const;

function rowOf(
  run: (context: TestContext, value: number) => number | Promise<number>,
  { mayWait = true, moves = "in" }: { mayWait?: boolean; moves?: "in" | "out" } = {},
): CallRow<TestContext> {
  return call({ effect: "Tests.", errors: [] }, { params: [["value", number]], result: written, mayWait, moves, run });
}

type Bound = (...core: (number | bigint)[]) => number | Promise<number>;

function bind(row: CallRow<TestContext>, options: { mode?: "sync" | "async"; trace?: boolean } = {}) {
  const context = new TestContext();
  const lines: string[] = [];
  const trace = options.trace === true ? (line: string) => void lines.push(line) : undefined;
  return {
    context,
    lines,
    bound: bindCall("test_call", row, { context, trace, mode: options.mode ?? "sync" }) as Bound,
  };
}

/** The same bound async, called from Wasm: the only place that a `Suspending` import can be called from. */
function bindAsync(row: CallRow<TestContext>, options: { trace?: boolean } = {}) {
  const made = bind(row, { ...options, mode: "async" });
  const { test_call: entry } = forward([["test_call", row]], [made.bound as never]);
  assert.ok(entry);
  const promising = WebAssembly.promising(entry);
  return { ...made, bound: (...core: number[]) => promising(...core) };
}

test("bindCall() lifts what takes several core values, and numbers as unsigned", () => {
  const seen: unknown[] = [];
  const row = call(
    { effect: "Tests.", errors: [] },
    {
      params: [
        ["first", number],
        ["second", pair],
        ["third", number],
      ],
      run: (_context: TestContext, ...args) => void seen.push(args),
    },
  );
  const { bound, lines } = bind(row, { trace: true });
  assert.equal(bound(-1, 2, 3n, 4), 0);
  assert.deepEqual(seen, [[0xffff_ffff, [2, 3n], 4]]);
  assert.deepEqual(lines, ["test_call(first=4294967295,second=2+3,third=4) -> ok"]);
});

test("bindCall() hands the result to where the trailing pointer says, as unsigned", () => {
  const { bound, context } = bind(rowOf((_, value) => value + 1));
  assert.equal(bound(41, -4), 0);
  assert.deepEqual(context.written, [[42, 0xffff_fffc]]);
});

test("bindCall() bound sync takes a promise for a defect and never answers it", () => {
  const { bound, context } = bind(rowOf(() => Promise.resolve(1)));
  assert.equal(bound(1, 8), 2);
  assert.equal(context.bugs.length, 1);
  assert.match(String(context.bugs[0]), /"test_call" waited in an instance that is bound sync/);
  assert.deepEqual(context.written, []);
});

test("bindCall() takes a promise of a call that never waits for a defect, bound sync and async", () => {
  for (const mode of ["sync", "async"] as const) {
    const row = rowOf(() => Promise.reject(new Error("unheard")), { mayWait: false });
    const { bound, context } = bind(row, { mode });
    assert.equal(bound(1, 8), 2);
    assert.match(String(context.bugs[0]), /"test_call" answered a promise, though its row says that it never waits/);
    assert.deepEqual(context.meter, { calls: 1, bytesIn: 0, bytesOut: 0 });
  }
});

test("bindCall() counts calls and the bytes of those that move any, once and when they are over", async () => {
  const sync = bind(rowOf((_, value) => value, { moves: "out" }));
  const failing = bind(
    rowOf(() => {
      throw failure("badf");
    }),
  );
  for (let i = 0; i < 3; i++) {
    void sync.bound(i, 8);
    void failing.bound(i, 8);
  }
  assert.deepEqual(sync.context.meter, { calls: 3, bytesIn: 0, bytesOut: 3 });
  assert.deepEqual(failing.context.meter, { calls: 3, bytesIn: 0, bytesOut: 0 });
  for (const trace of [true, false]) {
    const waiting = bindAsync(
      rowOf((_, value) => Promise.resolve(value)),
      { trace },
    );
    const answer = waiting.bound(5, 8);
    assert.deepEqual(waiting.context.meter, { calls: 1, bytesIn: 0, bytesOut: 0 });
    await answer;
    assert.deepEqual(waiting.context.meter, { calls: 1, bytesIn: 5, bytesOut: 0 });
  }
});

test("bindCall() bound async resolves what waits, and answers at once what does not", async () => {
  const waiting = bindAsync(
    rowOf((_, value) => Promise.resolve(value * 2)),
    { trace: true },
  );
  const answer = waiting.bound(21, 8);
  assert.ok(answer instanceof Promise);
  assert.deepEqual(waiting.context.written, []);
  assert.equal(await answer, 0);
  assert.deepEqual(waiting.context.written, [[42, 8]]);
  assert.deepEqual(waiting.lines, ["test_call(value=21) -> <42>"]);
  const ready = bindAsync(rowOf((_, value) => value));
  void ready.bound(1, 8);
  assert.deepEqual(ready.context.written, [[1, 8]], "it did not wait for a turn");
});

test("planCalls() makes functions that answer JavaScript: a number, or a promise of it where the host waits", async () => {
  for (const isTraced of [false, true]) {
    const rows = [
      rowOf((_, value) => value),
      rowOf((_, value) => Promise.resolve(value * 2)),
      rowOf(() => Promise.reject(failure("noent"))),
    ].map((row): [string, CallRow<TestContext>] => ["test_call", row]);
    const context = new TestContext();
    const plan = planCalls(rows, { mode: "answer", isTraced });
    const [ready, waiting, failing] = plan(context, () => {}) as Bound[];
    assert.equal(ready?.(1, 8), 0);
    const answer = waiting?.(21, 16);
    assert.ok(answer instanceof Promise);
    assert.deepEqual(context.written, [[1, 8]]);
    assert.equal(await answer, 0);
    assert.deepEqual(context.written, [
      [1, 8],
      [42, 16],
    ]);
    assert.equal(await failing?.(1, 8), 1);
    assert.equal(context.meter.calls, 3);
  }
});

test("bindCall() bound async maps a rejection as it maps a throw", async () => {
  const rejected = bindAsync(
    rowOf(() => Promise.reject(failure("noent"))),
    { trace: true },
  );
  assert.equal(await rejected.bound(1, 8), 1);
  assert.deepEqual(rejected.lines, ["test_call(value=1) -> noent"]);
  const defect = bindAsync(rowOf(() => Promise.reject(new Error("defect"))));
  assert.equal(await defect.bound(1, 8), 2);
  assert.equal(defect.context.bugs.length, 1);
});

test("bindCall() gives the same with and without a trace", () => {
  const row = rowOf((_, value) => {
    if (value === 1) throw failure("badf");
    if (value === 2) throw new Error("defect");
    return value;
  });
  for (const value of [0, 1, 2, -3]) {
    const [traced, plain] = [bind(row, { trace: true }), bind(row)];
    assert.equal(traced.bound(value, 16), plain.bound(value, 16));
    assert.deepEqual(traced.context.written, plain.context.written);
    assert.deepEqual(traced.context.bugs.map(String), plain.context.bugs.map(String));
    assert.deepEqual([traced.lines.length, plain.lines.length], [1, 0]);
  }
});

test("bindCall() traces preview 1's calls without changing what they do", () => {
  const results = [true, false].map((isTraced) => {
    const bench = new Bench({ isTraced, args: ["a", "bc"], grants: { random: { kind: "seed", seed: "s" } } });
    bench.write("w/file", "hello");
    const fd = bench.open("file");
    const out = bench.place(64);
    const memories = [
      bench.expect("fd_read", [fd, bench.iovecs([out, 3]), out + 8], { writes: [[out, 12]] }),
      bench.expect("fd_read", [fd, bench.iovecs([out, 3]), -1], { errno: "fault", writes: [[out, 3]] }),
      bench.expect("random_get", [out, 64], { writes: [[out, 64]] }),
      bench.expect("args_get", [out, out + 16], { writes: [[out, 24]] }),
      bench.expect("path_open", [4, 0, bench.text("x"), 1, 0n, 0n, 0, out], { errno: "perm" }),
    ];
    bench.close();
    return memories.map((memory) => Buffer.from(memory.buffer).toString("base64"));
  });
  assert.deepEqual(results[0], results[1]);
});

/** Runs `use` and answers how often code was generated meanwhile. */
function countGenerated(use: () => void): number {
  const original = globalThis.Function;
  let generated = 0;
  globalThis.Function = class extends original {
    constructor(...parts: string[]) {
      super(...parts);
      generated += 1;
      return original(...parts);
    }
  } as FunctionConstructor;
  try {
    use();
  } finally {
    globalThis.Function = original;
  }
  return generated;
}

test("planCalls() generates code once for all its rows, and each instance gets functions of its own", () => {
  const named = [
    ["twice", rowOf((_, value) => value * 2)],
    ["next", rowOf((_, value) => value + 1)],
  ] as const;
  let plan: ReturnType<typeof planCalls<TestContext>> | undefined;
  assert.equal(
    countGenerated(() => (plan = planCalls(named))),
    1,
  );
  const contexts = [new TestContext(), new TestContext()];
  let bound: Bound[][] = [];
  assert.equal(
    countGenerated(() => (bound = contexts.map((context) => (plan?.(context) ?? []) as Bound[]))),
    0,
  );
  assert.deepEqual(
    bound.flat().map(({ name }) => name),
    ["twice", "next", "twice", "next"],
  );
  assert.equal(bound[0]?.[0]?.(21, 8), 0);
  assert.equal(bound[1]?.[1]?.(21, 16), 0);
  assert.deepEqual(
    contexts.map(({ written: kept }) => kept),
    [[[42, 8]], [[22, 16]]],
  );
});

test("planCalls() traces to what each instance was bound with", () => {
  const plan = planCalls([["twice", rowOf((_, value) => value * 2)]], { isTraced: true });
  const lines: string[] = [];
  for (const who of ["a", "b"]) {
    const [twice] = plan(new TestContext(), (line) => void lines.push(`${who}: ${line}`)) as Bound[];
    assert.equal(twice?.(4, 8), 0);
  }
  assert.deepEqual(lines, ["a: twice(value=4) -> <8>", "b: twice(value=4) -> <8>"]);
});

test("planCalls() binds versions of one name to one function, told apart by their arguments", () => {
  const other = call(
    { effect: "Tests.", errors: [] },
    {
      params: [
        ["value", number],
        ["more", number],
      ],
      result: written,
      run: (_context: TestContext, value, more) => value + more,
    },
  );
  const plan = planCalls([["twice", rowOf((_, value) => value * 2), other]]);
  const context = new TestContext();
  const [bound] = plan(context) as Bound[];
  assert.equal(bound?.(4, 8), 0);
  assert.equal(bound?.(4, 5, 16), 0);
  assert.deepEqual(context.written, [
    [8, 8],
    [9, 16],
  ]);
});
