/** The longest piece of a line in bytes, as Docker cuts them. */
export const longestPiece = 16 * 1024;

const newline = 0x0a;

/** Makes lines of the bytes of one stream, however the writes split them. */
export class LineCutter {
  readonly #emit: (text: string) => void;
  /** The beginning of a line whose end has not come, never more than a piece. */
  #held: Buffer = Buffer.alloc(0);

  /** `emit` gets each line with its newline, or a piece of a line without one. */
  constructor(emit: (text: string) => void) {
    this.#emit = emit;
  }

  /** Takes what was written next. */
  push(bytes: Uint8Array): void {
    let rest = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    while (rest.length > 0) {
      const space = longestPiece - this.#held.length;
      // The newline itself may be one byte more than a piece: else a line of just that length would end in an empty entry.
      const at = rest.subarray(0, space + 1).indexOf(newline);
      if (at < 0 && rest.length <= space) {
        this.#held = Buffer.concat([this.#held, rest]);
        return;
      }
      const taken = at < 0 ? space : at + 1;
      const piece =
        this.#held.length === 0 ? rest.subarray(0, taken) : Buffer.concat([this.#held, rest.subarray(0, taken)]);
      const end = at < 0 ? wholeCharacters(piece) : piece.length;
      this.#emit(piece.toString("utf8", 0, end));
      this.#held = Buffer.from(piece.subarray(end));
      rest = rest.subarray(taken);
    }
  }

  /** Gives out what is held: the stream has ended. */
  end(): void {
    if (this.#held.length > 0) this.#emit(this.#held.toString());
    this.#held = Buffer.alloc(0);
  }
}

/** The length of a piece without the beginning of a UTF-8 character that its last bytes may be. */
function wholeCharacters(piece: Buffer): number {
  for (let back = 1; back <= 3; back++) {
    const byte = piece[piece.length - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const wanted = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return wanted > back ? piece.length - back : piece.length;
  }
  return piece.length;
}
