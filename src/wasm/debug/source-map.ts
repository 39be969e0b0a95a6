import { shownPath } from "./paths.ts";

/** A segment of a source map: a byte offset in the module and where its code comes from; numbers count from 0. */
interface Segment {
  readonly offset: number;
  /** Index of the source, or -1 for code that comes from none. */
  readonly source: number;
  readonly line: number;
  readonly column: number;
}

/** A place in a source of a source map; numbers count from 1. */
export interface MappedPlace {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

const base64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const digits = new Map(Array.from(base64, (letter, value) => [letter.charCodeAt(0), value]));

/**
 * A source map of version 3 (ECMA-426) for a module: its lines hold nothing but the first, in which columns are byte
 * offsets in the module.
 */
export class SourceMapReader {
  readonly #sources: readonly string[];
  readonly #segments: readonly Segment[];

  private constructor(sources: readonly string[], segments: readonly Segment[]) {
    this.#sources = sources;
    this.#segments = segments;
  }

  /** Reads the JSON of a map; undefined where it is none of version 3. */
  static parse(text: string): SourceMapReader | undefined {
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch {
      return undefined;
    }
    if (typeof json !== "object" || json === null) return undefined;
    const { version, sources, sourceRoot, mappings } = json as Readonly<Record<string, unknown>>;
    if (version !== 3 || !Array.isArray(sources) || typeof mappings !== "string") return undefined;
    const root = typeof sourceRoot === "string" && sourceRoot !== "" ? sourceRoot.replace(/\/*$/, "/") : "";
    const names = sources.map((source: unknown) => (typeof source === "string" ? shownPath(root + source, "") : ""));
    return new SourceMapReader(names, decodeMappings(mappings));
  }

  /** The place that the code at an offset comes from, of segments from `from` (the function's first byte) on. */
  place(offset: number, from: number): MappedPlace | undefined {
    let low = -1;
    let high = this.#segments.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#segments[middle]?.offset ?? Infinity) <= offset) low = middle;
      else high = middle - 1;
    }
    const segment = this.#segments[low];
    if (segment === undefined || segment.offset < from) return undefined;
    const file = this.#sources[segment.source];
    return file === undefined || file === "" ? undefined : { file, line: segment.line + 1, column: segment.column + 1 };
  }
}

/** The segments of the first line in the order of their offsets; what is no segment is left out. */
function decodeMappings(mappings: string): Segment[] {
  const segments: Segment[] = [];
  const state = { offset: 0, source: 0, line: 0, column: 0 };
  let fields: number[] = [];
  let value = 0;
  let scale = 1;
  const take = (): void => {
    const [offset, source, line, column] = fields;
    fields = [];
    if (offset === undefined) return;
    state.offset += offset;
    const isMapped = source !== undefined && line !== undefined && column !== undefined;
    if (isMapped) {
      state.source += source;
      state.line += line;
      state.column += column;
    }
    segments.push({ ...state, source: isMapped ? state.source : -1 });
  };
  for (let at = 0; at < mappings.length; at += 1) {
    const code = mappings.charCodeAt(at);
    if (code === 0x3b) break;
    const digit = digits.get(code);
    if (digit === undefined) {
      take();
      value = 0;
      scale = 1;
      continue;
    }
    value += (digit & 31) * scale;
    scale *= 32;
    if (digit < 32) {
      const size = Math.floor(value / 2);
      fields.push(value % 2 === 1 ? -size : size);
      value = 0;
      scale = 1;
    }
  }
  take();
  return segments.sort((a, b) => a.offset - b.offset);
}
