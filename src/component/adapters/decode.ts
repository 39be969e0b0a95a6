import type { CodeWriter, Local } from "./code-writer.ts";
import { source, target, trapIf, type Way } from "./way.ts";

/** Encodings without a tag. */
export type Encoding = "utf8" | "utf16" | "latin1";

/** A string that is read, one character after the other. */
export interface Reading {
  readonly encoding: Encoding;
  readonly at: Local;
  /** In code units. */
  readonly length: Local;
  /** The code unit to read next. */
  readonly index: Local;
  /** The character that was read last. */
  readonly char: Local;
}

/** Writes what puts the code unit at the index into `char`, without going on. */
export function readUnit(code: CodeWriter, way: Way, { encoding, at, index, char }: Reading): void {
  if (encoding === "utf16") code.do(at, index, 1, "i32.shl", "i32.add").access("i32.load16_u", source(way));
  else code.do(at, index, "i32.add").access("i32.load8_u", source(way));
  code.set(char);
}

/** Writes what puts the character at the index into `char` and goes on; what is no character traps. */
export function readChar(code: CodeWriter, way: Way, reading: Reading): void {
  const { encoding, at, length, index, char } = reading;
  readUnit(code, way, reading);
  code.do(index, 1, "i32.add").set(index);
  if (encoding === "utf8") {
    code.do(char, 0x80, "i32.ge_u").if(() => {
      const used = code.local();
      code.do(at, index, "i32.add", 1, "i32.sub", length, index, "i32.sub", 1, "i32.add");
      code
        .call(utf8Char(way, source(way)))
        .set(used)
        .set(char);
      code.do(index, used, "i32.add", 1, "i32.sub").set(index);
    });
  }
  if (encoding === "utf16") readPair(code, way, reading);
}

/** Goes on with a pair of surrogates where its first half was read. */
function readPair(code: CodeWriter, way: Way, { at, length, index, char }: Reading): void {
  code.do(char, 0xf800, "i32.and", 0xd800, "i32.eq").if(() => {
    const low = code.local();
    code.do(char, 0xdc00, "i32.ge_u", index, length, "i32.ge_u", "i32.or");
    trapIf(code, way, "invalid-utf16");
    code.do(at, index, 1, "i32.shl", "i32.add").access("i32.load16_u", source(way)).tee(low);
    code.do(0xfc00, "i32.and", 0xdc00, "i32.ne");
    trapIf(code, way, "invalid-utf16");
    code.do(index, 1, "i32.add").set(index);
    code.do(char, 0xd800, "i32.sub", 10, "i32.shl", low, 0xdc00, "i32.sub", "i32.or", 0x1_0000, "i32.add").set(char);
  });
}

/** The function that reads a character that is not ASCII (pointer, bytes that are left → character, its bytes). */
function utf8Char(way: Way, memory: number): number {
  const type = { params: ["i32", "i32"], results: ["i32", "i32"] } as const;
  return way.module.functionOf(`${way.name} utf8 char ${memory}`, type, (code) => {
    const [at, left] = code.params as [Local, Local];
    const [char, next] = [code.local(), code.local()];
    const continuation = (offset: number): void => {
      code.do(left, offset + 1, "i32.lt_u");
      trapIf(code, way, "incomplete-utf8");
      code.do(at).access("i32.load8_u", memory, offset).tee(next);
      code.do(0xc0, "i32.and", 0x80, "i32.ne");
      trapIf(code, way, "invalid-utf8");
      code.do(char, 6, "i32.shl", next, 0x3f, "i32.and", "i32.or").set(char);
    };
    code.do(at).access("i32.load8_u", memory).tee(char).do(0xc2, "i32.lt_u");
    trapIf(code, way, "invalid-utf8");
    code.do(char, 0xe0, "i32.lt_u").if(() => {
      code.do(char, 0x1f, "i32.and").set(char);
      continuation(1);
      code.do(char, 2, "return");
    });
    code.do(char, 0xf0, "i32.lt_u").if(() => {
      code.do(char, 0x0f, "i32.and").set(char);
      continuation(1);
      // Forms that are longer than they need to be, and surrogates, show in the first ten bits.
      code.do(char, 0x20, "i32.lt_u", char, 0x3e0, "i32.and", 0x360, "i32.eq", "i32.or");
      trapIf(code, way, "invalid-utf8");
      continuation(2);
      code.do(char, 3, "return");
    });
    code.do(char, 0xf5, "i32.ge_u");
    trapIf(code, way, "invalid-utf8");
    code.do(char, 0x07, "i32.and").set(char);
    continuation(1);
    code.do(char, 0x10, "i32.sub", 0x100, "i32.ge_u");
    trapIf(code, way, "invalid-utf8");
    continuation(2);
    continuation(3);
    code.do(char, 4);
  });
}

/** Code units that {@link carryWide} carries in one step. */
const step = 16;
/** Bytes that {@link skipPlain} looks at in one step. */
const stride = 64;

/** Where text is written to; `length` counts code units. */
export interface Writing {
  readonly at: Local;
  readonly length: Local;
}

/** How {@link carryWide} carries code units, several at once. */
export interface WideCarry {
  readonly unit: 1 | 2;
  readonly writing: Writing;
  /** Bits of which a code unit that is carried so has none. */
  readonly without: number;
}

/** Writes what carries code units over as they are, {@link step} at a time, up to the first that has other bits. */
export function carryWide(code: CodeWriter, way: Way, reading: Reading, { unit, writing, without }: WideCarry): void {
  const { at, length, index, encoding } = reading;
  const [first, second] = [code.local("v128"), code.local("v128")];
  const [from, to, left] = [code.local(), code.local(), code.local()];
  const isWide = encoding === "utf16";
  const shift = isWide ? 1 : 0;
  code.do(at, index, shift, "i32.shl", "i32.add").set(from);
  code.do(writing.at, writing.length, unit - 1, "i32.shl", "i32.add").set(to);
  code.do(length, index, "i32.sub").set(left);
  code.block((over) => {
    code.loop((again) => {
      code.do(left, step, "i32.lt_u").brIf(over);
      code.do(from).access("v128.load", source(way)).set(first);
      if (isWide) {
        code.do(from).access("v128.load", source(way), 16).set(second);
        code.do(first, second, "v128.or", without, "i16x8.splat", "v128.and", "v128.any_true").brIf(over);
      } else if (without !== 0) code.do(first, "i8x16.bitmask").brIf(over);
      if (unit === 2) {
        code.do(to, first, "i16x8.extend_low_i8x16_u").access("v128.store", target(way));
        code.do(to, first, "i16x8.extend_high_i8x16_u").access("v128.store", target(way), 16);
      } else {
        code.do(to, first);
        if (isWide) code.do(second, "i8x16.narrow_i16x8_u");
        code.access("v128.store", target(way));
      }
      code
        .do(from, step << shift, "i32.add")
        .set(from)
        .do(to, step * unit, "i32.add")
        .set(to);
      code.do(left, step, "i32.sub").set(left).br(again);
    });
  });
  code.do(to, writing.at, "i32.sub", unit - 1, "i32.shr_u").set(writing.length);
  if (writing.length !== index) code.do(length, left, "i32.sub").set(index);
}

/** Writes what runs where the index is one of each {@link step}: text of other letters does not pay for it each time. */
export function atSteps(code: CodeWriter, { index }: Reading, run: () => void): void {
  code.do(index, step - 1, "i32.and", "i32.eqz").if(run);
}

/** Writes what moves the index on over whole strides of ASCII, or in UTF-16 of what is no half of a pair. */
function skipPlain(code: CodeWriter, memory: number, { encoding, at, index, length }: Reading): void {
  const [address, unit] = [code.local(), encoding === "utf16" ? 2 : 1];
  code.block((over) => {
    code.loop((again) => {
      code.do(length, index, stride / unit, "i32.add", "i32.lt_u").brIf(over);
      code.do(at, index, unit - 1, "i32.shl", "i32.add").set(address);
      for (let offset = 0; offset < stride; offset += 16) {
        code.do(address).access("v128.load", memory, offset);
        if (unit === 2) code.do(0xf800, "i16x8.splat", "v128.and", 0xd800, "i16x8.splat", "i16x8.eq");
        if (offset > 0) code.do("v128.or");
      }
      code.do("i8x16.bitmask").brIf(over);
      code
        .do(index, stride / unit, "i32.add")
        .set(index)
        .br(again);
    });
  });
}

/** Writes what traps where a string in the target's memory is not of its encoding; for one that was copied there. */
export function checkCopied(
  code: CodeWriter,
  way: Way,
  encoding: "utf8" | "utf16",
  [at, length]: readonly [Local, Local],
): void {
  // The copy is read, in place of what it was made of: nobody else writes to it meanwhile.
  const inTarget: Way = { ...way, from: { ...way.to, number: way.from.number } };
  const reading: Reading = { encoding, at, length, index: code.local(), char: code.local() };
  code.block((over) => {
    code.loop((again) => {
      atSteps(code, reading, () => skipPlain(code, source(inTarget), reading));
      code.do(reading.index, length, "i32.ge_u").brIf(over);
      readChar(code, inTarget, reading);
      code.br(again);
    });
  });
}
