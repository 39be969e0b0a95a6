/** Breaks text into lines of at most `width` letters, between words; a longer word has a line of its own. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

/** How {@link columns} lays its rows out. */
export interface ColumnLayout {
  /** Letters that a line may have. */
  readonly width: number;
  /** Letters before the first column. */
  readonly indent?: number;
  /** Letters of the first column, for tables that stand below each other; by default as many as the entries need. */
  readonly left?: number;
}

/** Most letters of a first column; a longer entry has a line of its own. */
const mostLeft = 22;

/** The letters that the first column of some entries needs. */
export function leftWidth(entries: readonly string[]): number {
  return Math.max(0, ...entries.map(({ length }) => length).filter((length) => length <= mostLeft));
}

/** Sets two columns, the second one wrapped and aligned. */
export function columns(
  rows: readonly (readonly [left: string, right: string])[],
  { width, indent = 2, left = leftWidth(rows.map(([name]) => name)) }: ColumnLayout,
): string[] {
  const start = indent + left + 2;
  const margin = " ".repeat(indent);
  return rows.flatMap(([name, text]) => {
    const lines = wrap(text, Math.max(20, width - start));
    const beside = name.length <= left;
    const first = `${margin}${beside ? name.padEnd(left) : name}`;
    const rest = lines.map((line) => `${" ".repeat(start)}${line}`);
    return (beside ? [`${first}  ${lines[0] ?? ""}`, ...rest.slice(1)] : [first, ...rest]).map((line) =>
      line.trimEnd(),
    );
  });
}

/** Lines as one text that ends with a line break. */
export function joinLines(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join("");
}

/** Data as `--json` prints it. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
