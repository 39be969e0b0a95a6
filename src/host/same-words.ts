/** A list of words from a place on. */
export interface Words {
  readonly words: Int32Array;
  readonly at: number;
}

/** Whether two lists have the same words, as many as `length`; both reach so far. */
export function isSame(a: Words, b: Words, length: number): boolean {
  const [fromA, fromB] = [a.at * 4, b.at * 4];
  const { buffer, byteOffset, byteLength } = a.words;
  const target = new Uint8Array(b.words.buffer, b.words.byteOffset, b.words.byteLength);
  const bytes = Buffer.from(buffer, byteOffset, byteLength);
  return bytes.compare(target, fromB, fromB + length * 4, fromA, fromA + length * 4) === 0;
}
