import { readModuleSections } from "../src/wasm/sections.ts";
import { ByteWriter } from "../src/wasm/writer.ts";
import type { Random } from "./random.ts";

/** Damages a module in one of the ways that readers stumble over; some of the results are still valid. */
export function mutate(bytes: Uint8Array<ArrayBuffer>, random: Random): Uint8Array<ArrayBuffer> {
  switch (random.below(6)) {
    case 0:
      return bytes.slice(0, random.below(bytes.length));
    case 1:
      return swapSections(bytes, random);
    case 2:
      return padSizes(bytes, random);
    case 3:
      return splice(bytes, random);
    default:
      return flip(bytes, random);
  }
}

function flip(bytes: Uint8Array<ArrayBuffer>, random: Random): Uint8Array<ArrayBuffer> {
  const changed = bytes.slice();
  for (let count = random.between(1, 3); count > 0; count -= 1) {
    const at = 8 + random.below(bytes.length - 8);
    changed[at] = random.chance(0.5) ? (changed[at] ?? 0) ^ (1 << random.below(8)) : random.below(256);
  }
  return changed;
}

function splice(bytes: Uint8Array<ArrayBuffer>, random: Random): Uint8Array<ArrayBuffer> {
  const at = 8 + random.below(bytes.length - 8);
  const added = Array.from({ length: random.below(4) }, () => random.below(256));
  return Uint8Array.from([...bytes.subarray(0, at), ...added, ...bytes.subarray(at + random.below(4))]);
}

function sectionsOf(bytes: Uint8Array): { id: number; content: Uint8Array }[] {
  return [...readModuleSections(bytes)].map(({ id, sizeField, body }) => ({
    id,
    content: bytes.subarray(sizeField.end, body.end),
  }));
}

function swapSections(bytes: Uint8Array<ArrayBuffer>, random: Random): Uint8Array<ArrayBuffer> {
  const sections = sectionsOf(bytes);
  const [one, other] = [random.below(sections.length), random.below(sections.length)];
  const [first, second] = [sections[one], sections[other]];
  if (first !== undefined && second !== undefined) [sections[one], sections[other]] = [second, first];
  if (random.chance(0.3)) sections.splice(other, 1);
  return join(sections, () => 0);
}

/** Writes sizes of sections longer than they have to be, which is still valid up to five bytes. */
function padSizes(bytes: Uint8Array<ArrayBuffer>, random: Random): Uint8Array<ArrayBuffer> {
  return join(sectionsOf(bytes), () => random.below(5));
}

function join(
  sections: readonly { id: number; content: Uint8Array }[],
  padding: () => number,
): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter().raw([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  for (const { id, content } of sections) {
    const size = [...new ByteWriter().u32(content.length).finish()];
    for (let extra = padding(); extra > 0; extra -= 1) {
      size[size.length - 1] = (size.at(-1) ?? 0) | 0x80;
      size.push(0);
    }
    writer.u8(id).raw(size).raw(content);
  }
  return new Uint8Array(writer.finish());
}
