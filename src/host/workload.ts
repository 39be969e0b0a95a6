import { SampanError } from "../base/index.ts";
import type { ByteSink, ByteSource } from "../base/index.ts";
import type { FolderGrant, Grants, StdioName } from "../capabilities/index.ts";
import { type Clocks, createClocks } from "./clocks.ts";
import { type Descriptor, DescriptorTable } from "./descriptor.ts";
import { type FileCalls, open as openBits } from "./filesystem/file-calls.ts";
import { FileHandle } from "./filesystem/file-handle.ts";
import { createNativeCalls } from "./filesystem/native-calls.ts";
import type { Path } from "./filesystem/path.ts";
import { RefusingFolder } from "./filesystem/refusing-folder.ts";
import { createWalkCalls } from "./filesystem/walk-calls.ts";
import { deafObserver, type Observer } from "./observer.ts";
import { createRandom, type Random } from "./random.ts";
import { ChannelStream, OutputBudget, RefusedStream, StdioStream } from "./streams.ts";

/** A standard stream given by an embedder in place of the process's own. */
export type StdioChannels = {
  readonly stdin?: ByteSource;
  readonly stdout?: ByteSink;
  readonly stderr?: ByteSink;
};

/** How much a workload may have and write. */
export interface HostLimits {
  /** Open descriptors of one instance, the standard streams and granted folders among them. */
  readonly maxFiles?: number | undefined;
  /** Bytes that one instance may write to stdout and stderr. */
  readonly maxOutput?: number | undefined;
}

/** What a workload's host is made from. */
export interface HostOptions {
  readonly limits?: HostLimits;
  readonly observer?: Observer;
  readonly stdio?: StdioChannels;
  readonly calls?: FileCalls;
  /** Whether standard input is read only once it is ready, so that no thread is stuck in a call of the system. */
  readonly waitsBeforeReading?: boolean;
  /** Whether a guest without a root gets one that refuses by name ({@link RefusingFolder}). */
  readonly namesRefusals?: boolean;
}

/** What one instance has of the host: made fresh for each, and gone with it. */
export interface HostInstance {
  /** `NAME=value`, each as a C program expects it. */
  readonly env: readonly string[];
  readonly clocks: Clocks;
  readonly random: Random;
  readonly descriptors: DescriptorTable;
  readonly observer: Observer;
  readonly calls: FileCalls;
  /** Path buffers that a call fills and uses before it returns; shared, because no call waits while it holds one. */
  readonly paths: readonly [Path, Path];
  /** Closes what the instance has open. */
  close(): void;
}

interface OpenFolder {
  readonly grant: FolderGrant;
  readonly fd: number;
}

/**
 * The file calls that this system offers: the native ones, or the walk. Whether the kernel has openat2 is only asked where
 * folders are opened: a guest without any starts sooner.
 */
export function createFileCalls({ opensFolders = true }: { opensFolders?: boolean } = {}): FileCalls {
  return createNativeCalls({ opensFolders }) ?? createWalkCalls();
}

/** A workload's side of the host: its granted folders are opened once and shared by its instances. */
export class HostWorkload {
  readonly #grants: Grants;
  readonly #options: HostOptions;
  readonly #observer: Observer;
  readonly #calls: FileCalls;
  readonly #folders: readonly OpenFolder[];
  readonly #env: readonly string[];
  readonly #paths: readonly [Path, Path];

  /** @throws FILE_NOT_FOUND, FILE_UNREADABLE for a granted folder that cannot be opened */
  constructor(grants: Grants, options: HostOptions = {}) {
    this.#grants = grants;
    this.#options = options;
    this.#observer = options.observer ?? deafObserver;
    this.#calls = options.calls ?? createFileCalls({ opensFolders: grants.files.length > 0 });
    const folders: OpenFolder[] = [];
    try {
      for (const grant of grants.files) folders.push({ grant, fd: openGranted(this.#calls, grant) });
      const workdir = grants.workdir;
      if (workdir !== undefined) folders.push(openWorkdir(this.#calls, folders, workdir));
    } catch (error) {
      for (const folder of folders) this.#calls.close(folder.fd);
      throw error;
    }
    this.#folders = folders;
    this.#paths = [this.#calls.makePath(), this.#calls.makePath()];
    const env = { ...(grants.workdir === undefined ? {} : { PWD: grants.workdir }), ...grants.env };
    this.#env = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  }

  /** What a new instance gets. */
  createInstance(): HostInstance {
    const hasRoot = this.#folders.some(({ grant }) => /^[./]*$/.test(grant.guest));
    const isNaming = this.#options.namesRefusals === true && !hasRoot;
    const descriptors = new DescriptorTable(this.#tableLimit());
    const budget = new OutputBudget(this.#options.limits?.maxOutput);
    for (const name of ["stdin", "stdout", "stderr"] as const) descriptors.insert(this.#openStdio(name, budget));
    for (const folder of this.#folders) descriptors.insert(this.#openFolder(folder));
    if (isNaming) descriptors.insert(new RefusingFolder(this.#observer));
    return {
      env: this.#env,
      clocks: createClocks(this.#grants.clock, this.#observer),
      random: createRandom(this.#grants.random, this.#observer),
      descriptors,
      observer: this.#observer,
      calls: this.#calls,
      paths: this.#paths,
      close: () => descriptors.closeAll(),
    };
  }

  /** Closes the folders; no instance may be in use any more. */
  close(): void {
    for (const folder of this.#folders) this.#calls.close(folder.fd);
  }

  #tableLimit(): number | undefined {
    const limit = this.#options.limits?.maxFiles;
    if (limit === undefined) return undefined;
    const given = 3 + this.#folders.length;
    if (limit < given) {
      throw new SampanError(
        "CLI_OPTION_INVALID",
        `Cannot run with ${limit} descriptors: the standard streams and granted folders take ${given}`,
      );
    }
    return limit;
  }

  #openStdio(name: StdioName, budget: OutputBudget): Descriptor {
    if (!this.#grants.stdio.includes(name)) return new RefusedStream(name, this.#observer);
    const channels = this.#options.stdio ?? {};
    if (name === "stdin" && channels.stdin !== undefined) return new ChannelStream({ source: channels.stdin }, budget);
    const sink = name === "stdout" ? channels.stdout : name === "stderr" ? channels.stderr : undefined;
    if (sink !== undefined) return new ChannelStream({ sink }, budget);
    return new StdioStream(this.#calls, name, {
      budget,
      observer: this.#observer,
      waitsBeforeReading: this.#options.waitsBeforeReading ?? false,
    });
  }

  #openFolder({ grant, fd }: OpenFolder): Descriptor {
    const context = { calls: this.#calls, isWritable: grant.access === "read-write", observer: this.#observer };
    const guestPath = grant.guest === "/" ? "" : grant.guest;
    return new FileHandle(context, fd, { guestPath, preopenName: grant.guest, bits: openBits.directory });
  }
}

function openGranted(calls: FileCalls, grant: FolderGrant): number {
  try {
    return calls.openRoot(grant.host);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const code = reason === "ENOENT" ? "FILE_NOT_FOUND" : "FILE_UNREADABLE";
    const what = reason === "ENOENT" ? "there is no such folder" : reason === "ENOTDIR" ? "it is not a folder" : reason;
    const hint = reason === "ENOTDIR" ? "grant the folder that holds the file" : undefined;
    throw new SampanError(code, `Cannot grant "${grant.host}" as "${grant.guest}": ${what}`, { hint, cause });
  }
}

/**
 * A guest's C library starts relative paths at a folder named ".": the working directory is given to it under that name,
 * with the access of the grant that covers it.
 */
function openWorkdir(calls: FileCalls, folders: readonly OpenFolder[], workdir: string): OpenFolder {
  const covers = ({ grant }: OpenFolder): boolean =>
    grant.guest === "/" || workdir === grant.guest || workdir.startsWith(`${grant.guest}/`);
  const folder = folders.filter(covers).toSorted((a, b) => b.grant.guest.length - a.grant.guest.length)[0];
  if (folder === undefined) {
    throw new SampanError("GRANT_INVALID", `Cannot work in "${workdir}": no granted folder covers it`, {
      hint: `grant it with -v HOST:${workdir}`,
    });
  }
  const below = workdir.slice(folder.grant.guest === "/" ? 1 : folder.grant.guest.length + 1);
  const path = calls.makePath();
  path.setText(below === "" ? "." : below);
  try {
    const fd = calls.open(folder.fd, path, openBits.directory | openBits.follow | openBits.read);
    return { grant: { ...folder.grant, guest: "." }, fd };
  } catch (cause) {
    throw new SampanError("FILE_NOT_FOUND", `Cannot work in "${workdir}": there is no such folder in its grant`, {
      cause,
    });
  }
}
