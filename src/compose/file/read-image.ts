import { existsSync, readdirSync, statSync } from "node:fs";
import { basename, dirname } from "node:path";
import { nearest } from "../../base/index.ts";
import { type At, at, entriesAt, refuse, refuseUnsupported, text } from "./at.ts";
import type { ServiceImage, StandInFamily } from "./model.ts";
import { hostPath } from "./paths.ts";
import type { Reading } from "./reading.ts";

const families: readonly StandInFamily[] = ["postgres", "nginx", "mariadb", "mysql"];
const platforms = [
  "wasi/wasm",
  "wasi/wasm32",
  "wasi/wasm64",
  "wasip1/wasm",
  "wasip1/wasm32",
  "wasip2/wasm",
  "wasip2/wasm32",
];
const runtimes = ["wasmedge", "wasmtime", "wasmer", "wamr", "wws", "slight", "spin", "lunatic", "sampan"];

/** What a service runs: a file, a stand-in, or an error that says what it would need. */
export function readImage(service: At, reading: Reading): ServiceImage | undefined {
  const { problems } = reading;
  const image = at(service, "image");
  const typed = text(image);
  const module = at(at(service, "x-sampan"), "module");
  const found =
    text(module) !== undefined && module !== undefined
      ? readFile(module, text(module) ?? "", reading)
      : image === undefined || typed === undefined
        ? undefined
        : isFile(typed)
          ? readFile(image, typed, reading)
          : readReference(image, typed, reading);
  const isElsewhere = ["build", "extends", "provider"].some((key) => at(service, key) !== undefined);
  if (image === undefined && module === undefined && !isElsewhere && !hasNearKey(service))
    refuse(problems, service, 'it lacks the key "image"', "name a module: image: ./app.wasm");
  if (found !== undefined) checkPlatform(service, found, reading);
  return found;
}

/** Whether a mistyped key, which is told already, is meant to be the image. */
function hasNearKey(service: At): boolean {
  return entriesAt(service).some(([key]) => nearest(key, ["image"]) !== undefined);
}

function isFile(typed: string): boolean {
  return /\.(wasm|wat|cwasm)$/i.test(typed) || /^(\.{0,2}\/|~\/)/.test(typed);
}

function readFile(place: At, typed: string, reading: Reading): ServiceImage {
  const path = hostPath(typed, reading);
  if (reading.wantsFiles && !isPlainFile(path)) {
    const near = nearFile(path);
    const problem = existsSync(path) ? `"${typed}" is not a file` : `there is no file "${typed}"`;
    const hint =
      near === undefined ? "build it first, or write the path from the compose file's folder" : `did you mean ${near}`;
    refuse(reading.problems, place, problem, hint);
  }
  return { kind: "wasm", path };
}

function isPlainFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

function nearFile(path: string): string | undefined {
  try {
    const modules = readdirSync(dirname(path)).filter((name) => name.endsWith(".wasm"));
    return nearest(basename(path), modules) ?? (modules.length === 1 ? modules[0] : undefined);
  } catch {
    return undefined;
  }
}

/** The name of an image without registry, tag and digest: `docker.io/library/postgres:16` is `postgres`. */
function nameOf(reference: string): string | undefined {
  const match =
    /^(?:[\w-]+(?:\.[\w-]+)+(?::\d+)?\/|localhost(?::\d+)?\/)?(?:docker\/)?(?:library\/)?([a-z0-9]+(?:[._/-]+[a-z0-9]+)*)(?::[\w][\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$/.exec(
      reference,
    );
  return match?.[1];
}

function readReference(place: At, reference: string, { problems }: Reading): ServiceImage | undefined {
  const name = nameOf(reference);
  const family = families.find((each) => each === name);
  if (family !== undefined) return { kind: "stand-in", reference, family };
  if (name === undefined) {
    const hint = "name a module, such as ./app.wasm, or an image, such as postgres:16";
    refuse(problems, place, `"${reference}" is neither a file nor the name of an image`, hint);
    return undefined;
  }
  const near = nearest(name, families);
  const hint =
    near === undefined
      ? `name a module: image: ./app.wasm; the images with a stand-in are ${families.join(", ")}`
      : `did you mean ${near}`;
  const problem = `the image "${reference}" will need a Docker Engine, which Sampan does not use yet, and has no stand-in`;
  refuseUnsupported(problems, place, problem, hint);
  return undefined;
}

function checkPlatform(service: At, image: ServiceImage, { problems }: Reading): void {
  const isWasm = image.kind === "wasm";
  const platform = at(service, "platform");
  const typed = text(platform);
  if (platform !== undefined && typed !== undefined) {
    const isKnown = platforms.includes(typed);
    if (isWasm && !isKnown)
      refuse(problems, platform, `found "${typed}" for a Wasm module`, "write platform: wasi/wasm, or leave it out");
    if (!isWasm && isKnown) refuseWasmImage(platform, image, problems);
    else if (!isWasm && !/^[a-z]+(\/[a-z0-9_]+){0,2}$/.test(typed))
      refuse(problems, platform, `found "${typed}", wanted OS/ARCHITECTURE`, "write linux/amd64, or leave it out");
  }
  const runtime = at(service, "runtime");
  const name = text(runtime);
  if (runtime === undefined || name === undefined) return;
  const family = /^(?:[\w.]+\.)?([a-z]+)(?:\.v\d+)?(?:-v\d+)?$/.exec(name)?.[1] ?? name;
  const isWasmRuntime = runtimes.includes(family);
  if (isWasm && !isWasmRuntime) {
    const near = nearest(family, runtimes);
    const hint =
      near === undefined ? "leave it out, or write io.containerd.wasmedge.v1" : `did you mean io.containerd.${near}.v1`;
    refuse(problems, runtime, `found "${name}", which is no known runtime of Wasm`, hint);
  }
  if (!isWasm && isWasmRuntime) refuseWasmImage(runtime, image, problems);
}

function refuseWasmImage(place: At, image: ServiceImage & { kind: "stand-in" }, problems: Reading["problems"]): void {
  const problem = `images of Wasm are not pulled yet, and "${image.reference}" has a stand-in that is no Wasm`;
  refuseUnsupported(problems, place, problem, "name the module's file: image: ./app.wasm");
}
