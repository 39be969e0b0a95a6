import { type RestartPolicy, parseRestartPolicy } from "../../runtime/index.ts";
import { nearest, SampanError } from "../../base/index.ts";
import { type At, at, bytes, duration, entriesAt, positiveNumber, refuse, text, wholeNumber } from "./at.ts";
import type { ServiceLimits } from "./model.ts";
import type { Problems } from "./problems.ts";

const page = 65_536;

/** What an instance may use: `deploy.resources.limits`, the older keys beside it, `x-sampan.limits`. */
export function readLimits(service: At, problems: Problems): ServiceLimits {
  const limits = at(at(at(service, "deploy"), "resources"), "limits");
  const own = at(at(service, "x-sampan"), "limits");
  const both = <T>(key: string, old: string, read: (problems: Problems, place: At | undefined) => T | undefined) => {
    const [place, other] = [at(limits, key), at(service, old)];
    const [value, older] = [read(problems, place), read(problems, other)];
    if (value !== undefined && older !== undefined && value !== older && other !== undefined)
      refuse(problems, other, `${place?.path ?? key} says something else`, "remove one of the two");
    return value ?? older;
  };
  const memoryPlace = at(limits, "memory") ?? at(service, "mem_limit");
  const memory = both("memory", "mem_limit", bytes);
  if (memory !== undefined && memory < page && memoryPlace !== undefined)
    refuse(
      problems,
      memoryPlace,
      `found ${memory} bytes, and one page of memory has ${page}`,
      `did you mean ${text(memoryPlace)?.replace(/\D+$/, "") ?? 64}m`,
    );
  const pidsRead = (all: Problems, place: At | undefined) =>
    // Docker's words for no limit.
    ["-1", "0"].includes(text(place) ?? "") ? undefined : wholeNumber(all, place);
  return withoutNothing({
    memory,
    cpus: both("cpus", "cpus", positiveNumber),
    pids: both("pids", "pids_limit", pidsRead),
    timeout: duration(problems, at(own, "timeout")),
    maxFiles: wholeNumber(problems, at(own, "max_files")),
    maxOutput: bytes(problems, at(own, "max_output")),
    maxThreads: wholeNumber(problems, at(own, "max_threads")),
  });
}

function withoutNothing(limits: { [Key in keyof ServiceLimits]: ServiceLimits[Key] | undefined }): ServiceLimits {
  return Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined));
}

const ownKeys: Readonly<Record<string, readonly string[]>> = {
  "": ["outbound", "limits", "module", "config", "keyvalue", "log"],
  limits: ["timeout", "max_files", "max_output", "max_threads"],
};

/** Tells keys of `x-sampan` that there are not, as the specification's schema lets every `x-` key hold anything. */
export function checkOwnKeys(place: At | undefined, problems: Problems): void {
  if (place === undefined) return;
  if (place.tree.kind !== "map") {
    refuse(problems, place, "wanted a map", "write outbound:, limits: or module: below it");
    return;
  }
  for (const [key, value] of entriesAt(place)) {
    checkKey(key, value, ownKeys[""] ?? [], problems);
    if (key === "limits" && value.tree.kind !== "map")
      refuse(problems, value, "wanted a map", "write timeout: 5s below it");
    if (key === "module" && text(value) === undefined)
      refuse(problems, value, "wanted a path", "write module: ./app.wasm");
    for (const [inner, innerValue] of key === "limits" ? entriesAt(value) : [])
      checkKey(inner, innerValue, ownKeys["limits"] ?? [], problems);
  }
}

function checkKey(key: string, place: At, known: readonly string[], problems: Problems): void {
  if (known.includes(key)) return;
  const near = nearest(key.toLowerCase().replaceAll("-", "_"), known);
  const hint = near === undefined ? `the keys here are ${known.join(", ")}` : `did you mean ${near}`;
  problems.invalid({
    spot: place.spot,
    path: place.path,
    message: `Cannot read ${place.path}: there is no key "${key}" here`,
    hint,
  });
}

/** When instances are started again: `restart`, or else `deploy.restart_policy`. */
export function readRestart(service: At, problems: Problems): RestartPolicy {
  const place = at(service, "restart");
  const typed = text(place);
  if (place !== undefined && typed !== undefined) {
    try {
      return parseRestartPolicy(typed === "" ? "no" : typed);
    } catch (error) {
      if (!(error instanceof SampanError)) throw error;
      const names = ['"no"', "always", "on-failure", "on-failure:3", "unless-stopped"];
      const near = nearest(typed.split(":")[0] ?? "", names);
      const hint = near === undefined ? `write one of ${names.join(", ")}` : `did you mean ${near}`;
      refuse(problems, place, `found "${typed}", which is no restart policy`, hint);
    }
    return { name: "no" };
  }
  const policy = at(at(service, "deploy"), "restart_policy");
  if (policy === undefined) return { name: "no" };
  const condition = at(policy, "condition");
  const max = wholeNumber(problems, at(policy, "max_attempts"));
  switch (text(condition) ?? "any") {
    case "none":
      return { name: "no" };
    case "any":
      return { name: "always" };
    case "on-failure":
      return max === undefined || max === 0 ? { name: "on-failure" } : { name: "on-failure", max };
    default:
      if (condition !== undefined)
        refuse(
          problems,
          condition,
          `found "${text(condition)}", wanted none, on-failure or any`,
          "write one of none, on-failure, any",
        );
      return { name: "no" };
  }
}

/** How many instances there are: `scale` or `deploy.replicas`. */
export function readScale(service: At, problems: Problems): number {
  const deploy = at(service, "deploy");
  const [place, other] = [at(deploy, "replicas"), at(service, "scale")];
  const [replicas, scale] = [wholeNumber(problems, place), wholeNumber(problems, other)];
  if (replicas !== undefined && scale !== undefined && replicas !== scale && other !== undefined)
    refuse(problems, other, `${place?.path ?? "deploy.replicas"} says ${replicas}`, "remove one of the two");
  const mode = at(deploy, "mode");
  const typed = text(mode);
  if (mode !== undefined && typed !== undefined && !["replicated", "global"].includes(typed))
    refuse(problems, mode, `found "${typed}", wanted replicated or global`, "leave it out");
  return scale ?? replicas ?? 1;
}
