import { maxByteLength } from "../canonical/layout.ts";
import { tag32 } from "../canonical/strings.ts";
import type { CodeWriter, Local } from "./code-writer.ts";
import {
  atSteps,
  carryWide,
  checkCopied,
  type Encoding,
  readChar,
  type Reading,
  readUnit,
  type WideCarry,
  type Writing,
} from "./decode.ts";
import { allocator, checkAlignment, checkBounds, source, target, trapIf, type Way } from "./way.ts";

const stringType = { params: ["i32", "i32"], results: ["i32", "i32"] } as const;

/** The function that carries a string over (pointer, tagged length → pointer, tagged length in the target). */
export function stringCarrier(way: Way): number {
  return way.module.functionOf(`${way.name} string`, stringType, (code) => {
    const [at, tagged] = code.params as [Local, Local];
    const encoding = way.from.encoding;
    if (encoding !== "latin1+utf16") {
      code.do(at, tagged).call(carrier(way, encoding, encoding));
      return;
    }
    code.do(tagged, tag32, "i32.and").if(() => {
      code
        .do(at, tagged, tag32, "i32.xor")
        .call(carrier(way, "utf16", encoding))
        .do("return");
    });
    code.do(at, tagged).call(carrier(way, "latin1", encoding));
  });
}

/** The same for a string whose encoding is known (Canonical ABI, Storing: store_string_into_range). */
function carrier(way: Way, encoding: Encoding, option: Way["from"]["encoding"]): number {
  return way.module.functionOf(`${way.name} ${encoding}`, stringType, (code) => {
    const [at, length] = code.params as [Local, Local];
    checkString(code, way, { encoding, option, at, length });
    const reading: Reading = { encoding, at, length, index: code.local(), char: code.local() };
    switch (way.to.encoding) {
      case "utf8":
        if (encoding === "utf8") copy(code, way, reading, 1);
        else toUtf8(code, way, reading);
        break;
      case "utf16":
        if (encoding === "utf16") copy(code, way, reading, 2);
        else if (encoding === "utf8") utf8ToUtf16(code, way, reading);
        else widen(code, way, reading);
        break;
      case "latin1+utf16":
        if (encoding === "latin1") copy(code, way, reading, 2);
        else if (option === "latin1+utf16") probablyUtf16(code, way, reading);
        else toLatin1OrUtf16(code, way, reading);
    }
  });
}

interface Checked {
  readonly encoding: Encoding;
  readonly option: Way["from"]["encoding"];
  readonly at: Local;
  readonly length: Local;
}

/** Traps where a string does not lie in the source's memory (Canonical ABI, Loading: load_string_from_range). */
function checkString(code: CodeWriter, way: Way, { encoding, option, at, length }: Checked): void {
  const unit = encoding === "utf16" ? 2 : 1;
  code.do(length, Math.floor(maxByteLength / unit), "i32.gt_u");
  trapIf(code, way, "string-too-long");
  checkAlignment(code, way, at, option === "utf8" ? 1 : 2);
  const bytes = code.local();
  code.do(length, unit, "i32.mul").set(bytes);
  checkBounds(code, way, { at, bytes, reason: "string-out-of-bounds" });
}

/** What `realloc` is asked for, as locals, constants and how often each is taken. */
interface Request {
  readonly old?: Local;
  readonly oldSize?: readonly [Local, number];
  readonly alignment: number;
  readonly size: readonly [Local, number];
}

function allocate(code: CodeWriter, way: Way, { old, oldSize, alignment, size }: Request, into: Local): void {
  const multiplied = ([count, by]: readonly [Local, number]): void => {
    code.do(count);
    if (by !== 1) code.do(by, "i32.mul");
  };
  code.do(old ?? 0);
  if (oldSize === undefined) code.do(0);
  else multiplied(oldSize);
  code.do(alignment);
  multiplied(size);
  code.call(allocator(way, "string")).set(into);
}

/** store_string_copy, of text whose units stay what they are. */
function copy(code: CodeWriter, way: Way, { encoding, at, length }: Reading, alignment: number): void {
  const unit = encoding === "utf16" ? 2 : 1;
  const to = code.local();
  allocate(code, way, { alignment, size: [length, unit] }, to);
  code.do(to, at, length, unit, "i32.mul").memoryCopy(target(way), source(way));
  if (encoding !== "latin1") checkCopied(code, way, encoding, [to, length]);
  code.do(to, length);
}

/** store_string_copy of Latin-1 as UTF-16. */
function widen(code: CodeWriter, way: Way, reading: Reading): void {
  const writing: Writing = { at: code.local(), length: code.local() };
  allocate(code, way, { alignment: 2, size: [reading.length, 2] }, writing.at);
  carryWide(code, way, reading, { unit: 2, writing, without: 0 });
  eachChar(code, way, reading, () => putUtf16(code, way, writing, reading));
  code.do(writing.at, writing.length);
}

/** store_utf8_to_utf16. */
function utf8ToUtf16(code: CodeWriter, way: Way, reading: Reading): void {
  const writing: Writing = { at: code.local(), length: code.local() };
  allocate(code, way, { alignment: 2, size: [reading.length, 2] }, writing.at);
  const wide = { unit: 2, writing, without: 0x80 } as const;
  eachChar(code, way, reading, () => putUtf16(code, way, writing, reading), wide);
  shrinkUtf16(code, way, writing, reading);
  code.do(writing.at, writing.length);
}

/** store_string_to_utf8. */
function toUtf8(code: CodeWriter, way: Way, reading: Reading): void {
  const { length, index, char } = reading;
  const worst = reading.encoding === "utf16" ? 3 : 2;
  const writing: Writing = { at: code.local(), length: code.local() };
  allocate(code, way, { alignment: 1, size: [length, 1] }, writing.at);
  carryWide(code, way, reading, { unit: 1, writing: { at: writing.at, length: index }, without: 0xff80 });
  code.block((other) => {
    code.loop((again) => {
      code.do(index, length, "i32.ge_u").if(() => code.do(writing.at, length, "return"));
      readUnit(code, way, reading);
      code.do(char, 0x80, "i32.ge_u").brIf(other);
      code.do(writing.at, index, "i32.add", char).access("i32.store8", target(way));
      code.do(index, 1, "i32.add").set(index).br(again);
    });
  });
  allocate(code, way, { old: writing.at, oldSize: [length, 1], alignment: 1, size: [length, worst] }, writing.at);
  code.do(index).set(writing.length);
  eachChar(code, way, reading, () => putUtf8(code, way, writing, reading));
  code.do(writing.length, length, worst, "i32.mul", "i32.lt_u").if(() => {
    const oldSize = [length, worst] as const;
    allocate(code, way, { old: writing.at, oldSize, alignment: 1, size: [writing.length, 1] }, writing.at);
  });
  code.do(writing.at, writing.length);
}

/** store_string_to_latin1_or_utf16. */
function toLatin1OrUtf16(code: CodeWriter, way: Way, reading: Reading): void {
  const { length, char } = reading;
  const writing: Writing = { at: code.local(), length: code.local() };
  allocate(code, way, { alignment: 2, size: [length, 1] }, writing.at);
  code.block((wide) => {
    const put = (): void => {
      code.do(char, 0x100, "i32.ge_u").brIf(wide);
      code.do(writing.at, writing.length, "i32.add", char).access("i32.store8", target(way));
      code.do(writing.length, 1, "i32.add").set(writing.length);
    };
    eachChar(code, way, reading, put, { unit: 1, writing, without: 0xff00 });
    code.do(writing.length, length, "i32.lt_u").if(() => {
      const request = { alignment: 2, size: [writing.length, 1] } as const;
      allocate(code, way, { old: writing.at, oldSize: [length, 1], ...request }, writing.at);
    });
    code.do(writing.at, writing.length, "return");
  });
  allocate(code, way, { old: writing.at, oldSize: [length, 1], alignment: 2, size: [length, 2] }, writing.at);
  widenInPlace(code, way, writing);
  putUtf16(code, way, writing, reading);
  eachChar(code, way, reading, () => putUtf16(code, way, writing, reading));
  shrinkUtf16(code, way, writing, reading);
  code.do(writing.at, writing.length, tag32, "i32.or");
}

/** Makes UTF-16 of the Latin-1 that was written so far, from its end on. */
function widenInPlace(code: CodeWriter, way: Way, { at, length }: Writing): void {
  const index = code.local();
  code.do(length).set(index);
  code.block((over) => {
    code.loop((again) => {
      code.do(index, "i32.eqz").brIf(over);
      code.do(index, 1, "i32.sub").set(index);
      code.do(at, index, 1, "i32.shl", "i32.add", at, index, "i32.add").access("i32.load8_u", target(way));
      code.access("i32.store16", target(way)).br(again);
    });
  });
}

/** store_probably_utf16_to_latin1_or_utf16. */
function probablyUtf16(code: CodeWriter, way: Way, { at, length }: Reading): void {
  const to = code.local();
  const [index, all] = [code.local(), code.local()];
  allocate(code, way, { alignment: 2, size: [length, 2] }, to);
  code.do(to, at, length, 1, "i32.shl").memoryCopy(target(way), source(way));
  checkCopied(code, way, "utf16", [to, length]);
  const eachUnit = (run: () => void): void => {
    code.do(0).set(index);
    code.block((over) => {
      code.loop((again) => {
        code.do(index, length, "i32.ge_u").brIf(over);
        run();
        code.do(index, 1, "i32.add").set(index).br(again);
      });
    });
  };
  const unit = (): CodeWriter => code.do(to, index, 1, "i32.shl", "i32.add").access("i32.load16_u", target(way));
  eachUnit(() => {
    code.do(all);
    unit().do("i32.or").set(all);
  });
  code.do(all, 0x100, "i32.ge_u").if(() => code.do(to, length, tag32, "i32.or", "return"));
  eachUnit(() => {
    code.do(to, index, "i32.add");
    unit().access("i32.store8", target(way));
  });
  allocate(code, way, { old: to, oldSize: [length, 2], alignment: 1, size: [length, 1] }, to);
  code.do(to, length);
}

/** Reads what is left of a string; `wide` carries what it can of it. */
function eachChar(code: CodeWriter, way: Way, reading: Reading, run: () => void, wide?: WideCarry): void {
  code.block((over) => {
    code.loop((again) => {
      if (wide !== undefined) atSteps(code, reading, () => carryWide(code, way, reading, wide));
      code.do(reading.index, reading.length, "i32.ge_u").brIf(over);
      readChar(code, way, reading);
      run();
      code.br(again);
    });
  });
}

/** Gives back what a string of UTF-16 did not take of two bytes for each code unit of its source. */
function shrinkUtf16(code: CodeWriter, way: Way, { at, length }: Writing, reading: Reading): void {
  code.do(length, reading.length, "i32.lt_u").if(() => {
    allocate(code, way, { old: at, oldSize: [reading.length, 2], alignment: 2, size: [length, 2] }, at);
  });
}

function putUtf16(code: CodeWriter, way: Way, { at, length }: Writing, { char }: Reading): void {
  const put = (write: () => void): void => {
    code.do(at, length, 1, "i32.shl", "i32.add");
    write();
    code.access("i32.store16", target(way)).do(length, 1, "i32.add").set(length);
  };
  code.do(char, 0x1_0000, "i32.ge_u").if(() => {
    code.do(char, 0x1_0000, "i32.sub").set(char);
    put(() => code.do(char, 10, "i32.shr_u", 0xd800, "i32.or"));
    code.do(char, 0x3ff, "i32.and", 0xdc00, "i32.or").set(char);
  });
  put(() => code.do(char));
}

function putUtf8(code: CodeWriter, way: Way, { at, length }: Writing, { char }: Reading): void {
  /** Writes so many bytes: the first with its mark, six bits in each of the others. */
  const put = (bytes: number, mark: number): void => {
    for (let i = 0; i < bytes; i++) {
      const shift = 6 * (bytes - 1 - i);
      code.do(at, length, "i32.add", char, shift, "i32.shr_u");
      if (i > 0) code.do(0x3f, "i32.and");
      code.do(i === 0 ? mark : 0x80, "i32.or").access("i32.store8", target(way), i);
    }
    code.do(length, bytes, "i32.add").set(length);
  };
  code.do(char, 0x80, "i32.lt_u").if(
    () => put(1, 0),
    () =>
      code.do(char, 0x800, "i32.lt_u").if(
        () => put(2, 0xc0),
        () =>
          code.do(char, 0x1_0000, "i32.lt_u").if(
            () => put(3, 0xe0),
            () => put(4, 0xf0),
          ),
      ),
  );
}
