import {
  type Bytes,
  end,
  exportOf,
  exports,
  functions,
  memories,
  moduleOf,
  section,
  sized,
  u32,
  vector,
} from "../src/wasm/module-fixture.ts";
import { sectionId } from "../src/wasm/sections.ts";
import { constant, funcref, i32 } from "../src/engine/fresh-state/state-fixture.ts";
import { handlerAround, handlerCalls } from "./http-handler.ts";

const pageSize = 65_536;
const secret = 0x04030201;

const notEqual = 0x47;
const isZero = 0x45;
const trapIf = (condition: Bytes): Bytes => [...condition, 0x04, 0x40, 0x00, end];
const callFields: Bytes = [0x10, 0];

function bytesOf(...parts: readonly Bytes[]): Bytes {
  return parts.flat();
}

/** Looks at all bytes of two pages, eight at a time; local 2 counts. */
const lookThroughMemory = bytesOf([0x03, 0x40], trapIf([0x20, 2, 0x29, 3, 0, 0x50, isZero]), [
  0x20,
  2,
  ...constant(8),
  0x6a,
  0x22,
  2,
  ...constant(2 * pageSize),
  0x49,
  0x0d,
  0,
  end,
]);

const look = bytesOf(
  // A global that was set.
  trapIf([0x23, 0]),
  // A memory that has grown, or is not empty, also where it grows now.
  trapIf([0x3f, 0, ...constant(1), notEqual]),
  [...constant(1), 0x40, 0, 0x1a],
  lookThroughMemory,
  // A data segment that was given up: to use it traps.
  [...constant(0), ...constant(0), ...constant(4), 0xfc, 8, 0, 0],
  trapIf([...constant(0), 0x28, 2, 0, ...constant(secret), notEqual]),
  // A function in the table; an element segment that was given up.
  trapIf([...constant(1), 0x25, 0, 0xd1, isZero]),
  [...constant(0), ...constant(0), ...constant(1), 0xfc, 12, 0, 0],
  // Handles: those of the request and of its answer are the first two, and the next is the third.
  trapIf([0x20, 0, ...constant(1), notEqual]),
  trapIf([0x20, 1, ...constant(2), notEqual]),
  trapIf([...callFields, ...constant(3), notEqual]),
);

const fill = bytesOf(
  [...constant(1), 0x24, 0],
  [...constant(0), ...constant(0xaa), ...constant(2 * pageSize), 0xfc, 11, 0],
  [...constant(1), 0xd2, 4, 0x26, 0],
  [0xfc, 9, 0, 0xfc, 13, 0],
  ...Array.from({ length: 5 }, () => [...callFields, 0x1a]),
);

const answer: Bytes = [0x20, 1, 0x41, 0, ...callFields, 0x10, 1, 0x10, 2];

/**
 * A component that answers requests: each looks for anything that another request has left (memory, globals, tables, segments, handles),
 * traps where there is something, and else fills all of that and answers with an empty response.
 */
export function leakHunter(): Uint8Array<ArrayBuffer> {
  const body = [...vector([1, i32]), ...look, ...fill, ...answer, end];
  const core = moduleOf(
    ...handlerCalls,
    functions(4),
    section(sectionId.table, vector([funcref, 0, 2])),
    memories([0, 1]),
    section(sectionId.global, vector([i32, 1, ...constant(0), end])),
    exports(exportOf("handle", 0, 4)),
    section(sectionId.element, vector([1, 0, ...vector(u32(4))])),
    section(sectionId.dataCount, u32(1)),
    section(sectionId.code, vector(sized(body))),
    section(sectionId.data, vector([1, ...sized([1, 2, 3, 4])])),
  );
  return handlerAround(core);
}
