import fc from "fast-check";
import type { AccessRequest } from "./request.ts";
import { checkedGrants } from "./grants-from-flags.ts";
import { type ConnectGrant, type FolderGrant, type Grants, type PortRange } from "./grants.ts";
import { parseCidr, formatAddress } from "./addresses.ts";
import { logLevels } from "./store-flags.ts";
import { stdioNames, variableProblem } from "./parse-flags.ts";

const name = fc.constantFrom("a", "b", "data", "sub dir", "x'y", "ä");
const folderName = fc.array(name, { maxLength: 3 }).map((parts) => `/${parts.join("/")}`);
const port = fc.oneof(fc.constantFrom(0, 80, 443, 5432, 65535), fc.integer({ min: 0, max: 65535 }));
const ports: fc.Arbitrary<PortRange> = fc.oneof(
  fc.constant({ first: 0, last: 65535 }),
  fc.tuple(port, port).map(([a, b]) => ({ first: Math.min(a, b), last: Math.max(a, b) })),
);
const hostName = fc.constantFrom("a.example", "b.a.example", "c.b.a.example", "example", "localhost", "db");
const v4 = fc.oneof(fc.constantFrom("10.1.2.3", "127.0.0.1", "169.254.169.254", "1.1.1.1", "0.0.0.0"), fc.ipV4());
const address = fc.oneof(v4, fc.constantFrom("::1", "fd00:ec2::254", "2606:4700::1111"), fc.ipV6());

/** Any IPv4 or IPv6 address as text. */
export const anyAddress = address;

const cidrHost = fc.tuple(address, fc.integer({ min: 0, max: 128 })).map(([text, bits]) => {
  const cidr = parseCidr(`${text}/${text.includes(":") ? bits : bits % 33}`) ?? parseCidr(text);
  if (cidr === undefined) throw new TypeError(`not an address: ${text}`);
  return { kind: "cidr", address: formatAddress(cidr.address), prefix: cidr.prefix } as const;
});
const connect: fc.Arbitrary<ConnectGrant> = fc.oneof(
  fc.record({
    host: fc.oneof(
      fc.constant({ kind: "public" } as const),
      hostName.map((each) => ({ kind: "name", name: each }) as const),
      hostName.map((each) => ({ kind: "subdomains", name: each }) as const),
      cidrHost,
    ),
    ports,
  }),
  folderName.map((path) => ({ host: { kind: "unix", path }, ports: { first: 0, last: 65535 } }) as const),
);
const bound = fc.option(fc.constantFrom("127.0.0.1", "10.0.0.1", "::1"), { nil: undefined });
const withAddress = <T extends object>({ address: at, ...rest }: { address: string | undefined } & T) =>
  at === undefined ? rest : { address: at, ...rest };
const unixListen = folderName.map((path) => ({ address: `unix:${path}`, ports: { first: 0, last: 0 } }));

const folder: fc.Arbitrary<FolderGrant> = fc.record({
  host: folderName.map((each) => `/host${each === "/" ? "" : each}`),
  guest: fc.oneof({ weight: 5, arbitrary: folderName }, fc.constantFrom(".", "..", "a", "a/b", "/a/..")),
  access: fc.constantFrom("read-only", "read-write"),
});

/** A folder of the host to type flags in, such that folders of {@link anyGrants} lie within it, beside it and above it. */
export const anyCwd = fc.oneof(
  fc.constant("/host"),
  fc.constantFrom("/", "/hos", "/host/", "/elsewhere"),
  folderName.map((each) => `/host${each === "/" ? "" : each}`),
);

const variableName = fc
  .oneof(fc.constantFrom("HOME", "__proto__", "1"), fc.string({ minLength: 1, unit: "grapheme" }))
  .filter((text) => variableProblem(text) === undefined);
const variableValue = fc.oneof(fc.string(), fc.string({ unit: "binary" })).filter((text) => !text.includes("\0"));

/** Grants of every shape that fit together. */
export const anyGrants: fc.Arbitrary<Grants> = fc
  .record({
    clock: fc.oneof(
      fc.constantFrom({ kind: "real" } as const, { kind: "coarse" } as const, { kind: "none" } as const),
      fc
        .bigInt({ min: 0n, max: (1n << 64n) - 1n })
        .map((time) => ({ kind: "fixed", unixNanoseconds: String(time) }) as const),
      fc
        .integer({ min: 0, max: 4e9 })
        .map((s) => ({ kind: "fixed", unixNanoseconds: `${BigInt(s) * 1_000_000_000n}` }) as const),
    ),
    random: fc.oneof(
      fc.constantFrom({ kind: "system" } as const, { kind: "none" } as const),
      variableValue.filter((text) => text !== "").map((seed) => ({ kind: "seed", seed }) as const),
    ),
    stdio: fc.subarray([...stdioNames]),
    env: fc.array(fc.tuple(variableName, variableValue), { maxLength: 3 }).map((all) => Object.fromEntries(all)),
    files: fc.array(folder, { maxLength: 4 }),
    config: fc.array(fc.tuple(variableName, variableValue), { maxLength: 2 }).map((all) => Object.fromEntries(all)),
    keyvalue: fc.uniqueArray(
      fc.oneof(
        variableName.map((each) => ({ name: each })),
        fc.record({ name: variableName, file: folderName.map((each) => `/host${each}db`) }),
      ),
      { maxLength: 3, selector: ({ name: each }) => each },
    ),
    log: fc.oneof(
      fc.constant({ kind: "none" } as const),
      fc.record({ kind: fc.constantFrom("stdout", "stderr"), level: fc.constantFrom(...logLevels) }),
    ),
    workdir: fc.option(folderName, { nil: undefined, freq: 3 }),
    net: fc.record({
      connect: fc.array(connect, { maxLength: 4 }),
      listen: fc.array(
        fc.oneof({ weight: 4, arbitrary: fc.record({ address: bound, ports }).map(withAddress) }, unixListen),
        {
          maxLength: 3,
        },
      ),
      publish: fc.array(fc.record({ address: bound, hostPort: port, guestPort: port }).map(withAddress), {
        maxLength: 2,
      }),
      dns: fc.boolean(),
    }),
  })
  .map(({ workdir, ...rest }) => fitting(structuredClone(rest), workdir));

/** The grants with as many of the folders, and the working directory, as fit together. */
function fitting(rest: Grants, workdir: string | undefined): Grants {
  const fits = (grants: Grants): boolean => {
    try {
      return checkedGrants(grants) === grants;
    } catch {
      return false;
    }
  };
  const files: FolderGrant[] = [];
  for (const each of rest.files) if (fits({ ...rest, files: [...files, each] })) files.push(each);
  const whole = { ...rest, files };
  return workdir !== undefined && fits({ ...whole, workdir }) ? { ...whole, workdir } : whole;
}

const part = fc.oneof({ weight: 4, arbitrary: name }, fc.constantFrom("..", ".", ""));

/** Requests near enough to {@link anyGrants} that many are allowed; paths are absolute unless `isRelative`. */
export const anyRequest: fc.Arbitrary<AccessRequest> = requests(fc.boolean());

/** The same with absolute paths only: what a relative one means depends on the grants. */
export const anyAbsoluteRequest: fc.Arbitrary<AccessRequest> = requests(fc.constant(false));

function requests(isRelative: fc.Arbitrary<boolean>): fc.Arbitrary<AccessRequest> {
  return fc.oneof(
    fc.constant({ capability: "clock" } as const),
    fc.constant({ capability: "random" } as const),
    fc.constantFrom(...stdioNames).map((stream) => ({ capability: "stdio", stream }) as const),
    variableName.map((each) => ({ capability: "env", name: each }) as const),
    variableName.map((each) => ({ capability: "config", name: each }) as const),
    variableName.map((each) => ({ capability: "keyvalue", name: each }) as const),
    fc.constant({ capability: "log" } as const),
    fc
      .tuple(fc.constantFrom("read" as const, "write" as const), fc.array(part, { maxLength: 5 }), isRelative)
      .map(([operation, parts, relative]) => {
        const path = parts.join("/").replace(/^\/+/, "");
        return { capability: "files", operation, path: relative ? path : `/${path}` } as const;
      }),
    fc
      .record({
        host: fc.oneof(
          hostName,
          address,
          hostName.map((each) => `sub.${each}`),
          folderName.map((path) => `unix:${path}`),
        ),
        port,
        addresses: fc.option(fc.array(address, { maxLength: 2 }), { nil: undefined }),
      })
      .map((request) => ({ capability: "net.connect", ...request }) as const),
    fc.record({ address: bound, port }).map((request) => ({ capability: "net.listen", ...request }) as const),
    unixListen.map(({ address: place }) => ({ capability: "net.listen", address: place, port: 0 }) as const),
    hostName.map((each) => ({ capability: "net.dns", name: each }) as const),
  );
}
