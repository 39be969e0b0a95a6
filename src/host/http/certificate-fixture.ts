import { createSign, generateKeyPairSync, type KeyObject } from "node:crypto";

/** A key and a certificate of its own, as PEM. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

const sequence = (...parts: readonly Uint8Array[]): Buffer => der(0x30, ...parts);
const bytes = (...values: readonly number[]): Buffer => Buffer.from(values);
const oid = {
  commonName: der(6, bytes(0x55, 4, 3)),
  basicConstraints: der(6, bytes(0x55, 29, 19)),
  subjectAltName: der(6, bytes(0x55, 29, 17)),
  ecdsaWithSha256: der(6, bytes(0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2)),
};

function nameOf(text: string): Buffer {
  return sequence(der(0x31, sequence(oid.commonName, der(12, Buffer.from(text)))));
}

function extensions(names: readonly string[]): Buffer {
  const constraints = sequence(oid.basicConstraints, der(4, sequence(der(1, bytes(255)))));
  const alternatives = names.map((name) =>
    /^[\d.]+$/.test(name) ? der(0x87, bytes(...name.split(".").map(Number))) : der(0x82, Buffer.from(name)),
  );
  return der(0xa3, sequence(constraints, sequence(oid.subjectAltName, der(4, sequence(...alternatives)))));
}

function signed(body: Buffer, key: KeyObject): Buffer {
  const signature = createSign("sha256").update(body).sign(key);
  return sequence(body, sequence(oid.ecdsaWithSha256), der(3, bytes(0), signature));
}

/** A certificate that vouches for itself, for names and addresses of IPv4 (RFC 5280). */
export function selfSigned(...names: readonly string[]): Certificate {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const name = nameOf("Sampan's tests");
  const body = sequence(
    der(0xa0, der(2, bytes(2))),
    der(2, bytes(1)),
    sequence(oid.ecdsaWithSha256),
    name,
    sequence(der(23, Buffer.from("200101000000Z")), der(23, Buffer.from("491231235959Z"))),
    name,
    publicKey.export({ type: "spki", format: "der" }),
    extensions(names),
  );
  const text = signed(body, privateKey)
    .toString("base64")
    .replace(/(.{64})/g, "$1\n")
    .trimEnd();
  return {
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`,
  };
}
