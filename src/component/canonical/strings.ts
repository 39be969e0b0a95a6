import { maxByteLength } from "./layout.ts";
import { allocate, mismatch, reallocate } from "./lists.ts";
import type { CanonicalRuntime } from "./runtime.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const utf16 = new TextDecoder("utf-16le", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();
const fromCodes = String.fromCharCode;

/** Up to so many code units a loop is faster than the calls out of JavaScript that TextDecoder and TextEncoder make. */
const shortText = 40;
const shortEncoding = 24;
/** Up to so many characters V8 joins strings by copying, and above it makes a tree of them. */
const flatJoin = 12;

/** The tag of a length in UTF-16 code units: as the guest writes it, or as {@link taggedLength64} stands for it. */
export const tag32 = 2 ** 31;
export const tag64 = 2 ** 41;

/** Lifts a string of so many bytes UTF-8 (Canonical ABI, Loading: load_string_from_range). */
export function liftUtf8(rt: CanonicalRuntime, at: number, length: number): string {
  const views = rt.views;
  const bytes = views.u8;
  if (length > maxByteLength) rt.trap("string-too-long");
  if (at + length > bytes.length) rt.trap("string-out-of-bounds");
  if ((views.left -= length + 32) < 0) rt.trap("value-too-large");
  if (length > shortText) return decodeUtf8(rt, at, length);
  if (length <= flatJoin) return joinAscii(rt, at, length);
  // oxlint-disable-next-line unicorn/no-new-array -- four times as fast as an array that grows
  const codes = new Array<number>(length);
  for (let i = 0; i < length; i++) {
    const code = bytes[at + i] ?? 0;
    if (code > 127) return decodeUtf8(rt, at, length);
    codes[i] = code;
  }
  return fromCodes.apply(null, codes);
}

function joinAscii(rt: CanonicalRuntime, at: number, length: number): string {
  const bytes = rt.views.u8;
  const end = at + length;
  let text = "";
  for (; at + 4 <= end; at += 4) {
    const a = bytes[at] ?? 0;
    const b = bytes[at + 1] ?? 0;
    const c = bytes[at + 2] ?? 0;
    const d = bytes[at + 3] ?? 0;
    if ((a | b | c | d) > 127) return decodeUtf8(rt, end - length, length);
    text += fromCodes(a, b, c, d);
  }
  for (; at < end; at++) {
    const code = bytes[at] ?? 0;
    if (code > 127) return decodeUtf8(rt, end - length, length);
    text += fromCodes(code);
  }
  return text;
}

function decodeUtf8(rt: CanonicalRuntime, at: number, length: number): string {
  const bytes = rt.views.u8.subarray(at, at + length);
  try {
    return utf8.decode(bytes);
  } catch {
    return rt.trap(isBeginning(bytes) ? "incomplete-utf8" : "invalid-utf8");
  }
}

/** Whether bytes that are no UTF-8 would be with more to come. */
function isBeginning(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
}

/** Lifts a string of so many UTF-16 code units. */
export function liftUtf16(rt: CanonicalRuntime, at: number, units: number): string {
  const views = rt.views;
  const length = 2 * units;
  if (length > maxByteLength) rt.trap("string-too-long");
  if ((at & 1) !== 0) rt.trap("unaligned-pointer");
  if (at + length > views.u8.length) rt.trap("string-out-of-bounds");
  if ((views.left -= length + 32) < 0) rt.trap("value-too-large");
  if (units > shortText) {
    try {
      return utf16.decode(views.u8.subarray(at, at + length));
    } catch {
      return rt.trap("invalid-utf16");
    }
  }
  // oxlint-disable-next-line unicorn/no-new-array -- four times as fast as an array that grows
  const codes = new Array<number>(units);
  for (let i = 0; i < units; i++) codes[i] = views.data.getUint16(at + 2 * i, true);
  const text = fromCodes.apply(null, codes);
  return text.isWellFormed() ? text : rt.trap("invalid-utf16");
}

/** Lifts a string whose length is tagged where it is UTF-16, and else counts bytes of Latin-1. */
export function liftLatin1OrUtf16(rt: CanonicalRuntime, at: number, tagged: number, tag: number): string {
  if (tagged >= tag) return liftUtf16(rt, at, tagged - tag);
  const views = rt.views;
  if (tagged > maxByteLength) rt.trap("string-too-long");
  if ((at & 1) !== 0) rt.trap("unaligned-pointer");
  if (at + tagged > views.u8.length) rt.trap("string-out-of-bounds");
  if ((views.left -= tagged + 32) < 0) rt.trap("value-too-large");
  const bytes = views.u8.subarray(at, at + tagged);
  // As bytes, each is the code unit of the same number: widened, they are UTF-16.
  return tagged > shortText ? utf16.decode(new Uint16Array(bytes)) : fromCodes.apply(null, [...bytes]);
}

/** Lowers a string as UTF-8: answers where it is and leaves its length in the views (Storing: store_string_to_utf8). */
export function lowerUtf8(rt: CanonicalRuntime, text: string): number {
  const { length } = text;
  const at = allocate(rt, 1, length);
  const bytes = rt.views.u8;
  if (length <= shortEncoding) {
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code > 127) return growUtf8(rt, text, at, i, i);
      bytes[at + i] = code;
    }
  } else {
    const { read, written } = encoder.encodeInto(text, bytes.subarray(at, at + length));
    if (read < length) return growUtf8(rt, text, at, read, written);
  }
  rt.views.length = length;
  return at;
}

/** Goes on with a string that is not ASCII alone: with room for the worst case first, then with what it came to. */
function growUtf8(rt: CanonicalRuntime, text: string, old: number, read: number, written: number): number {
  const worst = 3 * text.length;
  const at = reallocate(rt, old, text.length, 1, worst);
  const rest = encoder.encodeInto(text.slice(read), rt.views.u8.subarray(at + written, at + worst));
  const length = written + rest.written;
  if (length > maxByteLength) throw mismatch;
  const last = length < worst ? reallocate(rt, at, worst, 1, length) : at;
  rt.views.length = length;
  return last;
}

/** Lowers a string as UTF-16 (Storing: store_string_copy). */
export function lowerUtf16(rt: CanonicalRuntime, text: string): number {
  const { length } = text;
  const at = allocate(rt, 2, 2 * length);
  writeUtf16(rt, text, at);
  rt.views.length = length;
  return at;
}

/** Lowers a string as Latin-1 if it can be, else as UTF-16 (Storing: store_string_to_latin1_or_utf16). */
export function lowerLatin1OrUtf16(rt: CanonicalRuntime, text: string, tag: number): number {
  const { length } = text;
  const at = allocate(rt, 2, length);
  const bytes = rt.views.u8;
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code > 255) {
      const wide = reallocate(rt, at, length, 2, 2 * length);
      writeUtf16(rt, text, wide);
      rt.views.length = length + tag;
      return wide;
    }
    bytes[at + i] = code;
  }
  rt.views.length = length;
  return at;
}

function writeUtf16(rt: CanonicalRuntime, text: string, at: number): void {
  const whole = text.toWellFormed();
  const { data } = rt.views;
  for (let i = 0; i < whole.length; i++) data.setUint16(at + 2 * i, whole.charCodeAt(i), true);
}

/** Lifts a char; what is no scalar value traps (Loading: convert_i32_to_char). */
export function liftChar(rt: CanonicalRuntime, code: number): string {
  if (code < 128) return fromCodes(code);
  if (code >= 0x11_0000 || (code >= 0xd800 && code <= 0xdfff)) rt.trap("invalid-char");
  return String.fromCodePoint(code);
}

/** The scalar value of a string that is one code point. */
export function lowerChar(value: unknown): number {
  if (typeof value !== "string") throw mismatch;
  const code = value.codePointAt(0);
  if (code === undefined || value.length !== (code > 0xffff ? 2 : 1)) throw mismatch;
  if (code >= 0xd800 && code <= 0xdfff) throw mismatch;
  return code;
}

/**
 * A pointer or length of a 64-bit memory as a number: what is too large for any memory becomes 2^52 and a little, with the low
 * bits kept, so that the checks of alignment and bounds say the same of it.
 */
export function pointer64(value: bigint): number {
  const unsigned = BigInt.asUintN(64, value);
  return unsigned < 2n ** 52n ? Number(unsigned) : 2 ** 52 + Number(unsigned & 7n);
}

/** The length of a string in a 64-bit memory as a number, its tag (the highest bit) as {@link tag64}. */
export function taggedLength64(value: bigint): number {
  const length = BigInt.asUintN(63, value);
  const clamped = length < 2n ** 40n ? Number(length) : 2 ** 40;
  return value < 0n || value >= 2n ** 63n ? clamped + tag64 : clamped;
}

/** The reverse of {@link taggedLength64}. */
export function asTagged64(length: number): bigint {
  return length >= tag64 ? BigInt(length - tag64) | (2n ** 63n) : BigInt(length);
}
