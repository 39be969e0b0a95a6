import { hasMagic } from "./sections.ts";

/** What a file's first bytes say that it is. */
export type FileKind = "module" | "component" | "wat" | "gzip" | "elf" | "script" | "empty" | "unknown";

/** Bytes of text that are looked through for a module in text form. */
const textWindow = 64 * 1024;

/**
 * Tells what bytes are by how they begin; a truncated or broken binary still counts as what it begins as. For messages
 * about files that are no WebAssembly binary.
 */
export function kindOf(bytes: Uint8Array): FileKind {
  if (bytes.length === 0) return "empty";
  if (hasMagic(bytes)) return bytes[6] === 1 && bytes[7] === 0 ? "component" : "module";
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return "gzip";
  if (bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46) return "elf";
  if (bytes[0] === 0x23 && bytes[1] === 0x21) return "script";
  return isModuleText(bytes) ? "wat" : "unknown";
}

/** Whether the first thing behind white space and comments is `(module` or `(component` (WebAssembly 3.0, 6.3 Lexical format). */
function isModuleText(bytes: Uint8Array): boolean {
  const text = new TextDecoder().decode(bytes.subarray(0, textWindow));
  let position = 0;
  for (;;) {
    while (" \t\r\n".includes(text[position] ?? "?")) position += 1;
    if (text.startsWith(";;", position)) position = indexAfter(text, "\n", position);
    else if (text.startsWith("(;", position)) position = indexAfter(text, ";)", position);
    else return /^\(\s*(module|component)[\s()]/.test(text.slice(position, position + 64));
  }
}

function indexAfter(text: string, end: string, position: number): number {
  const index = text.indexOf(end, position);
  return index < 0 ? text.length : index + end.length;
}
