import { dirname, join, parse } from "node:path";

/** Names of a folder that are looked at for one that was meant. */
const mostNames = 2000;

/** The candidate nearest to a mistyped name, or undefined where none is near (more than a third of the letters differ). */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(name.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(name, candidate);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** How many letters have to be put in, left out, changed or swapped with their neighbour to make one word of the other. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let value = Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        value = Math.min(value, (before[j - 2] ?? 0) + 1);
      next.push(value);
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? 0;
}

/** What to do where a file that was named is not there; `list` answers the names in a folder, or throws. */
export function hintForMissing(file: string, list: (folder: string) => readonly string[]): string {
  const folder = dirname(file);
  let names: readonly string[];
  try {
    names = list(folder);
  } catch {
    return `there is no folder "${folder}"`;
  }
  const { name, ext } = parse(file);
  const stems = names.slice(0, mostNames).flatMap((each) => (parse(each).ext === ext ? parse(each).name : []));
  const near = nearest(name, stems);
  if (near !== undefined) return `did you mean "${join(folder, near + ext)}"`;
  return `see what is there with ls ${shellWord(folder)}`;
}

/** Quotes a word for a POSIX shell where it needs that. */
export function shellWord(text: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
