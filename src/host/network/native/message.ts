/** What is sent together: text, a character for each byte, around pieces. */
export interface Message {
  readonly before: string;
  readonly pieces: readonly Uint8Array[];
  readonly behind: string;
  readonly length: number;
}

/** Puts the parts of a message together. */
export function messageOf(before: string, pieces: readonly Uint8Array[], behind: string): Message {
  let length = before.length + behind.length;
  for (const piece of pieces) length += piece.length;
  return { before, pieces, behind, length };
}

/** Writes all of a message to where there is room for it. */
export function gather(into: Buffer, { before, pieces, behind }: Message): void {
  let at = into.write(before, 0, "latin1");
  for (const piece of pieces) {
    into.set(piece, at);
    at += piece.length;
  }
  if (behind !== "") into.write(behind, at, "latin1");
}
