import { dirname, resolve } from "node:path";
import { nearest, SampanError } from "../../base/index.ts";
import { type At, at, entriesAt, refuse, text } from "./at.ts";
import { checkProject, presentDependencies, type ServicesAt } from "./check-project.ts";
import { findFiles } from "./find-files.ts";
import { interpolate, type Lookup, substitute } from "./interpolate.ts";
import { mergeFiles, withoutReset } from "./merge-files.ts";
import type { LoadOptions, Network, Project, Service, Volume } from "./model.ts";
import { shownPath } from "./paths.ts";
import { Problems } from "./problems.ts";
import { isProjectName, plainName, projectName } from "./project-name.ts";
import { readText, variablesOf } from "./read-environment.ts";
import { readProfiles } from "./read-networks.ts";
import { readProjectNetworks, readSecrets, readVolumes } from "./read-resources.ts";
import { readService, type ServiceAt } from "./read-service.ts";
import { readYaml } from "./read-yaml.ts";
import type { Reading } from "./reading.ts";
import { checkSupport } from "./support.ts";
import { child, lineStartsOf, textOf, type Tree } from "./tree.ts";
import { validate } from "./validate.ts";

/**
 * Reads a project from its compose files, with everything resolved.
 *
 * @throws COMPOSE_FILE_NOT_FOUND, COMPOSE_INVALID, COMPOSE_NAME_INVALID, COMPOSE_SERVICE_UNKNOWN, COMPOSE_UNSUPPORTED
 */
export function readProject(options: LoadOptions): Project {
  const problems = new Problems();
  const surroundings = surroundingsOf(options, problems);
  const { files, folder } = surroundings;
  const parsed = files.map((path) => parse(path, options.cwd, problems));
  const trees = parsed.filter((tree) => tree !== undefined);
  if (trees.length < files.length || trees.length === 0) problems.throwIfAny();
  const written = trees.map((tree) => textOf(child(tree, "name"))).findLast((name) => name !== undefined);
  const name = nameOf(options, surroundings, written);
  const lookup: Lookup = (variable) =>
    surroundings.lookup(variable) ?? (variable === "COMPOSE_PROJECT_NAME" ? name : undefined);
  const root = mergedTree(trees, lookup, problems);
  const place: At = { tree: root, spot: root.spot, path: "" };
  checkName(place, problems);
  if (!isNothing(root)) validate(root, problems);
  if (problems.isEmpty && at(place, "include") === undefined) checkServices(place, name, problems);
  problems.nextPass();
  const enabled = enabledServices(place, options, surroundings.lookup);
  checkSupport(root, problems, { services: enabled });
  problems.nextPass();
  const project = resolveProject(place, { name, files, folder, enabled, lookup, problems, options });
  problems.throwIfAny();
  return { ...project, warnings: problems.warnings };
}

interface Surroundings {
  readonly files: readonly string[];
  readonly folder: string;
  readonly lookup: Lookup;
}

/** The files, their folder, and the variables of the surroundings with those of `.env` behind them. */
function surroundingsOf(
  { files = [], cwd, env, envFiles, projectDirectory }: LoadOptions,
  problems: Problems,
): Surroundings {
  const outer: Lookup = (name) => env[name];
  // The file .env may say where the compose file is.
  const here =
    envFiles === undefined && files.length === 0
      ? readVariables([resolve(cwd, ".env")], { cwd, outer, problems })
      : undefined;
  const found = findFiles({ files, cwd, lookup: (name) => outer(name) ?? here?.get(name) });
  const folder = projectDirectory === undefined ? dirname(found[0] ?? cwd) : resolve(cwd, projectDirectory);
  const typed = envFiles ?? (env["COMPOSE_ENV_FILES"] ?? "").split(",").filter((name) => name !== "");
  const paths = typed.length > 0 ? typed.map((name) => resolve(cwd, name)) : [resolve(folder, ".env")];
  if (typed.length > 0) checkEnvFiles(paths, typed);
  const inner = readVariables(paths, { cwd, outer, problems });
  return { files: found, folder, lookup: (name) => outer(name) ?? inner.get(name) };
}

function checkEnvFiles(paths: readonly string[], typed: readonly string[]): void {
  const missing = paths.findIndex((path) => readText(path) === undefined);
  if (missing < 0) return;
  throw new SampanError(
    "COMPOSE_FILE_NOT_FOUND",
    `Cannot read the env file "${typed[missing] ?? ""}": there is none of that name`,
    {
      hint: "look at the path after --env-file",
    },
  );
}

function readVariables(
  paths: readonly string[],
  { cwd, outer, problems }: { cwd: string; outer: Lookup; problems: Problems },
): Map<string, string> {
  const values = new Map<string, string>();
  for (const path of paths) {
    const content = readText(path);
    if (content === undefined) continue;
    const lookup: Lookup = (name) => outer(name) ?? values.get(name);
    const file = { content, path, shown: shownPath(path, cwd), lookup, format: "compose" as const };
    for (const [name, value] of variablesOf(file, problems)) if (value !== undefined) values.set(name, value);
  }
  return values;
}

function parse(path: string, cwd: string, problems: Problems): Tree | undefined {
  const shown = shownPath(path, cwd);
  const content = readText(path);
  if (content === undefined) {
    throw new SampanError("COMPOSE_FILE_NOT_FOUND", `Cannot read the compose file "${shown}": it cannot be opened`, {
      hint: "look at who may read it: ls -l",
    });
  }
  const source = { path, shown, lineStarts: lineStartsOf(content) };
  return readYaml(content, source, problems);
}

function nameOf(options: LoadOptions, { folder, lookup }: Surroundings, written: string | undefined): string {
  const put = written === undefined ? undefined : substitute(written, lookup);
  return projectName({
    typed: options.projectName,
    variable: lookup("COMPOSE_PROJECT_NAME"),
    // What cannot be read is told when the whole file's variables are put in.
    written: put === undefined || "message" in put || !isProjectName(put.text) ? undefined : put.text,
    folder,
  });
}

function mergedTree(trees: readonly Tree[], lookup: Lookup, problems: Problems): Tree {
  const [first, ...rest] = trees.map((tree) => interpolate(tree, lookup, problems));
  if (first === undefined) throw new TypeError("A project has at least one file");
  return withoutReset(rest.reduce((base, over) => mergeFiles(base, over), first));
}

function isNothing(tree: Tree): boolean {
  return tree.kind === "leaf" && tree.value === null;
}

/** Tells that there is nothing to run, which the schema lets pass. */
function checkServices(root: At, name: string, problems: Problems): void {
  const services = at(root, "services");
  const isEmpty = isNothing(root.tree);
  if (!isEmpty && entriesAt(services).length > 0) return;
  const message = `Cannot run the project "${name}": ${isEmpty ? "the file is empty" : "there are no services"}`;
  const hint = "write services: with a name and image: ./app.wasm below it";
  problems.invalid({ spot: services?.spot ?? root.spot, path: "services", message, hint });
}

/** The schema leaves the form of the name open, as it may hold variables. */
function checkName(root: At, problems: Problems): void {
  const own = at(root, "name");
  const typed = text(own);
  if (own !== undefined && typed !== undefined && !isProjectName(typed))
    refuse(problems, own, `"${typed}" is no name of a project`, `did you mean ${plainName(typed) || "app"}`);
}

/** The names of the services whose profiles are on. */
function enabledServices(root: At, { profiles = [], services = [] }: LoadOptions, lookup: Lookup): Set<string> {
  const all = new Map(entriesAt(at(root, "services")).map(([name, place]) => [name, readProfiles(place)]));
  for (const wanted of services) {
    if (all.has(wanted)) continue;
    const near = nearest(wanted, all.keys());
    const hint = near === undefined ? `the services are ${[...all.keys()].join(", ")}` : `did you mean ${near}`;
    throw new SampanError("COMPOSE_SERVICE_UNKNOWN", `Cannot find the service "${wanted}": no such service`, { hint });
  }
  const named = (lookup("COMPOSE_PROFILES") ?? "").split(",").filter((profile) => profile !== "");
  const on = new Set([...profiles, ...named, ...services.flatMap((name) => all.get(name) ?? [])]);
  const isOn = (own: readonly string[]): boolean =>
    own.length === 0 || on.has("*") || own.some((profile) => on.has(profile));
  return new Set([...all].filter(([, own]) => isOn(own)).map(([name]) => name));
}

interface Resolving {
  readonly name: string;
  readonly files: readonly string[];
  readonly folder: string;
  readonly enabled: ReadonlySet<string>;
  readonly lookup: Lookup;
  readonly problems: Problems;
  readonly options: LoadOptions;
}

function resolveProject(
  root: At,
  { name, files, folder, enabled, lookup, problems, options }: Resolving,
): Omit<Project, "warnings"> {
  const keysOf = (key: string): Set<string> => new Set(entriesAt(at(root, key)).map(([each]) => each));
  const anonymous = new Map<string, Volume>();
  const reading: Reading = {
    problems,
    folder,
    lookup,
    wantsFiles: options.missingFiles !== "accept",
    volumes: keysOf("volumes"),
    networks: keysOf("networks"),
    secrets: keysOf("secrets"),
    anonymous,
  };
  const placed = entriesAt(at(root, "services"));
  const services = new Map<string, ServiceAt>();
  const disabled = new Map<string, readonly string[]>();
  for (const [key, place] of placed) {
    if (!enabled.has(key)) disabled.set(key, readProfiles(place));
    else if (place.tree.kind === "map") services.set(key, readService(key, place, reading));
  }
  const all: ServicesAt = { services, disabled };
  const used = new Set([...services.values()].flatMap(({ service }) => service.secrets.map(({ source }) => source)));
  const networks = readProjectNetworks(at(root, "networks"), name, reading);
  const volumes = readVolumes(at(root, "volumes"), name, reading);
  const secrets = readSecrets(at(root, "secrets"), { project: name, used }, reading);
  checkProject(all, problems);
  const own = [...services].map(([key, { service }]): [string, Service] => [
    key,
    withoutOutbound({ ...service, dependsOn: presentDependencies(service, all) }, networks),
  ]);
  const isDefaultUsed = own.some(([, service]) => service.networks.some((network) => network.name === "default"));
  if (isDefaultUsed && !networks.has("default"))
    networks.set("default", { name: `${name}_default`, external: false, internal: false, labels: {} });
  for (const [key, volume] of anonymous) volumes.set(key, { ...volume, name: `${name}_${key}` });
  const secretValues: Record<string, string> = {};
  for (const [key, secret] of secrets) {
    const value = secret.kind === "environment" && used.has(key) ? lookup(secret.variable) : undefined;
    if (secret.kind === "environment" && value !== undefined) secretValues[secret.variable] = value;
  }
  return { name, folder, files, services: new Map(own), volumes, networks, secrets, secretValues };
}

/** A service whose networks are all internal reaches nothing outside. */
function withoutOutbound(service: Service, networks: ReadonlyMap<string, Network>): Service {
  const isInside =
    service.networks.length > 0 && service.networks.every(({ name }) => networks.get(name)?.internal === true);
  if (!isInside) return service;
  return { ...service, outbound: [], grants: { ...service.grants, net: { ...service.grants.net, connect: [] } } };
}
