/** Columns three spaces apart, as docker sets tables; the last one is not padded. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const count = Math.max(0, ...rows.map(({ length }) => length));
  const widths = Array.from({ length: count }, (_, at) =>
    Math.max(...rows.map((row) => lettersOf(row[at] ?? "").length)),
  );
  return rows.map((row) =>
    row
      .map((cell, at) => (at === count - 1 ? cell : cell + " ".repeat((widths[at] ?? 0) + 3 - lettersOf(cell).length)))
      .join("")
      .trimEnd(),
  );
}

/** The letters of a text, those of two units as one. */
export function lettersOf(text: string): string[] {
  return Array.from(text);
}

const [second, minute, hour, day] = [1000, 60_000, 3_600_000, 86_400_000];

/** A duration in ms in docker's words: `Less than a second`, `About a minute`, `3 weeks`. */
export function humanTime(ms: number): string {
  const units: readonly (readonly [below: number, text: (ms: number) => string])[] = [
    [second, () => "Less than a second"],
    [2 * second, () => "1 second"],
    [minute, (each) => `${Math.floor(each / second)} seconds`],
    [2 * minute, () => "About a minute"],
    [46 * minute, (each) => `${Math.floor(each / minute)} minutes`],
    [1.5 * hour, () => "About an hour"],
    [48 * hour, (each) => `${Math.round(each / hour)} hours`],
    [14 * day, (each) => `${Math.floor(each / day)} days`],
    [60 * day, (each) => `${Math.floor(each / (7 * day))} weeks`],
    [730 * day, (each) => `${Math.floor(each / (30 * day))} months`],
  ];
  const found = units.find(([below]) => ms < below);
  return found === undefined ? `${Math.floor(ms / (365 * day))} years` : found[1](ms);
}

/** How long ago a time was, in docker's words. */
export function ago(time: string, now: number): string {
  return `${humanTime(now - Date.parse(time))} ago`;
}
