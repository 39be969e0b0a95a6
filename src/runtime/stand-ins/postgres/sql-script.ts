/** One statement of a script, and the line where it begins. */
export interface Statement {
  readonly text: string;
  readonly line: number;
  /** The rows of a copy, each with its line end. */
  readonly rows?: string;
}

/** A line that is for `psql` and not for the database. */
export class ClientCommand extends Error {
  readonly line: number;
  constructor(command: string, line: number) {
    super(`it has the command "${command}", which only psql knows`);
    this.line = line;
  }
}

/** What ends at its own kind: quotes, comments, dollar quotes. */
const pieces =
  /\s+|--[^\n]*|\/\*|[eE]'(?:[^'\\]|''|\\[\s\S])*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|\$([A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$|[\w\u0080-\uffff]+|[\s\S]/y;

/**
 * Cuts a script into statements as `psql` does: at semicolons outside of quotes and comments, with the rows of a copy behind
 * its statement up to a line `\.`. What dumps begin and end with for psql's protection is left out.
 *
 * @throws ClientCommand
 */
export function* splitScript(script: string): Generator<Statement> {
  let start = 0;
  let at = 0;
  let isEmpty = true;
  while (at < script.length) {
    if (isEmpty && script[at] === "\\") {
      at = start = skipClientCommand(script, at);
      continue;
    }
    const end = pieceEnd(script, at);
    const piece = script.slice(at, end);
    at = end;
    if (piece !== ";") {
      if (isEmpty && /^(?:\s|--|\/\*)/.test(piece)) start = at;
      else isEmpty = false;
      continue;
    }
    const text = script.slice(start, at);
    const line = lineOf(script, start);
    const copied = /^\s*copy\b[^;]*\bfrom\s+stdin\b/i.test(text) ? rowsAt(script, at) : undefined;
    if (!isEmpty) yield copied === undefined ? { text, line } : { text, line, rows: copied.rows };
    at = copied?.end ?? at;
    start = at;
    isEmpty = true;
  }
  if (!isEmpty) yield { text: script.slice(start), line: lineOf(script, start) };
}

function pieceEnd(script: string, at: number): number {
  pieces.lastIndex = at;
  const match = pieces.exec(script);
  if (match === null) return script.length;
  const [piece] = match;
  if (piece === "/*") return commentEnd(script, at);
  if (piece.startsWith("$")) {
    const end = script.indexOf(piece, at + piece.length);
    return end < 0 ? script.length : end + piece.length;
  }
  return at + piece.length;
}

/** Comments nest. */
function commentEnd(script: string, at: number): number {
  let depth = 0;
  for (const match of script.slice(at).matchAll(/\/\*|\*\//g)) {
    depth += match[0] === "/*" ? 1 : -1;
    if (depth === 0) return at + match.index + 2;
  }
  return script.length;
}

function rowsAt(script: string, at: number): { readonly rows: string; readonly end: number } {
  const begin = script.indexOf("\n", at) + 1;
  if (begin === 0) return { rows: "", end: script.length };
  const match = /^\\\.[^\S\n]*(?:\n|$)/m.exec(script.slice(begin));
  if (match === null) return { rows: script.slice(begin), end: script.length };
  return { rows: script.slice(begin, begin + match.index), end: begin + match.index + match[0].length };
}

function skipClientCommand(script: string, at: number): number {
  const end = script.indexOf("\n", at);
  const line = script.slice(at, end < 0 ? script.length : end);
  if (!/^\\(?:un)?restrict\b/.test(line)) throw new ClientCommand(line.trim(), lineOf(script, at));
  return end < 0 ? script.length : end + 1;
}

function lineOf(script: string, at: number): number {
  return script.slice(0, at).split("\n").length;
}
