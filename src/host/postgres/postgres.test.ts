import assert from "node:assert/strict";
import { createServer, type Socket } from "node:net";
import { after, test } from "node:test";
import { createSecureContext, TLSSocket } from "node:tls";
import { selfSigned } from "../http/certificate-fixture.ts";
import { HostWorkload } from "../workload.ts";
import { defaultGrants } from "../../capabilities/index.ts";
import { AddressProblem, parseAddressOf } from "./address.ts";
import { type Client, clientOf, fakeServer, message, welcome } from "./postgres-fixture.ts";
import type { PostgresFailure } from "./failures.ts";
import type { PostgresConnection } from "./postgres.ts";

async function failureOf(promise: Promise<unknown>): Promise<PostgresFailure> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof Error && error.name === "PostgresFailure", String(error));
    return error as PostgresFailure;
  }
  return assert.fail("it went well");
}

const plain = "sslmode=disable";

/** A client that may connect to a server which does what `serve` does, and the address to do that with. */
async function against(
  serve: (socket: Socket) => void,
  options = plain,
): Promise<Client & { readonly address: string }> {
  const { port } = await fakeServer(serve);
  return { ...clientOf([`127.0.0.1:${port}`]), address: `host=127.0.0.1 port=${port} user=app password=x ${options}` };
}

/** A connection to a server that says `answer` to the first statement. */
async function asking(answer: (socket: Socket) => void): Promise<PostgresConnection> {
  let count = 0;
  const { postgres, address } = await against((socket) => {
    socket.on("data", () => {
      count += 1;
      if (count === 1) socket.write(welcome);
      else if (count === 2) answer(socket);
    });
  });
  return postgres.connect(address);
}

const column = (name: string, type: number): Buffer => {
  const rest = Buffer.alloc(18);
  rest.writeUInt32BE(type, 6);
  return Buffer.concat([Buffer.from(`${name}\0`), rest]);
};
const one = Uint8Array.of(0, 1);

test("a server that answers is understood", async () => {
  const connection = await asking((socket) =>
    socket.write(
      Buffer.concat([
        message("1"),
        message("2"),
        message("T", one, column("a", 25)),
        message("D", one, Uint8Array.of(0, 0, 0, 2), Buffer.from("hi")),
        message("C", "SELECT 1"),
        message("Z", Buffer.from("I")),
      ]),
    ),
  );
  const { columns, rows, count } = await connection.run("select a", []);
  assert.deepEqual([columns, rows, count], [[{ name: "a", type: 25, typeName: undefined }], [["hi"]], 1]);
});

const strange: Readonly<Record<string, (socket: Socket) => void>> = {
  "closes at once": (socket) => void socket.destroy(),
  "ends politely": (socket) => void socket.end(),
  "speaks HTTP": (socket) => void socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"),
  "says an unknown message": (socket) => void socket.end(message("?", "x")),
  "asks for an unknown way to know who it is": (socket) => void socket.end(message("R", Uint8Array.of(0, 0, 0, 99))),
  "asks for SCRAM without a way": (socket) => void socket.end(message("R", Uint8Array.of(0, 0, 0, 10), "NOTHING", "")),
  "says rows before anybody asked": (socket) => void socket.end(message("D", one, Uint8Array.of(0, 0, 0, 1, 65))),
  "says a length of nothing": (socket) => void socket.end(Uint8Array.of(0x52, 0, 0, 0, 0, 0x52, 0, 0, 0, 0)),
  "complains without an end": (socket) => void socket.end(message("E", Buffer.from("SERROR"))),
  "says of a value that it is larger than its message": (socket) =>
    void socket.end(message("D", one, Uint8Array.of(0, 0, 1, 0), Buffer.from("x"))),
  "says less than nothing": (socket) => void socket.end(message("T", Uint8Array.of(0xff, 0xff))),
  "cuts a message short": (socket) => void socket.end(Uint8Array.of(0x44, 0, 0, 0, 6, 0, 9)),
};

for (const [name, serve] of Object.entries(strange)) {
  test(`connect() fails where a server ${name}`, async () => {
    const { postgres, address } = await against(serve);
    const { kind } = await failureOf(postgres.connect(address));
    assert.equal(kind, "connection");
  });

  test(`run() fails where a server ${name} in the middle`, async () => {
    const connection = await asking(serve);
    const failure = await failureOf(connection.run("select 1", []));
    assert.equal(failure.kind, "query");
    assert.equal((await failureOf(connection.run("select 2", []))).kind, "query");
  });
}

test("nothing that a server says ends more than its connection", async () => {
  let state = 7;
  const random = (): number => (state = (state * 1103515245 + 12345) & 0x7fffffff) >>> 8;
  for (let round = 0; round < 150; round++) {
    const types = "RTDCZ12ESKNAnstcGHWI";
    const parts = Array.from({ length: 3 }, () => {
      const content = Uint8Array.from({ length: random() % 12 }, () => random() & 0xff);
      const built = message(types[random() % types.length] ?? "R", content);
      if (random() % 4 === 0) built.writeUInt32BE(random() % 40, 1);
      return built;
    });
    const connection = await asking((socket) => void socket.end(Buffer.concat(parts)));
    const outcome = await connection.run("select 1", []).catch((error: unknown) => error);
    assert.ok(
      outcome instanceof Error
        ? outcome.name === "PostgresFailure"
        : Array.isArray((outcome as { rows: unknown }).rows),
    );
  }
});

test("connect() gives up on a server that says nothing", async () => {
  const { postgres, address } = await against(() => {}, `${plain} connect_timeout=1`);
  assert.match((await failureOf(postgres.connect(address))).message, /took longer than 1 s/);
});

test("an instance that ends gives up what it waits for at a slow server", async () => {
  const { promise: reached, resolve } = Promise.withResolvers<void>();
  const { promise: closed, resolve: close } = Promise.withResolvers<void>();
  const client = await against((socket) => {
    socket.on("close", () => close());
    resolve();
  });
  const waiting = client.postgres.connect(client.address).catch(() => {});
  await reached;
  client.close();
  await closed;
  await Promise.race([waiting, new Promise((done) => setImmediate(done))]);
});

test("run() ends the connection of a server whose message would be too long, by what came of it", async () => {
  const piece = Buffer.alloc(1024 * 1024);
  const connection = await asking((socket) => {
    socket.write(Buffer.from([0x44, 0x7f, 0xff, 0xff, 0xff]));
    const more = (): void => {
      while (!socket.destroyed && socket.write(piece)) {}
    };
    socket.on("drain", more);
    more();
  });
  const { message: said } = await failureOf(connection.run("select 1", []));
  assert.match(said, /longer than 64/);
});

test("connect() wants TLS where the address does, and says so to a server without", async () => {
  const withoutTls = (socket: Socket): void => {
    socket.once("data", () => {
      socket.write("N");
      socket.once("data", () => socket.write(welcome));
    });
  };
  const strict = await against(withoutTls, "sslmode=require");
  assert.match((await failureOf(strict.postgres.connect(strict.address))).message, /the server has no TLS/);
  const lax = await against(withoutTls, "");
  assert.ok(await lax.postgres.connect(lax.address));
  const odd = await against((socket) => socket.once("data", () => socket.write("HTTP/1.1 400")), "");
  assert.match((await failureOf(odd.postgres.connect(odd.address))).message, /does not speak PostgreSQL's protocol/);
});

const certificate = selfSigned("127.0.0.1", "db.test");

function tlsServer(before: Uint8Array, seen: Buffer[] = []): (socket: Socket) => void {
  return (socket) =>
    void socket.once("data", () => {
      socket.write(before);
      const secured = new TLSSocket(socket, { isServer: true, secureContext: createSecureContext(certificate) });
      secured.on("error", () => {});
      secured.once("data", (bytes: Buffer) => {
        seen.push(bytes);
        secured.write(welcome);
      });
    });
}

test("connect() believes a certificate of an authority that it was given, and no other", async () => {
  const seen: Buffer[] = [];
  const { postgres, address } = await against(tlsServer(Buffer.from("S"), seen), "sslmode=require");
  assert.match((await failureOf(postgres.connect(address))).message, /certificate/i);
  // A name is checked as well: prefer takes no server that is not who it says.
  assert.match((await failureOf(postgres.connect(address.replace("require", "prefer")))).message, /certificate/i);
  assert.equal(seen.length, 0);
  assert.ok(await postgres.connect(address, [certificate.cert]));
  assert.match(seen[0]?.toString("latin1") ?? "", /user\0app\0/);
  const other = selfSigned("other.test");
  assert.match((await failureOf(postgres.connect(address, [other.cert]))).message, /certificate/i);
});

test("connect() takes nothing that was said before TLS for what was said in it", async () => {
  const { postgres, address } = await against(tlsServer(Buffer.concat([Buffer.from("S"), welcome])), "sslmode=require");
  assert.match(
    (await failureOf(postgres.connect(address, [certificate.cert]))).message,
    /said more than it may before TLS/,
  );
});

test("connect() counts as a socket of the instance, and gives it back", async () => {
  const { port } = await fakeServer((socket) => socket.once("data", () => socket.write(welcome)));
  const { postgres } = clientOf([`127.0.0.1:${port}`], { limits: { maxConnections: 1 } });
  const address = `host=127.0.0.1 port=${port} user=a ${plain}`;
  const first = await postgres.connect(address);
  assert.equal((await failureOf(postgres.connect(address))).kind, "connection");
  first.close();
  for (;;) {
    const again = await postgres.connect(address).catch(() => undefined);
    if (again !== undefined) break;
    await new Promise((done) => setImmediate(done));
  }
});

test("connect() is refused where only the name is granted and it leads inside, and the observer hears of it", async () => {
  let isReached = false;
  const server = createServer(() => (isReached = true)).listen(0, "127.0.0.1");
  after(() => server.close());
  const { postgres, refused } = clientOf(["db.test:5432"]);
  const failure = await failureOf(postgres.connect(`host=127.0.0.1 user=a ${plain}`));
  assert.match(failure.message, /no grant covers it/);
  assert.deepEqual(refused, [{ capability: "net.connect", host: "127.0.0.1", port: 5432 }]);
  assert.equal(isReached, false);
});

test("connect() says NETWORK_WAITS in an instance that blocks its thread", async () => {
  const workload = new HostWorkload(defaultGrants, {});
  after(() => workload.close());
  await assert.rejects(workload.createInstance().postgres.connect("host=x user=y"), { code: "NETWORK_WAITS" });
});

test("parseAddressOf() reads both forms", () => {
  const { host, port, user, password, database, tls, timeout, parameters } = parseAddressOf(
    "postgres://a%40b:p%3Aw@[::1]:6000/my%20db?sslmode=require&options=-c%20x%3D1&connect_timeout=2",
  );
  assert.deepEqual(
    { host, port, user, password, database, tls, timeout, parameters },
    {
      host: "::1",
      port: 6000,
      user: "a@b",
      password: "p:w",
      database: "my db",
      tls: "require",
      timeout: 2000,
      parameters: { options: "-c x=1" },
    },
  );
  const pairs = parseAddressOf("  host = db.test user='it\\'s me' password='' dbname=x\\ y ");
  assert.deepEqual(
    [pairs.host, pairs.port, pairs.user, pairs.password, pairs.database, pairs.tls],
    ["db.test", 5432, "it's me", "", "x y", "prefer"],
  );
  assert.equal(parseAddressOf("postgres:///d?host=/run/pg&user=u").host, "/run/pg");
});

test("parseAddressOf() says what is wrong with what it does not take", () => {
  const cases: Readonly<Record<string, RegExp>> = {
    "": /names no host/,
    "host=a": /names no user/,
    "user=a": /names no host/,
    "host=a user=b port=0": /is no port/,
    "host=a user=b port=70000": /is no port/,
    "host=a,b user=c": /more than one host/,
    "host=a user=b sslmode=maybe": /is no sslmode/,
    "host=a user=b passfile=/etc/passwd": /nothing is called "passfile"/,
    "host=a user=b sslkey=/etc/key": /nothing is called "sslkey"/,
    "host=a user=b service=x": /nothing is called "service"/,
    "host=a user=b connect_timeout=soon": /no number of seconds/,
    "host=a user='b": /neither a URL nor a list/,
    "host=a user=b extra": /neither a URL nor a list/,
    "mysql://a@b/c": /neither a URL nor a list/,
    "postgres://a%zz@b/c": /percent-encoded/,
    "postgres://a%00@b/c": /percent-encoded/,
    "host=a\0 user=b": /NUL/,
    "postgres://a@b/c?x": /has no value/,
  };
  for (const [text, pattern] of Object.entries(cases))
    assert.throws(
      () => parseAddressOf(text),
      (error) => error instanceof AddressProblem && pattern.test(error.message),
      text,
    );
});
