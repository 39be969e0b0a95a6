import { HostError } from "../../base/index.ts";
import { type Address, parseAddress } from "../../capabilities/index.ts";
import { asksAddresses, readQuestion, responseCode, writeAnswer } from "./dns-message.ts";

/** Looks up a name under the grants. Rejects with HostError acces, ainoname, aiagain, aifail. */
export type Lookup = (name: string) => Promise<readonly string[]>;

/** The answer to a query as a name server gives it, or undefined for what is none. */
export async function answerQuery(query: Uint8Array, lookup: Lookup): Promise<Uint8Array | undefined> {
  const question = readQuestion(query);
  if (question === undefined) return undefined;
  if (!asksAddresses(question)) return writeAnswer(question, { code: responseCode.notKnown });
  try {
    const addresses = (await lookup(question.name)).flatMap((text) => {
      const address = parseAddress(text);
      return address === undefined ? [] : [bytesOf(address)];
    });
    return writeAnswer(question, { code: responseCode.ok, addresses });
  } catch (error) {
    const errno = error instanceof HostError ? error.errno : "io";
    const code =
      errno === "acces"
        ? responseCode.refused
        : errno === "ainoname" || errno === "ainodata"
          ? responseCode.noName
          : responseCode.failed;
    return writeAnswer(question, { code });
  }
}

function bytesOf({ family, bits }: Address): Uint8Array {
  const bytes = new Uint8Array(family === 4 ? 4 : 16);
  for (let i = bytes.length - 1, rest = bits; i >= 0; i--, rest >>= 8n) bytes[i] = Number(rest & 255n);
  return bytes;
}
