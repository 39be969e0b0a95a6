/** What a server keeps of a password (RFC 5803): enough to check it, and not enough to log in with. */
export interface Verifier {
  readonly iterations: number;
  readonly salt: string;
  readonly storedKey: Uint8Array;
  readonly serverKey: Uint8Array;
}

/** Reads a verifier as PostgreSQL keeps it: `SCRAM-SHA-256$<iterations>:<salt>$<stored key>:<server key>`. */
export function parseVerifier(text: string): Verifier | undefined {
  const match = /^SCRAM-SHA-256\$(\d{1,7}):([\w+/=]+)\$([\w+/=]+):([\w+/=]+)$/.exec(text);
  if (match === null) return undefined;
  const [, iterations = "", salt = "", storedKey = "", serverKey = ""] = match;
  return { iterations: Number(iterations), salt, storedKey: decode(storedKey), serverKey: decode(serverKey) };
}

const deadKey = crypto.getRandomValues(new Uint8Array(32));

/** A verifier that no password fits, the same each time, for a user that there is not: nobody learns who there is. */
export async function deadVerifier(user: string): Promise<Verifier> {
  const salt = encode((await hmac(deadKey, Buffer.from(user))).subarray(0, 16));
  return { iterations: 4096, salt, storedKey: new Uint8Array(32), serverKey: new Uint8Array(32) };
}

/** The server's side of one login (RFC 5802, RFC 7677), without channel binding. */
export class ScramServer {
  readonly #verifier: Verifier;
  #clientFirst = "";
  #serverFirst = "";
  #header = "";

  constructor(verifier: Verifier) {
    this.#verifier = verifier;
  }

  /** The answer to a client's first message; undefined where it is none. */
  first(message: string): string | undefined {
    const match = /^([ny],(?:a=[^,]*)?,)(n=[^,]*,r=([\x21-\x2b\x2d-\x7e]+))$/.exec(message);
    if (match === null) return undefined;
    const [, header = "", bare = "", nonce = ""] = match;
    this.#header = header;
    this.#clientFirst = bare;
    const own = encode(crypto.getRandomValues(new Uint8Array(18)));
    this.#serverFirst = `r=${nonce}${own},s=${this.#verifier.salt},i=${this.#verifier.iterations}`;
    return this.#serverFirst;
  }

  /** The answer to a client's proof that it knows the password; undefined where it does not. */
  async final(message: string): Promise<string | undefined> {
    const match = /^(c=([\w+/=]+),(r=[\x21-\x2b\x2d-\x7e]+)),p=([\w+/=]+)$/.exec(message);
    if (match === null) return undefined;
    const [, bare = "", binding = "", nonce = "", proof = ""] = match;
    const isSame = Buffer.from(decode(binding)).toString("utf8") === this.#header;
    if (!isSame || !this.#serverFirst.startsWith(`${nonce},`)) return undefined;
    const said = Buffer.from(`${this.#clientFirst},${this.#serverFirst},${bare}`);
    const { storedKey, serverKey } = this.#verifier;
    const signature = await hmac(storedKey, said);
    const given = decode(proof);
    if (given.length !== signature.length) return undefined;
    const clientKey = signature.map((byte, index) => byte ^ (given[index] ?? 0));
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", clientKey));
    let difference = 0;
    for (const [index, byte] of digest.entries()) difference |= byte ^ (storedKey[index] ?? 0);
    return difference === 0 ? `v=${encode(await hmac(serverKey, said))}` : undefined;
  }
}

async function hmac(key: Uint8Array, data: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const made = await crypto.subtle.importKey("raw", Uint8Array.from(key), { name: "HMAC", hash: "SHA-256" }, false, [
    "sign",
  ]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", made, Uint8Array.from(data)));
}

function encode(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

function decode(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, "base64"));
}
