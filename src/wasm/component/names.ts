/** The parts of the name of an import or export (component model, Explainer: Import and Export Definitions). */
export type ExternName =
  | { readonly kind: "plain"; readonly label: string }
  | { readonly kind: "constructor"; readonly resource: string }
  | { readonly kind: "method" | "static"; readonly resource: string; readonly label: string }
  | {
      readonly kind: "interface";
      /** Several, joined by colons, where names are nested. */
      readonly namespace: string;
      readonly package: string;
      /** Several labels, joined by slashes, where names are nested. */
      readonly interface: string;
      readonly version: string | undefined;
    };

/** Which additions to the grammar of names are allowed; none is by default. */
export interface NameOptions {
  readonly nested?: boolean;
  /** Versions cut down to what compatibility depends on, such as `@0.2`. */
  readonly canonical?: boolean;
}

const label = /^(?:[a-z][0-9a-z]*|[A-Z][0-9A-Z]*)(?:-(?:[0-9a-z]+|[0-9A-Z]+))*$/;
const words = /^[a-z][0-9a-z]*(?:-[0-9a-z]+)*$/;
const number = String.raw`(?:0|[1-9]\d*)`;
const identifier = String.raw`(?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)`;
const semver = new RegExp(
  String.raw`^(${number})\.(${number})\.(${number})(-${identifier}(?:\.${identifier})*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$`,
);
const canonical = /^(?:[1-9]\d*|0\.[1-9]\d*|0\.0\.(?:0|[1-9]\d*))$/;
const annotated = /^\[(constructor|method|static)\]/;

/** Whether the text is a label: words in lower or upper case, joined by hyphens (Explainer: `label`). */
export function isLabel(text: string): boolean {
  return label.test(text);
}

/** Whether the text is a version as semver.org has it. */
export function isVersion(text: string): boolean {
  return semver.test(text);
}

/** Whether the text is a version cut down to what compatibility depends on (Explainer: `canonversion`). */
export function isCanonicalVersion(text: string): boolean {
  return canonical.test(text);
}

/**
 * Takes the name of an import or export apart; `undefined` where it is none (component model, Explainer: `externname`).
 */
export function parseExternName(name: string, options: NameOptions = {}): ExternName | undefined {
  const annotation = annotated.exec(name)?.[1];
  if (annotation !== undefined) return parseAnnotated(annotation, name.slice(annotation.length + 2));
  if (name.includes(":")) return parseInterfaceName(name, options);
  return isLabel(name) ? { kind: "plain", label: name } : undefined;
}

function parseAnnotated(annotation: string, rest: string): ExternName | undefined {
  if (annotation === "constructor") return isLabel(rest) ? { kind: "constructor", resource: rest } : undefined;
  const [resource = "", item = "", ...more] = rest.split(".");
  if (more.length > 0 || !isLabel(resource) || !isLabel(item)) return undefined;
  return { kind: annotation === "method" ? "method" : "static", resource, label: item };
}

function parseInterfaceName(name: string, options: NameOptions): ExternName | undefined {
  const at = name.indexOf("@");
  const version = at < 0 ? undefined : name.slice(at + 1);
  if (version !== undefined && !isVersion(version) && !(options.canonical && isCanonicalVersion(version))) {
    return undefined;
  }
  const [packagePath = "", ...interfaces] = (at < 0 ? name : name.slice(0, at)).split("/");
  const namespaces = packagePath.split(":");
  const packageName = namespaces.pop() ?? "";
  const most = options.nested ? Infinity : 1;
  if (namespaces.length < 1 || namespaces.length > most || interfaces.length < 1 || interfaces.length > most) {
    return undefined;
  }
  if (![...namespaces, packageName].every((part) => words.test(part)) || !interfaces.every(isLabel)) return undefined;
  return {
    kind: "interface",
    namespace: namespaces.join(":"),
    package: packageName,
    interface: interfaces.join("/"),
    version,
  };
}

/**
 * What two names of one scope must differ in: letters in lower case, without annotations but for a constructor's
 * (component model, Explainer: Name Uniqueness).
 */
export function uniqueForm(name: string): string {
  const lower = name.toLowerCase();
  const member = /^\[(?:method|static)\]([^.]*)\.(.*)$/.exec(lower);
  if (member === null) return lower;
  const [, resource = "", item = ""] = member;
  return resource === item ? resource : `${resource}.${item}`;
}

/**
 * The part of a version that compatible versions share, such as `0.2` of `0.2.6` and `1` of `1.4.0`; `undefined` where a
 * version is compatible with itself alone: a pre-release or draft (component model, Explainer: Canonical Interface Name).
 */
export function compatibilityTrack(version: string): string | undefined {
  if (isCanonicalVersion(version)) return version;
  const [, major, minor, patch, preRelease] = semver.exec(version) ?? [];
  if (major === undefined || preRelease !== undefined) return undefined;
  if (major !== "0") return major;
  return minor === "0" ? `0.0.${patch}` : `0.${minor}`;
}

/**
 * The one of the offered names that stands for the wanted one: the same name, or else that of the highest version on the
 * same compatibility track, be it above or below the wanted version.
 */
export function matchName(wanted: string, offered: Iterable<string>): string | undefined {
  const at = wanted.indexOf("@");
  // Nearly always nothing is offered that begins so.
  const prefix = wanted.slice(0, at + 1);
  let best: string | undefined;
  for (const name of offered) {
    if (name === wanted) return name;
    if (at < 0 || !name.startsWith(prefix)) continue;
    const track = compatibilityTrack(wanted.slice(at + 1));
    if (track === undefined || compatibilityTrack(name.slice(at + 1)) !== track) continue;
    if (best === undefined || isAbove(name.slice(at + 1), best.slice(at + 1))) best = name;
  }
  return best;
}

/** Whether one version is above another, both without a pre-release. */
function isAbove(version: string, other: string): boolean {
  const [left, right] = [version, other].map((text) => (text.split("+")[0] ?? "").split(".").map(Number));
  for (let index = 0; index < 3; index += 1) {
    const [mine, its] = [left?.[index] ?? 0, right?.[index] ?? 0];
    if (mine !== its) return mine > its;
  }
  return false;
}
