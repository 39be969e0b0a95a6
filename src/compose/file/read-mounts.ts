import { statSync } from "node:fs";
import { type At, at, itemsAt, itemsOrOne, refuse, refuseName, refuseUnsupported, text, truth } from "./at.ts";
import type { Mount, ServiceImage } from "./model.ts";
import { guestPath, hostPath } from "./paths.ts";
import type { Reading } from "./reading.ts";

/** A service's volumes and tmpfs, in the file's order. */
export function readMounts(
  service: At,
  { name, image }: { name: string; image: ServiceImage | undefined },
  reading: Reading,
): Mount[] {
  const read = [
    ...itemsAt(at(service, "volumes")).map((place) => ({
      place,
      mount: place.tree.kind === "map" ? readLong(place, name, reading) : readShort(place, name, reading),
    })),
    ...itemsOrOne(at(service, "tmpfs")).map((place) => ({ place, mount: readTmpfs(place, reading) })),
  ];
  const targets = new Map<string, string>();
  const mounts: Mount[] = [];
  for (const { place, mount } of read) {
    if (mount === undefined) continue;
    const other = targets.get(mount.target);
    if (other !== undefined) {
      refuse(
        reading.problems,
        place,
        `${other} has the target "${mount.target}" already`,
        "give one of them another target",
      );
      continue;
    }
    targets.set(mount.target, place.path);
    mounts.push(mount);
    if (mount.kind === "bind" && image?.kind === "wasm") checkBind(place, mount, reading);
  }
  return mounts;
}

/** A grant is one of a folder. */
function checkBind(place: At, { source }: Mount & { kind: "bind" }, { problems, wantsFiles }: Reading): void {
  if (!wantsFiles || statSync(source, { throwIfNoEntry: false })?.isDirectory() !== false) return;
  refuseUnsupported(
    problems,
    place,
    `"${source}" is a file, and a guest gets folders`,
    "mount the folder that it is in",
  );
}

function targetOf(place: At, typed: string, { problems }: Reading): string | undefined {
  const target = guestPath(typed);
  if (target === undefined)
    refuse(
      problems,
      place,
      `the target "${typed}" is not an absolute path of the guest`,
      `write /${typed.replace(/^[./~]+/, "") || "data"}`,
    );
  else if (target === "/")
    refuse(problems, place, "the target is the whole file system of the guest", "write a folder, such as /data");
  return target === "/" ? undefined : target;
}

/** A key for a volume without a name. */
function anonymousVolume(service: string, target: string, { anonymous }: Reading): string {
  const key = `${service}-anonymous${target.replaceAll(/[^\w]+/g, "-")}`;
  anonymous.set(key, { name: key, external: false, anonymous: true, labels: {} });
  return key;
}

const modes = /^(?:ro|rw|z|Z|cached|delegated|consistent|nocopy|r?(?:private|shared|slave))$/;

function readShort(place: At, service: string, reading: Reading): Mount | undefined {
  const { problems } = reading;
  const typed = text(place);
  if (typed === undefined) return undefined;
  const hint = "write ./folder:/data, name:/data or either with :ro";
  const parts = typed.split(":");
  if (parts.length > 3 || parts.some((part) => part === "")) {
    refuse(problems, place, `found "${typed}", wanted [SOURCE:]TARGET[:MODE]`, hint);
    return undefined;
  }
  const [source, targetText, options = ""] = parts.length === 1 ? [undefined, typed] : parts;
  const wrong = options === "" ? undefined : options.split(",").find((option) => !modes.test(option));
  if (wrong !== undefined) {
    refuse(
      problems,
      place,
      `"${wrong}" in "${typed}" is no mode of a volume`,
      "write :ro to make it read-only, or nothing",
    );
    return undefined;
  }
  const target = targetOf(place, targetText ?? "", reading);
  if (target === undefined) return undefined;
  const readOnly = options.split(",").includes("ro");
  if (source === undefined)
    return { kind: "volume", volume: anonymousVolume(service, target, reading), target, readOnly };
  if (/^[./~]/.test(source)) return { kind: "bind", source: hostPath(source, reading), target, readOnly, create: true };
  return namedVolume(place, source, { target, readOnly }, reading);
}

function namedVolume(
  place: At,
  volume: string,
  rest: { target: string; readOnly: boolean; subpath?: string },
  { problems, volumes }: Reading,
): Mount | undefined {
  if (volumes.has(volume)) return { kind: "volume", volume, ...rest };
  if (volume.includes("/"))
    refuse(
      problems,
      place,
      `"${volume}" is neither a volume's name nor a path that begins with a dot`,
      `write ./${volume}`,
    );
  else
    refuseName(problems, place, {
      name: volume,
      kind: "volume",
      known: volumes,
      declare: `volumes: with ${volume}: below it`,
    });
  return undefined;
}

function readLong(place: At, service: string, reading: Reading): Mount | undefined {
  const { problems } = reading;
  const type = text(at(place, "type"));
  const typedTarget = text(at(place, "target"));
  const typedSource = text(at(place, "source"));
  if (type === undefined) return undefined;
  if (!["bind", "volume", "tmpfs"].includes(type)) {
    const known = ["cluster", "npipe", "image"].includes(type);
    if (known)
      refuseUnsupported(
        problems,
        at(place, "type") ?? place,
        `there are no mounts of type ${type}`,
        "write type: bind, volume or tmpfs",
      );
    return undefined;
  }
  if (typedTarget === undefined) {
    refuse(problems, place, 'it lacks the key "target"', "add target: and an absolute path of the guest");
    return undefined;
  }
  const target = targetOf(at(place, "target") ?? place, typedTarget, reading);
  if (target === undefined) return undefined;
  if (type === "tmpfs") return { kind: "tmpfs", target };
  const readOnly = truth(problems, at(place, "read_only"), false);
  if (type === "bind") {
    if (typedSource === undefined) {
      refuse(problems, place, 'it lacks the key "source"', "add source: and a folder of this machine, such as ./data");
      return undefined;
    }
    const create = truth(problems, at(at(place, "bind"), "create_host_path"), true);
    const source = hostPath(typedSource, reading);
    if (!create && reading.wantsFiles && statSync(source, { throwIfNoEntry: false }) === undefined)
      refuse(
        problems,
        at(place, "source") ?? place,
        `there is no folder "${typedSource}"`,
        "make it, or leave create_host_path out",
      );
    return { kind: "bind", source, target, readOnly, create };
  }
  if (typedSource === undefined)
    return { kind: "volume", volume: anonymousVolume(service, target, reading), target, readOnly };
  const subpath = readSubpath(at(at(place, "volume"), "subpath"), reading);
  const rest = { target, readOnly, ...(subpath === undefined ? {} : { subpath }) };
  return namedVolume(at(place, "source") ?? place, typedSource, rest, reading);
}

function readSubpath(place: At | undefined, { problems }: Reading): string | undefined {
  const typed = text(place);
  if (place === undefined || typed === undefined) return undefined;
  const isBelow = !typed.startsWith("/") && !typed.split("/").includes("..");
  if (!isBelow) refuse(problems, place, `"${typed}" is not below the volume`, "write a relative path, such as data");
  return isBelow ? typed : undefined;
}

function readTmpfs(place: At, reading: Reading): Mount | undefined {
  const typed = text(place);
  if (typed === undefined) return undefined;
  // What follows the colon are options of Linux's mount.
  const target = targetOf(place, typed.split(":")[0] ?? "", reading);
  return target === undefined ? undefined : { kind: "tmpfs", target };
}
