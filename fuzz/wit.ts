import { SampanError } from "../src/base/index.ts";
import { decodeComponent } from "../src/wasm/component/index.ts";
import {
  decodeWit,
  encodeWit,
  printPackage,
  printResolution,
  readWit,
  witFeatures,
  type WitSource,
} from "../src/wasm/wit/index.ts";
import { writeDeclarations } from "../src/component/declarations/write-declarations.ts";
import type { Finding } from "./oracle.ts";
import { Random } from "./random.ts";
import { WitGenerator } from "./wit-text.ts";

/** Share of inputs of which the text is damaged, and of those of which the binary form is. */
const damagedTexts = 0.4;
const damagedBinaries = 0.2;

/** What came of one package. */
export interface TriedWit {
  readonly seed: number;
  readonly sources: readonly WitSource[];
  readonly isAccepted: boolean;
  readonly finding: Finding | undefined;
}

/** What is looked at; tests plant faults in parts of it. */
export interface WitParts {
  readonly read: typeof readWit;
  readonly print: typeof printResolution;
  readonly encode: typeof encodeWit;
  readonly decode: typeof decodeWit;
}

const sampan: WitParts = { read: readWit, print: printResolution, encode: encodeWit, decode: decodeWit };
const bare = { docs: "left-out", gates: "left-out" } as const;

/**
 * Puts the package of a seed through what reads, prints, encodes and decodes WIT. What is read is printed and read again as
 * the same; its binary form is valid and is decoded as the same; what is damaged ends in a catalogued error or a success.
 */
export function tryWit(seed: number, parts: WitParts = sampan): TriedWit {
  const random = new Random(seed);
  const whole = new WitGenerator(random).run();
  const kind = random.u32() / 2 ** 32;
  const isDamaged = kind < damagedTexts;
  const sources = isDamaged ? damageText(whole, random) : whole;
  const made = (isAccepted: boolean, finding: Finding | undefined): TriedWit => ({
    seed,
    sources,
    isAccepted,
    finding,
  });
  let resolution;
  try {
    resolution = parts.read(sources, { features: "all" });
  } catch (error) {
    const isExpected = error instanceof SampanError && error.code === "WIT_INVALID";
    if (!isExpected)
      return made(false, { sort: "WIT ends in an error that is not in the catalog", detail: textOf(error) });
    return made(
      false,
      isDamaged ? undefined : { sort: "valid WIT is refused", detail: `${textOf(error)}\n${said(sources)}` },
    );
  }
  try {
    const printed = parts.print(resolution);
    const again = parts.print(parts.read([{ path: "again.wit", text: printed }], { features: "all" }));
    if (again !== printed)
      return made(true, { sort: "printed WIT reads as another", detail: `${printed}\n=====\n${again}` });
    for (const world of resolution.root.worlds.values()) writeDeclarations(world);
    if (resolution.root.interfaces.size + resolution.root.worlds.size === 0) return made(true, undefined);
    const bytes = parts.encode(resolution.root);
    if (kind > 1 - damagedBinaries) return judgeDamaged(bytes, { random, parts, made });
    decodeComponent(bytes, { features: witFeatures });
    const [before, after] = [printPackage(resolution.root, bare), printPackage(parts.decode(bytes).root, bare)];
    if (before === after) return made(true, undefined);
    return made(true, { sort: "the binary form is another package", detail: `${before}\n=====\n${after}` });
  } catch (error) {
    return made(true, { sort: "what was read breaks down later", detail: `${textOf(error)}\n${said(sources)}` });
  }
}

function judgeDamaged(
  bytes: Uint8Array,
  {
    random,
    parts,
    made,
  }: {
    readonly random: Random;
    readonly parts: WitParts;
    readonly made: (isAccepted: boolean, finding: Finding | undefined) => TriedWit;
  },
): TriedWit {
  const changed = bytes.slice();
  for (let count = random.between(1, 3); count > 0; count -= 1) {
    const at = 8 + random.below(bytes.length - 8);
    changed[at] = random.chance(0.6) ? (changed[at] ?? 0) + random.oneOf([1, -1]) : random.below(256);
  }
  try {
    const { root } = parts.decode(changed);
    printPackage(root);
    return made(true, undefined);
  } catch (error) {
    const isExpected =
      error instanceof SampanError &&
      ["WASM_MALFORMED", "WASM_FEATURE", "COMPONENT_INVALID", "COMPONENT_FEATURE", "WIT_INVALID"].includes(error.code);
    return made(false, isExpected ? undefined : { sort: "damaged bytes break the decoder", detail: textOf(error) });
  }
}

function damageText(sources: readonly WitSource[], random: Random): WitSource[] {
  const chosen = random.below(sources.length);
  return sources.map((source, index) => {
    if (index !== chosen) return source;
    let { text } = source;
    for (let count = random.between(1, 3); count > 0; count -= 1) {
      const at = random.below(text.length);
      const piece = random.oneOf([
        "",
        "",
        " ",
        "}",
        "{",
        ";",
        "<",
        "%",
        "@",
        "n1",
        "u8",
        "borrow",
        "use ",
        '"',
        "/*",
        "\u202e",
        "->",
      ]);
      text = text.slice(0, at) + piece + text.slice(at + random.below(4));
    }
    return { path: source.path, text };
  });
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function said(sources: readonly WitSource[]): string {
  return sources.map(({ path, text }) => `-- ${path}\n${text}`).join("\n");
}
