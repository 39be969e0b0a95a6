import { printable, SampanError } from "../base/index.ts";
import { type Grants, grantToFlags, writeGrants } from "../capabilities/index.ts";
import type { Project, Service } from "../compose/index.ts";
import type { Command, CommandSpec, ParsedCommand, Surroundings } from "./command.ts";
import { warningText } from "./complain.ts";
import { hasSwitch, lastValue } from "./parse.ts";
import { loadOptionsOf, projectGroup } from "./project-options.ts";
import { joinLines, jsonText } from "./text.ts";

const spec: CommandSpec = {
  name: "config",
  summary: "Check a compose file and print what it comes to, with everything resolved",
  usage: "sampan config [-f FILE] [--grants] [SERVICE...]",
  example: "sampan config --grants web",
  operands: "words",
  groups: [
    {
      heading: "Output",
      options: [
        { long: "--grants", summary: "Print for each service what its guest may do" },
        { long: "--services", summary: "Print the names of the services" },
        { long: "--images", summary: "Print what the services run" },
        { long: "--volumes", summary: "Print the names of the volumes" },
        { long: "--networks", summary: "Print the names of the networks" },
        { long: "--profiles", summary: "Print the names of the profiles" },
        { long: "--format", value: "yaml|json", summary: "How to print it (default: yaml)" },
        { long: "--quiet", short: "-q", summary: "Only check, and print what is wrong" },
      ],
    },
    projectGroup,
  ],
};

/** `sampan config`: checks compose files and prints the project that they make. */
export const configCommand: Command = { spec, execute: printConfig };

async function printConfig(parsed: ParsedCommand, surroundings: Surroundings): Promise<number> {
  const { print, complain } = surroundings;
  const format = formatOf(parsed);
  const compose = await import("../compose/index.ts");
  const names = parsed.operands;
  const wantsAll = hasSwitch(parsed, "--profiles");
  const options = loadOptionsOf(parsed, surroundings, names);
  const whole = await compose.loadProject(wantsAll ? { ...options, profiles: ["*"] } : options);
  const project = names.length === 0 ? whole : onlyServices(whole, names);
  for (const warning of project.warnings) complain(warningText(warning));
  if (hasSwitch(parsed, "--quiet")) return 0;
  const list = listOf(parsed, project);
  if (list !== undefined) print(joinLines([...new Set(list)].toSorted().map(printable)));
  else if (hasSwitch(parsed, "--grants")) print(format === "json" ? grantsData(project) : grantsText(project));
  else print(await compose.writeProject(project, format));
  return 0;
}

function formatOf(parsed: ParsedCommand): "yaml" | "json" {
  const typed = lastValue(parsed, "--format") ?? "yaml";
  if (typed === "yaml" || typed === "json") return typed;
  throw new SampanError("CLI_OPTION_INVALID", `Cannot read --format "${typed}": wanted yaml or json`);
}

/** The named services and those that they wait for. */
function onlyServices(project: Project, names: readonly string[]): Project {
  const wanted = new Set<string>();
  const add = (name: string): void => {
    if (wanted.has(name)) return;
    wanted.add(name);
    for (const { service } of project.services.get(name)?.dependsOn ?? []) add(service);
  };
  names.forEach(add);
  const services = [...project.services].filter(([name]) => wanted.has(name));
  return { ...project, services: new Map(services) };
}

function listOf(parsed: ParsedCommand, { services, volumes, networks }: Project): readonly string[] | undefined {
  const all = [...services.values()];
  if (hasSwitch(parsed, "--services")) return [...services.keys()];
  if (hasSwitch(parsed, "--images"))
    return all.map(({ image }) => (image.kind === "wasm" ? image.path : image.reference));
  if (hasSwitch(parsed, "--volumes"))
    return [...volumes].filter(([, { anonymous }]) => !anonymous).map(([name]) => name);
  if (hasSwitch(parsed, "--networks")) return [...networks.keys()];
  if (hasSwitch(parsed, "--profiles")) return all.flatMap(({ profiles }) => profiles);
  return undefined;
}

/** What the project gives to a service and no grant says, because only the project can. */
function surroundingsOf({ mounts, networks, ports, secrets }: Service): string[] {
  const folders = mounts.flatMap((mount) => {
    if (mount.kind === "bind") return [];
    const mode = mount.kind === "volume" && mount.readOnly ? ", read-only" : "";
    return mount.kind === "tmpfs"
      ? [`A folder of its own at ${mount.target}, removed with the container`]
      : [`The volume ${mount.volume} at ${mount.target}${mode}`];
  });
  return [
    ...folders,
    ...secrets.map(({ source, target }) => `The secret ${source} at ${target}, read-only`),
    ...networks.map(({ name }) => `Listen on any port of the network ${name}, and connect to its services by name`),
    ...ports.map(({ hostIp, hostPort, guestPort, protocol }) => {
      const host = hostPort === 0 ? "a free port" : `port ${hostPort}`;
      return `Its port ${guestPort}/${protocol} is ${host} of ${hostIp === "0.0.0.0" ? "this machine" : hostIp}`;
    }),
  ];
}

/** Grants of each service as a grants file has them, below the service's name. */
function grantsText({ services }: Project): string {
  const parts = [...services.values()].map((service) => {
    const { name, image, grants } = service;
    const what =
      image.kind === "wasm"
        ? [`# sampan run ${[...grantToFlags(grants), image.path].join(" ")}`]
        : [`# A stand-in for ${image.reference}, which is no guest and has no grants; what the file gives it:`];
    const lines = [...what, ...surroundingsOf(service).map((sentence) => `# ${sentence}`)];
    return `${lines.map((line) => `${printable(line)}\n`).join("")}${name}:\n${indented(writeGrants(grants))}`;
  });
  return parts.join("\n");
}

function indented(text: string): string {
  return text.replaceAll(/^(?=.)/gm, "  ");
}

interface GrantsRow {
  readonly grants: Grants;
  readonly flags: readonly string[];
  readonly project: readonly string[];
}

function grantsData({ services }: Project): string {
  const rows = [...services.values()].map(({ name, grants, ...rest }): [string, GrantsRow] => [
    name,
    { grants, flags: grantToFlags(grants), project: surroundingsOf({ name, grants, ...rest }) },
  ]);
  return jsonText(Object.fromEntries(rows));
}
