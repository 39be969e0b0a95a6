import { readModuleImports } from "../../wasm/index.ts";
import type { GuestModule } from "../guest-module.ts";
import type { Frame } from "../trap.ts";

/** Frames that follow one another in one core module. */
export interface ModuleFrames {
  readonly module: GuestModule;
  readonly frames: readonly Frame[];
}

const framePattern =
  /^\s*at (?:(?<name>.*) \()?(?<url>wasm:\/\/[^:]*):wasm-function\[(?<index>\d+)\]:0x(?<offset>[0-9a-f]+)\)?$/;

interface Line extends Frame {
  readonly url: string;
}

/**
 * The Wasm frames of an error's stack, the innermost first, by the modules that they are in. V8 names a module by a hash of its
 * own; which one it is, is found by where the code of the functions lies. Frames of the engine's own modules are left out.
 */
export function moduleFrames(error: Pick<Error, "stack">, modules: readonly GuestModule[]): ModuleFrames[] {
  const lines: Line[] = [];
  for (const line of (error.stack ?? "").split("\n")) {
    const groups = framePattern.exec(line)?.groups;
    if (groups === undefined) continue;
    const offset = Number.parseInt(groups["offset"] ?? "0", 16);
    lines.push({ url: groups["url"] ?? "", index: Number(groups["index"]), name: groups["name"], offset });
  }
  const found = new Map<string, GuestModule | undefined>();
  const bodies = new Map<GuestModule, readonly Body[]>();
  const result: { module: GuestModule; frames: Frame[] }[] = [];
  for (const { url, ...frame } of lines) {
    if (!found.has(url)) {
      const own = lines.filter((line) => line.url === url);
      found.set(
        url,
        modules.find((module) => own.every((line) => isIn(line, bodiesOf(module, bodies)))),
      );
    }
    const module = found.get(url);
    if (module === undefined) continue;
    const explained = { ...frame, offset: module.originalOffset(frame.offset) };
    const last = result.at(-1);
    if (last?.module === module) last.frames.push(explained);
    else result.push({ module, frames: [explained] });
  }
  return result;
}

/** Where the code of a function lies in the rewritten module. */
interface Body {
  readonly start: number;
  readonly end: number;
}

function isIn({ index, offset }: Frame, bodies: readonly Body[]): boolean {
  const body = bodies[index];
  return body !== undefined && offset >= body.start && offset < body.end;
}

function bodiesOf(module: GuestModule, known: Map<GuestModule, readonly Body[]>): readonly Body[] {
  let bodies = known.get(module);
  if (bodies === undefined) {
    const { code } = module;
    const imported = readModuleImports(code).filter(({ kind }) => kind === "function").length;
    bodies = [...Array.from({ length: imported }, () => ({ start: 0, end: 0 })), ...readBodies(code)];
    known.set(module, bodies);
  }
  return bodies;
}

const codeSection = 10;

/** Where the functions of a module lie that V8 has compiled, so that nothing about it has to be checked. */
function readBodies(code: Uint8Array): Body[] {
  let at = 8;
  const u32 = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = code[at++] ?? 0;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
  };
  const bodies: Body[] = [];
  while (at < code.length) {
    const id = code[at++];
    const size = u32();
    const end = at + size;
    if (id === codeSection) {
      for (let count = u32(); count > 0; count -= 1) {
        const length = u32();
        bodies.push({ start: at, end: at + length });
        at += length;
      }
    }
    at = end;
  }
  return bodies;
}
