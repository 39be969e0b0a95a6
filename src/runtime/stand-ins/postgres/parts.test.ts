import assert from "node:assert/strict";
import { createHash, createHmac, pbkdf2Sync } from "node:crypto";
import { test } from "node:test";
import { AnswerFilter } from "./answers.ts";
import { errorMessage, front, FrontReader, message, ProtocolError } from "./frontend.ts";
import { Names } from "./names.ts";
import { deadVerifier, parseVerifier, ScramServer } from "./scram.ts";
import { ClientCommand, splitScript } from "./sql-script.ts";

const texts = (script: string): string[] => [...splitScript(script)].map(({ text }) => text.trim());

test("splitScript() cuts at semicolons that are outside of quotes and comments", () => {
  assert.deepEqual(texts("SELECT 1; SELECT ';' ;SELECT 3"), ["SELECT 1;", "SELECT ';' ;", "SELECT 3"]);
  assert.deepEqual(texts("SELECT 'it''s;' || E'\\';' || \"a;\"\"b\"; X"), [
    "SELECT 'it''s;' || E'\\';' || \"a;\"\"b\";",
    "X",
  ]);
  assert.deepEqual(texts("DO $$ BEGIN x; END $$; SELECT $a$;$b$;$a$;"), [
    "DO $$ BEGIN x; END $$;",
    "SELECT $a$;$b$;$a$;",
  ]);
  assert.deepEqual(texts("-- a; b\n/* c; /* d; */ e; */ SELECT 1; -- end;"), ["SELECT 1;"]);
  assert.deepEqual(texts("SELECT tag$1$; SELECT 2;"), ["SELECT tag$1$;", "SELECT 2;"]);
  assert.deepEqual(texts(";;\n ; "), []);
});

test("splitScript() takes the rows behind a copy, says lines, and refuses psql's commands", () => {
  const script = "\\restrict abc\n\nCOPY t (a) FROM stdin;\n1\n\\.\nSELECT 1;\n\\unrestrict abc\n";
  const found = [...splitScript(script)];
  assert.deepEqual(
    found.map(({ line, rows }) => [line, rows]),
    [
      [3, "1\n"],
      [6, undefined],
    ],
  );
  assert.throws(
    () => texts("SELECT 1;\n\\connect other\n"),
    (error) => error instanceof ClientCommand && error.line === 2,
  );
});

test("FrontReader cuts messages however their bytes come, and refuses lengths that there cannot be", () => {
  const all = Buffer.concat([message(front.query, "SELECT 1"), message(front.sync)]);
  for (let size = 1; size <= all.length; size++) {
    const reader = new FrontReader();
    reader.begin();
    const types: number[] = [];
    for (let at = 0; at < all.length; at += size) {
      reader.add(all.subarray(at, at + size));
      for (let next = reader.next(); next !== undefined; next = reader.next()) types.push(next.type);
    }
    assert.deepEqual(types, [front.query, front.sync], `pieces of ${size}`);
    assert.equal(reader.size, 0);
  }
  for (const head of [
    [0x51, 0, 0, 0, 3],
    [0x51, 0x7f, 0, 0, 0],
    [0x51, 0xff, 0xff, 0xff, 0xff],
  ]) {
    const reader = new FrontReader();
    reader.begin();
    reader.add(Uint8Array.from(head));
    assert.throws(() => reader.next(), ProtocolError);
  }
});

test("Names gives statements and portals names of their client's, and closes one without a name before the next", () => {
  const names = new Names(7);
  const textOf = (type: number, ...parts: (string | number)[]): string => {
    const { parts: renamed } = names.rename({ type, bytes: message(type, ...parts) });
    return renamed.map((each) => Buffer.from(each.subarray(5)).toString("latin1")).join("|");
  };
  assert.equal(textOf(front.parse, "s0", "SELECT 1", 0, 0), "client7_s0\0SELECT 1\0\0\0");
  assert.equal(textOf(front.parse, "", "SELECT 2", 0, 0), "Sclient7_\0|client7_\0SELECT 2\0\0\0");
  assert.equal(textOf(front.bind, "", "s0", 0), "\0client7_s0\0\0");
  assert.equal(textOf(front.bind, "p", "", 0), "client7_p\0client7_\0\0");
  assert.equal(textOf(front.execute, "p", 0), "client7_p\0\0");
  assert.equal(textOf(front.describe, 0x50, ""), "P\0");
  assert.equal(textOf(front.describe, 0x53, "s0"), "Sclient7_s0\0");
  assert.equal(names.closeAll().parts.length, 2);
  assert.equal(names.closeAll().parts.length, 0);
  for (const bytes of [Uint8Array.of(0x42, 0, 0, 0, 5, 0x61), Uint8Array.of(0x44, 0, 0, 0, 5, 0x61)])
    assert.throws(() => names.rename({ type: bytes[0] ?? 0, bytes }), ProtocolError);
});

test("AnswerFilter takes out what the client has not asked for, however the answers are cut up", () => {
  const answers = Buffer.concat([
    message(0x33),
    message(0x31),
    message(0x33),
    message(0x44, "row"),
    message(0x47, 0, 0, 0),
    errorMessage("ERROR", "42601", "what"),
    message(0x5a, 0x54),
  ]);
  for (let size = 1; size <= answers.length; size++) {
    const wanted = [false, true];
    const said: string[] = [];
    const filter = new AnswerFilter({
      isWanted: (what) => (what === "close" ? wanted.shift() === true : false),
      ready: (status) => void said.push(status),
      error: (severity, text) => void said.push(`${severity} ${text}`),
    });
    const kept: Buffer[] = [];
    for (let at = 0; at < answers.length; at += size) kept.push(filter.take(answers.subarray(at, at + size)));
    const expected = [message(0x31), message(0x33), message(0x44, "row")];
    const all = Buffer.concat([...expected, errorMessage("ERROR", "42601", "what"), message(0x5a, 0x54)]);
    assert.deepEqual(Buffer.concat(kept), all, `pieces of ${size}`);
    assert.deepEqual(said, ["ERROR what", "T"]);
  }
});

test("ScramServer takes who knows the password, and nobody else", async () => {
  const salt = Buffer.from("W22ZaJ0SNY7soEsUEjb6gQ==", "base64");
  const keyOf = (password: string, name: string): Buffer =>
    createHmac("sha256", pbkdf2Sync(password, salt, 4096, 32, "sha256"))
      .update(name)
      .digest();
  const stored = createHash("sha256").update(keyOf("pencil", "Client Key")).digest("base64");
  const server = keyOf("pencil", "Server Key").toString("base64");
  const verifier = parseVerifier(`SCRAM-SHA-256$4096:${salt.toString("base64")}$${stored}:${server}`);
  assert.ok(verifier !== undefined);
  const attempt = async (password: string, { binding = "biws", change = "" } = {}): Promise<string | undefined> => {
    const scram = new ScramServer(verifier);
    const challenge = scram.first("n,,n=user,r=abc") ?? "";
    const bare = `c=${binding},${challenge.split(",")[0] ?? ""}${change}`;
    const key = keyOf(password, "Client Key");
    const said = `n=user,r=abc,${challenge},${bare}`;
    const signature = createHmac("sha256", createHash("sha256").update(key).digest()).update(said).digest();
    return scram.final(
      `${bare},p=${Buffer.from(key.map((byte, at) => byte ^ (signature[at] ?? 0))).toString("base64")}`,
    );
  };
  assert.match((await attempt("pencil")) ?? "", /^v=/);
  assert.equal(await attempt("pencils"), undefined);
  assert.equal(await attempt("pencil", { binding: "eSws" }), undefined);
  assert.equal(await attempt("pencil", { change: "x" }), undefined);
  assert.equal(await new ScramServer(verifier).final("c=biws,r=abc,p=AAAA"), undefined);
  assert.equal(new ScramServer(verifier).first("p=tls-unique,,n=,r=abc"), undefined);
  assert.match(new ScramServer(await deadVerifier("x")).first("n,,n=,r=abc") ?? "", /^r=abc.+,i=4096$/);
  for (const broken of ["", "md5abc", "SCRAM-SHA-256$x:y$z"]) assert.equal(parseVerifier(broken), undefined);
});
