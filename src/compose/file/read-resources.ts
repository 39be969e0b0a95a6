import { statSync } from "node:fs";
import { type At, at, entriesAt, refuse, refuseUnsupported, text } from "./at.ts";
import type { Network, Secret, Volume } from "./model.ts";
import { hostPath } from "./paths.ts";
import type { Problems } from "./problems.ts";
import { readLabels } from "./read-environment.ts";
import type { Reading } from "./reading.ts";
import { truthOf } from "./tree.ts";

interface Named {
  readonly name: string;
  readonly external: boolean;
}

/** What a resource is called on this machine: as it says, its key where it is external, or `PROJECT_KEY`. */
function namedAt(key: string, place: At, { project, problems }: { project: string; problems: Problems }): Named {
  const own = at(place, "external");
  const old = text(at(own, "name"));
  const external = own !== undefined && (own.tree.kind === "map" || truthOf(own.tree) === true);
  const typed = text(at(place, "name")) ?? old;
  const namePlace = at(place, "name") ?? place;
  const name = typed ?? (external ? key : `${project}_${key}`);
  if (!/^[a-zA-Z0-9][\w.-]*$/.test(name))
    refuse(problems, namePlace, `"${name}" is no name`, "use letters, digits, dots, dashes and underscores");
  return { name, external };
}

/** The volumes that the files declare. */
export function readVolumes(place: At | undefined, project: string, reading: Reading): Map<string, Volume> {
  const volumes = new Map<string, Volume>();
  for (const [key, volume] of entriesAt(place)) {
    const driver = at(volume, "driver");
    const typed = text(driver);
    if (driver !== undefined && typed !== undefined && typed !== "local")
      refuseUnsupported(
        reading.problems,
        driver,
        `there is no driver "${typed}"`,
        "leave it out: a volume is a folder",
      );
    const labels = readLabels(volume, reading);
    volumes.set(key, { ...namedAt(key, volume, { project, problems: reading.problems }), anonymous: false, labels });
  }
  return volumes;
}

/** The networks that the files declare. */
export function readProjectNetworks(place: At | undefined, project: string, reading: Reading): Map<string, Network> {
  const networks = new Map<string, Network>();
  for (const [key, network] of entriesAt(place)) {
    const driver = at(network, "driver");
    const typed = text(driver);
    if (driver !== undefined && typed !== undefined && !["bridge", "overlay", "default"].includes(typed))
      refuseUnsupported(
        reading.problems,
        driver,
        `there is no driver "${typed}"`,
        "leave it out: networks are Sampan's own",
      );
    const internalPlace = at(network, "internal");
    const internal = internalPlace !== undefined && truthOf(internalPlace.tree) === true;
    const labels = readLabels(network, reading);
    networks.set(key, { ...namedAt(key, network, { project, problems: reading.problems }), internal, labels });
  }
  return networks;
}

/** The secrets that the files declare; `used` are those of the project's services. */
export function readSecrets(
  place: At | undefined,
  { project, used }: { project: string; used: ReadonlySet<string> },
  reading: Reading,
): Map<string, Secret> {
  const { problems, wantsFiles } = reading;
  const secrets = new Map<string, Secret>();
  for (const [key, secret] of entriesAt(place)) {
    const { name } = namedAt(key, secret, { project, problems });
    const [file, variable] = [at(secret, "file"), at(secret, "environment")];
    const [path, typed] = [text(file), text(variable)];
    const isElsewhere = ["external", "driver"].some((each) => at(secret, each) !== undefined);
    if (path !== undefined && typed !== undefined)
      refuse(problems, secret, "it has file: and environment:", "remove one of the two");
    else if (file !== undefined && path !== undefined) {
      const found = hostPath(path, reading);
      if (used.has(key) && wantsFiles && statSync(found, { throwIfNoEntry: false })?.isFile() !== true)
        refuse(problems, file, `there is no file "${path}"`, "make it, or write environment: and a variable's name");
      secrets.set(key, { kind: "file", name, path: found });
    } else if (variable !== undefined && typed !== undefined) {
      if (used.has(key) && wantsFiles && reading.lookup(typed) === undefined)
        refuse(
          problems,
          variable,
          `the variable ${typed} is not set`,
          `set it in the environment or in the file .env: ${typed}=VALUE`,
        );
      secrets.set(key, { kind: "environment", name, variable: typed });
    } else if (!isElsewhere) {
      refuse(problems, secret, "it says neither file: nor environment:", `write file: ./${key}.txt`);
    }
  }
  return secrets;
}
