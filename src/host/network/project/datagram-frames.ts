import type { InternetAddress } from "../backend.ts";
import { parsePlace } from "../place.ts";

/** Most bytes of a datagram (UDP over IPv4), and of its sender's place as text. */
const mostBytes = 65_507;
const mostPlaceBytes = 64;
const headBytes = 5;

/** One datagram for a stream: its length in 4 bytes, its sender's place behind a byte that says how long that is, itself. */
export function writeDatagram(bytes: Uint8Array, { address, family, port }: InternetAddress): Uint8Array {
  const place = new TextEncoder().encode(family === "ipv4" ? `${address}:${port}` : `[${address}]:${port}`);
  const frame = new Uint8Array(headBytes + place.length + bytes.length);
  new DataView(frame.buffer).setUint32(0, bytes.length);
  frame[4] = place.length;
  frame.set(place, headBytes);
  frame.set(bytes, headBytes + place.length);
  return frame;
}

/** Reads datagrams from a stream, however that is cut up. */
export class DatagramReader {
  #rest: Uint8Array<ArrayBufferLike> = new Uint8Array(0);

  /** Hands over each that is whole; false for what is no such stream, after which there is nothing to read. */
  take(bytes: Uint8Array, arrived: (datagram: Uint8Array, from: InternetAddress) => void): boolean {
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    let at = 0;
    for (;;) {
      if (all.length - at < headBytes) break;
      const length = new DataView(all.buffer, all.byteOffset + at).getUint32(0);
      const placeLength = all[at + 4] ?? 0;
      if (length > mostBytes || placeLength > mostPlaceBytes) return false;
      const end = at + headBytes + placeLength + length;
      if (all.length < end) break;
      const text = Buffer.from(all.subarray(at + headBytes, at + headBytes + placeLength)).toString("latin1");
      const from = parsePlace(text, 0);
      if (from === undefined) return false;
      arrived(all.slice(at + headBytes + placeLength, end), from);
      at = end;
    }
    this.#rest = all.slice(at);
    return true;
  }
}
