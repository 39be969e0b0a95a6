/** Words that are no identifiers unless `%` stands before them (WIT, Keywords). */
export const keywords: ReadonlySet<string> = new Set(
  (
    "as async bool borrow char constructor enum export f32 f64 flags from func future import include interface list map " +
    "option own package record resource result s16 s32 s64 s8 static stream string tuple type u16 u32 u64 u8 use variant " +
    "with world"
  ).split(" "),
);

/** An identifier as it is written: with `%` where it would be taken for a keyword or a built-in type. */
export function escapeName(name: string): string {
  return keywords.has(name) || name === "error-context" ? `%${name}` : name;
}

const semver =
  /(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)(?:\.(?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*))*))?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?/y;

/** The semantic version that begins at `offset` of a text, or undefined (Semantic Versioning 2.0). */
export function versionAt(text: string, offset: number): string | undefined {
  semver.lastIndex = offset;
  return semver.exec(text)?.[0];
}

/** Less than 0, 0 or more, as version `a` precedes, equals or follows `b` (Semantic Versioning 2.0, section 11). */
export function compareVersions(a: string, b: string): number {
  const [one, other] = [partsOf(a), partsOf(b)];
  for (let at = 0; at < 3; at += 1) {
    const difference = (one.numbers[at] ?? 0) - (other.numbers[at] ?? 0);
    if (difference !== 0) return difference;
  }
  if (one.labels.length === 0 || other.labels.length === 0) return other.labels.length - one.labels.length;
  for (let at = 0; at < Math.max(one.labels.length, other.labels.length); at += 1) {
    const difference = compareLabels(one.labels[at], other.labels[at]);
    if (difference !== 0) return difference;
  }
  return 0;
}

function partsOf(version: string): { numbers: number[]; labels: string[] } {
  const [, major, minor, patch, labels] = new RegExp(semver.source).exec(version) ?? [];
  return { numbers: [major, minor, patch].map(Number), labels: labels === undefined ? [] : labels.split(".") };
}

function compareLabels(a: string | undefined, b: string | undefined): number {
  if (a === undefined) return -1;
  if (b === undefined) return 1;
  const [isNumber, isOtherNumber] = [/^\d+$/.test(a), /^\d+$/.test(b)];
  if (isNumber && isOtherNumber) return Number(a) - Number(b);
  if (isNumber !== isOtherNumber) return isNumber ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}
