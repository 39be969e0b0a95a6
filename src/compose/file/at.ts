import { nearest, parseBytes, SampanError } from "../../base/index.ts";
import type { Problems } from "./problems.ts";
import { keyPath, type Spot, textOf, truthOf, type Tree } from "./tree.ts";

/** A value and where it stands, for readers. */
export interface At {
  readonly tree: Tree;
  /** Of its key, or of the value in a list. */
  readonly spot: Spot;
  readonly path: string;
}

/** The value of a map's key; undefined where it is not there. What has the wrong shape is nothing: the schema tells it. */
export function at(parent: At | undefined, key: string): At | undefined {
  const entry = parent?.tree.kind === "map" ? parent.tree.entries.get(key) : undefined;
  return entry === undefined
    ? undefined
    : { tree: entry.value, spot: entry.key, path: keyPath(parent?.path ?? "", key) };
}

/** A map's values by key. */
export function entriesAt(parent: At | undefined): (readonly [key: string, value: At])[] {
  if (parent?.tree.kind !== "map") return [];
  return [...parent.tree.entries].map(([key, { key: spot, value }]) => [
    key,
    { tree: value, spot, path: keyPath(parent.path, key) },
  ]);
}

/** A list's items. */
export function itemsAt(parent: At | undefined): At[] {
  if (parent?.tree.kind !== "list") return [];
  return parent.tree.items.map((tree, index) => ({ tree, spot: tree.spot, path: `${parent.path}[${index}]` }));
}

/** The items of a list, or the one value that stands in its place. */
export function itemsOrOne(parent: At | undefined): At[] {
  if (parent === undefined || parent.tree.kind === "list") return itemsAt(parent);
  return parent.tree.kind === "leaf" && parent.tree.value === null ? [] : [{ ...parent, spot: parent.tree.spot }];
}

/** The text at a place, or undefined. */
export function text(place: At | undefined): string | undefined {
  return textOf(place?.tree);
}

/** The spot of a value: its own where it is text, its key's where it has none. */
export function spotOf({ tree, spot }: At): Spot {
  return tree.kind === "leaf" && tree.value !== null ? tree.spot : spot;
}

/** Tells that what stands at a place cannot be read. */
export function refuse(problems: Problems, place: At, problem: string, hint: string): void {
  problems.invalid({ spot: spotOf(place), path: place.path, message: `Cannot read ${place.path}: ${problem}`, hint });
}

/** Tells that what stands at a place is something that Sampan does not have. */
export function refuseUnsupported(problems: Problems, place: At, problem: string, hint: string): void {
  const message = `Cannot run with ${place.path}: ${problem}`;
  problems.unsupported({ spot: spotOf(place), path: place.path, message, hint });
}

/** Tells that nothing has a name, and which is nearest. */
export function refuseName(
  problems: Problems,
  place: At,
  { name, kind, known, declare }: { name: string; kind: string; known: Iterable<string>; declare?: string },
): void {
  const names = [...known];
  const near = nearest(name, names);
  const listed = names.length === 0 ? `there is no ${kind}` : `the ${kind}s are ${names.join(", ")}`;
  const otherwise = declare === undefined ? listed : `declare it at the end of the file: ${declare}`;
  refuse(problems, place, `there is no ${kind} "${name}"`, near === undefined ? otherwise : `did you mean ${near}`);
}

/** A truth, or `otherwise` where the key is not there. */
export function truth(problems: Problems, place: At | undefined, otherwise: boolean): boolean {
  if (place === undefined) return otherwise;
  const value = truthOf(place.tree);
  if (value === undefined && text(place) !== undefined)
    refuse(problems, place, `found "${text(place)}", wanted true or false`, "write true or false");
  return value ?? otherwise;
}

/** A whole number that is not negative. */
export function wholeNumber(problems: Problems, place: At | undefined): number | undefined {
  const typed = text(place);
  if (place === undefined || typed === undefined) return undefined;
  if (/^\d{1,9}$/.test(typed)) return Number(typed);
  refuse(problems, place, `found "${typed}", wanted a whole number`, "write a whole number, such as 3");
  return undefined;
}

/** A number above zero. */
export function positiveNumber(problems: Problems, place: At | undefined): number | undefined {
  const typed = text(place);
  if (place === undefined || typed === undefined) return undefined;
  const value = /^\d+(\.\d+)?$|^\.\d+$/.test(typed) ? Number(typed) : 0;
  // Zero is Docker's word for no limit.
  if (value > 0 || /^0+(\.0+)?$/.test(typed)) return value === 0 ? undefined : value;
  refuse(problems, place, `found "${typed}", wanted a number`, 'write a number, such as "0.5"');
  return undefined;
}

/** A number of bytes. */
export function bytes(problems: Problems, place: At | undefined): number | undefined {
  const typed = text(place);
  if (place === undefined || typed === undefined) return undefined;
  try {
    const value = parseBytes(typed);
    return value === 0 ? undefined : value;
  } catch (error) {
    if (!(error instanceof SampanError)) throw error;
    refuse(problems, place, `found "${typed}", wanted a number and a unit`, "write a size, such as 64m or 1.5gb");
    return undefined;
  }
}

const units: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** A duration in milliseconds, of the form `1m30s` (Compose Specification, Specifying durations). */
export function duration(problems: Problems, place: At | undefined): number | undefined {
  const typed = text(place);
  if (place === undefined || typed === undefined) return undefined;
  const parts = [...typed.matchAll(/(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|[smhdw])/g)];
  if (typed === "0") return 0;
  if (parts.length > 0 && parts.map(([part]) => part).join("") === typed)
    return parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * (units[unit ?? "s"] ?? 0), 0);
  const hint = /^\d+(\.\d+)?$/.test(typed)
    ? `did you mean ${typed}s`
    : "write a number and a unit, such as 5s or 1m30s";
  refuse(problems, place, `found "${typed}", wanted a duration`, hint);
  return undefined;
}
