import { readdirSync, readFileSync } from "node:fs";
import { dirname, isAbsolute, relative, resolve } from "node:path";
import { hintForMissing, nearest, SampanError } from "../../base/index.ts";
import { defaultGrants } from "../../capabilities/index.ts";
import type { FormFinding } from "../../capabilities/forms/index.ts";
import type { ServeValues, WorkloadValues } from "./finish.ts";
import type { serveForm, ServeFile, WorkloadFile } from "./form.ts";
import type { RouteConfig } from "./model.ts";
import { placeText } from "./route.ts";

/** What files are read with. */
export interface ReadContext {
  readonly cwd: string;
  /** Value of a variable in the surrounding environment, for `env: [NAME]`. */
  readonly lookup: (name: string) => string | undefined;
}

/**
 * Reads a file for `sampan serve --config`. All that is wrong with it is told at once, each with its line and column, as
 * `data.problems`.
 *
 * @throws SERVE_CONFIG_INVALID, FILE_NOT_FOUND, FILE_UNREADABLE
 */
export async function readServeFile(
  typed: string,
  context: ReadContext,
): Promise<ServeValues & { readonly watch: boolean }> {
  const file = resolve(context.cwd, typed);
  const text = readText(file, typed);
  // The YAML library takes 10 ms to load.
  const [forms, { readWholeDocument, readGrants }] = await Promise.all([
    import("./form.ts"),
    import("../../capabilities/forms/index.ts"),
  ]);
  const folder = dirname(file);
  const sources = [file];
  const { form, joined } = forms.serveForm({
    file,
    lookup: context.lookup,
    readGrantsFile: (named) => {
      const path = resolve(folder, named);
      sources.push(path);
      return readGrants(readText(path, named), { file: named, cwd: dirname(path), lookup: context.lookup });
    },
  });
  const { value, findings } = readWholeDocument(form, text);
  const read: ServeFile = value ?? {};
  const workloads = (read.workloads ?? []).map(([name, each]) => workloadOf(name, each, { folder, joined }));
  const routes = routesOf(read, workloads, findings);
  throwIfAny(findings, shownPath(file, context.cwd));
  const { trust = [], watch = false, limits = {}, workloads: _workloads, routes: _routes, ...server } = read;
  return { server, limits, trusted: trust, workloads, routes, sources, folder, watch };
}

type Joined = ReturnType<typeof serveForm>["joined"];

function workloadOf(
  name: string,
  { file = "", kind, args = [], features = [], grants, cgi = {}, ...rest }: WorkloadFile,
  { folder, joined }: { readonly folder: string; readonly joined: Joined },
): WorkloadValues {
  const all = joined(grants ?? defaultGrants, rest);
  return { name, file, folder, kind, args, features, grants: all, settings: rest, cgi, defaultWarm: 0 };
}

/** The routes of a file; of one without any the only workload has all requests. */
function routesOf(
  { routes }: ServeFile,
  workloads: readonly WorkloadValues[],
  findings: FormFinding[],
): readonly RouteConfig[] {
  const names = workloads.map(({ name }) => name);
  const [only, another] = names;
  if (routes === undefined && only !== undefined && another === undefined)
    return [{ host: undefined, path: "/", to: only }];
  const seen = new Map<string, string>();
  return (routes ?? []).flatMap(({ host, path = "/", to }) => {
    if (to === undefined) return [];
    const { value: name, ...at } = to;
    const place = placeText({ host, path });
    const other = seen.get(place);
    seen.set(place, name);
    if (!names.includes(name)) {
      const near = nearest(name, names);
      const hint = near === undefined ? `the workloads are ${names.slice(0, 12).join(", ")}` : `did you mean ${near}`;
      // What is wrong with the workloads themselves is told already.
      if (findings.length === 0) findings.push({ ...at, problem: `there is no workload "${name}"`, hint });
    } else if (other !== undefined)
      findings.push({
        ...at,
        problem: `"${place}" goes to "${other}" already`,
        hint: "give one of the two another host or path",
      });
    return [{ host, path, to: name }];
  });
}

function throwIfAny(findings: readonly FormFinding[], file: string): void {
  const problems = findings
    .toSorted((a, b) => a.line - b.line || a.column - b.column)
    .map(({ line, column, path, problem, hint }) => {
      // Where one name is near, the list of all says less than it hides.
      const what = hint === undefined ? problem : problem.replace(/; wanted one of .*/s, "");
      const message = `Cannot read ${path === "" ? "the file" : path}: ${what}`;
      const next = hint?.replace(/^Did you mean "(.*)"$/, "did you mean $1");
      return {
        file,
        line,
        column,
        message,
        code: "SERVE_CONFIG_INVALID",
        ...(next === undefined ? {} : { hint: next }),
      };
    });
  const [first] = problems;
  if (first === undefined) return;
  const message = `${first.file}:${first.line}:${first.column}: ${first.message}`;
  throw new SampanError("SERVE_CONFIG_INVALID", message, { hint: first.hint, data: { problems } });
}

function shownPath(file: string, cwd: string): string {
  const near = relative(cwd, file);
  return near === "" || near.startsWith("..") || isAbsolute(near) ? file : near;
}

function readText(file: string, shown: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
    if (code === "ENOENT" || code === "ENOTDIR")
      throw new SampanError("FILE_NOT_FOUND", `Cannot read "${shown}": there is no such file`, {
        hint: hintForMissing(shown, readdirSync),
        cause,
      });
    throw new SampanError("FILE_UNREADABLE", `Cannot read "${shown}": ${code === "EISDIR" ? "it is a folder" : code}`, {
      cause,
    });
  }
}
