/** A question of a name server's client (RFC 1035, section 4.1). */
export interface Question {
  readonly id: number;
  /** Whether the client wants recursion. */
  readonly recursion: boolean;
  readonly name: string;
  readonly type: number;
  readonly class: number;
  /** The question's own bytes, which an answer repeats. */
  readonly bytes: Uint8Array;
}

/** Response codes (RFC 1035, section 4.1.1). */
export const responseCode = { ok: 0, malformed: 1, failed: 2, noName: 3, notKnown: 4, refused: 5 } as const;

const headerBytes = 12;
const typeA = 1;
const typeAaaa = 28;
const typeAny = 255;
const classIn = 1;
/** Seconds that an answer may be kept. */
const ttl = 30;

/** Reads a query with one question; undefined for anything else. */
export function readQuestion(query: Uint8Array): Question | undefined {
  if (query.length < headerBytes) return undefined;
  const view = new DataView(query.buffer, query.byteOffset, query.length);
  const flags = view.getUint16(2);
  if ((flags & 0xf800) !== 0 || view.getUint16(4) !== 1) return undefined;
  const labels: string[] = [];
  let at = headerBytes;
  for (;;) {
    const length = query[at];
    // A question's name is never compressed.
    if (length === undefined || length > 63 || at + 1 + length > query.length) return undefined;
    at += 1;
    if (length === 0) break;
    const label = query.subarray(at, at + length);
    if (label.some((byte) => byte <= 0x20 || byte >= 0x7f || byte === 0x2e)) return undefined;
    labels.push(String.fromCharCode(...label));
    at += length;
    if (at - headerBytes > 255) return undefined;
  }
  if (at + 4 > query.length) return undefined;
  return {
    id: view.getUint16(0),
    recursion: (flags & 0x0100) !== 0,
    name: labels.join("."),
    type: view.getUint16(at),
    class: view.getUint16(at + 2),
    bytes: query.slice(headerBytes, at + 4),
  };
}

/** Whether a question is about addresses, the only thing that is answered. */
export function asksAddresses({ type, class: kind }: Question): boolean {
  return kind === classIn && (type === typeA || type === typeAaaa || type === typeAny);
}

/** Writes the answer to a question: the addresses of the family that it asks for. */
export function writeAnswer(
  question: Question,
  { code, addresses = [] }: { readonly code: number; readonly addresses?: readonly Uint8Array[] },
): Uint8Array {
  const wanted = addresses.filter(({ length }) => question.type !== (length === 4 ? typeAaaa : typeA));
  const size = wanted.reduce((sum, { length }) => sum + 12 + length, headerBytes + question.bytes.length);
  const answer = new Uint8Array(size);
  const view = new DataView(answer.buffer);
  view.setUint16(0, question.id);
  view.setUint16(2, 0x8080 | (question.recursion ? 0x0100 : 0) | code);
  view.setUint16(4, 1);
  view.setUint16(6, wanted.length);
  answer.set(question.bytes, headerBytes);
  let at = headerBytes + question.bytes.length;
  for (const address of wanted) {
    // The name is the question's, which begins behind the header (compression, section 4.1.4).
    view.setUint16(at, 0xc000 | headerBytes);
    view.setUint16(at + 2, address.length === 4 ? typeA : typeAaaa);
    view.setUint16(at + 4, classIn);
    view.setUint32(at + 6, ttl);
    view.setUint16(at + 10, address.length);
    answer.set(address, at + 12);
    at += 12 + address.length;
  }
  return answer;
}
