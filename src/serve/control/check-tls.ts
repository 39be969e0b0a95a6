import { createSecureContext, type SecureContextOptions } from "node:tls";
import { SampanError, shellWord } from "../../base/index.ts";

/** A certificate and its private key: paths, or what is in the files. */
export interface TlsPair {
  readonly cert: string;
  readonly key: string;
}

/** Says which of the two files cannot be used, and what to type. @throws SERVE_TLS */
export function checkTls(files: TlsPair, pems: TlsPair): void {
  const [cert, key] = [shellWord(files.cert), shellWord(files.key)];
  for (const part of ["cert", "key"] as const) checkFilled(pems[part], files[part], part);
  const certCause = refusalOf({ cert: pems.cert });
  if (certCause !== undefined) {
    const isKey = pems.cert.includes("PRIVATE KEY-----");
    throw unusable(`Cannot use the certificate "${files.cert}": ${isKey ? "it is a private key" : notPem}`, {
      hint: isKey
        ? "give the certificate with --tls-cert, and this one with --tls-key"
        : `where it is in DER form, write it as PEM: openssl x509 -inform der -in ${cert} -out cert.pem`,
      cause: certCause,
    });
  }
  const keyCause = refusalOf({ key: pems.key });
  if (keyCause !== undefined) {
    const isLocked = pems.key.includes("ENCRYPTED");
    throw unusable(`Cannot use the private key "${files.key}": ${isLocked ? "it has a passphrase" : notPem}`, {
      hint: isLocked
        ? `write it without one: openssl pkey -in ${key} -out key.pem`
        : `where it is in DER form, write it as PEM: openssl pkey -inform der -in ${key} -out key.pem`,
      cause: keyCause,
    });
  }
  const cause = refusalOf(pems);
  if (cause !== undefined)
    throw unusable(`Cannot use "${files.cert}" with the key "${files.key}": they do not belong together`, {
      hint: `what both have to print alike: openssl x509 -noout -pubkey -in ${cert}; openssl pkey -pubout -in ${key}`,
      cause,
    });
}

/** Node takes an empty text for none at all, and would serve nobody. */
function checkFilled(pem: string, file: string, part: keyof TlsPair): void {
  if (pem.trim() !== "") return;
  const what = part === "cert" ? "certificate" : "private key";
  const cause = new RangeError("an empty PEM text");
  throw unusable(`Cannot use the ${what} "${file}": the file is empty`, {
    hint: `name the file that has it with --tls-${part} FILE (in a file: tls-${part}: FILE)`,
    cause,
  });
}

const notPem = "it is none in PEM form";

function refusalOf(options: SecureContextOptions): unknown {
  try {
    createSecureContext(options);
    return undefined;
  } catch (error) {
    return error;
  }
}

function unusable(message: string, options: { readonly hint: string; readonly cause: unknown }): SampanError {
  return new SampanError("SERVE_TLS", message, options);
}
