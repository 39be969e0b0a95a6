/** Whether two lists have the same words from a place on, as many as `length`; both reach so far. */
export function isSame(
  a: Int32Array,
  b: Int32Array,
  { from, length }: { readonly from: number; readonly length: number },
): boolean {
  const [start, end] = [from * 4, (from + length) * 4];
  const bytes = Buffer.from(a.buffer, a.byteOffset, a.byteLength);
  return bytes.compare(new Uint8Array(b.buffer, b.byteOffset, b.byteLength), start, end, start, end) === 0;
}
