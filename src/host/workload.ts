import { SampanError } from "../base/index.ts";
import type { FolderGrant, Grants, StdioName } from "../capabilities/index.ts";
import { channelOf, OwnChannels, type StdioChannels } from "./own-channels.ts";
import { Alarms } from "./alarms.ts";
import { ChannelStream, Scratch } from "./channel-stream.ts";
import { ConfigValues } from "./config/config-values.ts";
import { createClocks } from "./clocks.ts";
import { type Descriptor, DescriptorTable } from "./descriptor.ts";
import { type FileCalls, open as openBits } from "./filesystem/file-calls.ts";
import { FileHandle } from "./filesystem/file-handle.ts";
import { createNativeCalls } from "./filesystem/native-calls.ts";
import type { Path } from "./filesystem/path.ts";
import { type HttpClient } from "./http/http-client.ts";
import { type HttpSettings, makeHttpClient } from "./http/make-client.ts";
import { RefusingFolder } from "./filesystem/refusing-folder.ts";
import { createWalkCalls } from "./filesystem/walk-calls.ts";
import { type StoreLimits, Stores, StoreShelf } from "./keyvalue/index.ts";
import { Log } from "./logging/log.ts";
import { HostInstance, type SharedParts } from "./instance.ts";
import type { NetworkBackend } from "./network/backend.ts";
import { type NetworkChoice, networkOf } from "./network/network-of.ts";
import { parsePlace } from "./network/place.ts";
import { NetworkPolicy } from "./network/policy.ts";
import { waitsError } from "./network/socket.ts";
import { type NetworkLimits, Sockets } from "./network/sockets.ts";
import { deafObserver, type Observer } from "./observer.ts";
import { Postgres } from "./postgres/postgres.ts";
import { createRandom, type Random } from "./random.ts";
import { OutputBudget } from "./output.ts";
import { RefusedStream, StdioStream } from "./streams.ts";
import { Readiness, Waits } from "./waits.ts";

export type { HostInstance } from "./instance.ts";

/** How much a workload may have and write. */
export interface HostLimits extends NetworkLimits, StoreLimits {
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
  /**
   * Called between the turns of some ms in which a blocked thread then waits, so that it can be ended there: it may throw
   * GuestEnd. Left out, the thread waits in one turn.
   */
  readonly onTurn?: () => void;
  /** Whether a guest without a root gets one that refuses by name ({@link RefusingFolder}). */
  readonly namesRefusals?: boolean;
  /** Whether the process runs this guest and nothing else: then its working directory may change within a call. */
  readonly ownsProcess?: boolean;
  /** Whether an operation that has to wait blocks the thread (`block`, the default) or answers a promise (`suspend`). */
  readonly waits?: "block" | "suspend";
  /** What guests' sockets are made of, or the project whose network they are in; by default the machine's own network. */
  readonly network?: NetworkChoice;
  /** Certificates and proxies of its HTTP client. */
  readonly http?: HttpSettings | undefined;
  /** What wakes guests that sleep, shared by the workloads of a thread; by default each has its own. */
  readonly alarms?: Alarms;
}

/** What one instance alone gets. */
export interface InstanceOptions {
  /** Standard streams of its own, before those of the workload: they are closed once the guest or its end closes them. */
  readonly stdio?: StdioChannels;
  /**
   * Whether it begins with a listening socket for each single port that it may listen on, behind the granted folders: for a
   * guest that takes connections and cannot open a socket by itself.
   */
  readonly listens?: boolean;
  /** In place of what the workload's {@link HostOptions.onTurn} is. */
  readonly onTurn?: (() => void) | undefined;
}

interface OpenFolder {
  readonly grant: FolderGrant;
  readonly fd: number;
}

/**
 * The file calls that this system offers: the native ones, or the walk. Whether the kernel has openat2 is only asked where
 * folders are opened: a guest without any starts sooner.
 */
export function createFileCalls({
  opensFolders = true,
  ownsProcess = false,
}: { opensFolders?: boolean; ownsProcess?: boolean } = {}): FileCalls {
  return createNativeCalls({ opensFolders }) ?? createWalkCalls({ ownsProcess });
}

/** A workload's side of the host: its granted folders are opened once and shared by its instances. */
export class HostWorkload {
  readonly #grants: Grants;
  readonly #options: HostOptions;
  readonly #observer: Observer;
  #calls: FileCalls | undefined;
  readonly #folders: readonly OpenFolder[];
  readonly #shared: SharedParts;
  readonly #createRandom: () => Random;
  readonly #network: { readonly backend: NetworkBackend; readonly policy: NetworkPolicy };
  #http: { readonly client: HttpClient; readonly waits: Waits } | undefined;
  readonly #shelf: StoreShelf;
  readonly #suspends: { alarms: Alarms; readiness: Readiness; scratch: Scratch } | undefined;

  /**
   * @throws FILE_NOT_FOUND, FILE_UNREADABLE for a granted folder that cannot be opened, NETWORK_FOLDER, GRANT_INVALID,
   *   KEYVALUE_FILE, KEYVALUE_BUSY
   */
  constructor(grants: Grants, options: HostOptions = {}) {
    this.#grants = grants;
    this.#options = options;
    this.#observer = options.observer ?? deafObserver;
    const backend = networkOf(options.network, grants.files);
    this.#network = { backend, policy: new NetworkPolicy(grants, this.#observer, backend.own) };
    const folders: OpenFolder[] = [];
    let stores: Stores;
    this.#shelf = new StoreShelf(options.limits);
    try {
      for (const grant of grants.files) folders.push({ grant, fd: openGranted(this.#fileCalls(), grant) });
      const workdir = grants.workdir;
      if (workdir !== undefined) folders.push(openWorkdir(this.#fileCalls(), folders, workdir));
      stores = new Stores(grants, this.#shelf, this.#observer);
    } catch (error) {
      this.#shelf.close();
      for (const folder of folders) this.#fileCalls().close(folder.fd);
      throw error;
    }
    this.#folders = folders;
    const env = { ...(grants.workdir === undefined ? {} : { PWD: grants.workdir }), ...grants.env };
    let paths: readonly [Path, Path] | undefined;
    const makeCalls = this.#fileCalls;
    this.#shared = {
      env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
      clocks: createClocks(grants.clock, this.#observer),
      observer: this.#observer,
      get calls() {
        return makeCalls();
      },
      config: new ConfigValues(grants.config, this.#observer),
      stores,
      makePaths: () => (paths ??= [makeCalls().makePath(), makeCalls().makePath()]),
    };
    // A seeded stream begins anew in each instance.
    const random = grants.random.kind === "seed" ? undefined : createRandom(grants.random, this.#observer);
    this.#createRandom = () => random ?? createRandom(grants.random, this.#observer);
    if (options.waits === "suspend") {
      const { alarms = new Alarms() } = options;
      this.#suspends = { alarms, readiness: new Readiness(makeCalls), scratch: new Scratch() };
    }
  }

  /** What a new instance gets. @throws NETWORK_PORT where it cannot listen as it should */
  createInstance({ stdio, listens = false, onTurn = this.#options.onTurn }: InstanceOptions = {}): HostInstance {
    const limit = this.#tableLimit();
    const waits = this.#suspends === undefined ? undefined : new Waits(this.#suspends);
    let made: StreamParts | undefined;
    const { maxOutput } = this.#options.limits ?? {};
    const parts = (): StreamParts =>
      (made ??= { budget: new OutputBudget(maxOutput), waits, onTurn, own: new OwnChannels(stdio) });
    const instance = new HostInstance(this.#shared, {
      createRandom: this.#createRandom,
      createDescriptors: () => this.#createDescriptors(limit, parts()),
      waits,
      onTurn,
      createSockets: () => this.#createSockets(waits),
      createHttp: this.#createHttp,
      renewOutput: () => made?.budget.renew(),
      createLog: () =>
        new Log(this.#grants.log, this.#observer, (name) => this.#openStream(name, parts(), deafObserver)),
      createPostgres: this.#createPostgres,
    });
    const isGiven = (["stdin", "stdout", "stderr"] as const).some((name) => stdio?.[name] !== undefined);
    if (isGiven || listens) {
      const { descriptors } = instance;
      if (listens) for (const socket of instance.sockets.openListeners()) descriptors.insert(socket);
    }
    return instance;
  }

  /** Closes the folders and what waits for a next request; no instance may be in use any more. */
  close(): void {
    this.#http?.client.close();
    this.#http?.waits.cancel();
    this.#shelf.close();
    for (const folder of this.#folders) this.#fileCalls().close(folder.fd);
  }

  /** How files are reached, found when something is: node:ffi and the C library take 3 ms to load, and many guests call for nothing of them. */
  readonly #fileCalls = (): FileCalls => {
    const { calls, ownsProcess = false } = this.#options;
    return (this.#calls ??= calls ?? createFileCalls({ opensFolders: this.#grants.files.length > 0, ownsProcess }));
  };

  #createDescriptors(limit: number | undefined, parts: StreamParts): DescriptorTable {
    const hasRoot = this.#folders.some(({ grant }) => /^[./]*$/.test(grant.guest));
    const isNaming = this.#options.namesRefusals === true && !hasRoot;
    const descriptors = new DescriptorTable(limit);
    for (const name of ["stdin", "stdout", "stderr"] as const) descriptors.insert(this.#openStdio(name, parts));
    for (const folder of this.#folders) descriptors.insert(this.#openFolder(folder, parts.waits));
    if (isNaming) descriptors.insert(new RefusingFolder(this.#observer));
    return descriptors;
  }

  #createSockets(waits: Waits | undefined): Sockets {
    const server = this.#grants.env["DNS_SERVER"];
    const nameServer = server === undefined ? undefined : parsePlace(server, 53);
    const { backend, policy } = this.#network;
    // Which addresses one instance got for its names is nothing that the next may find out.
    return new Sockets({ backend, policy: policy.fork(), limits: this.#options.limits, waits, nameServer });
  }

  /** @throws NETWORK_WAITS where the instances block their thread */
  readonly #createHttp = (): HttpClient => {
    if (this.#http === undefined) {
      if (this.#suspends === undefined) throw waitsError();
      const waits = new Waits(this.#suspends);
      const { limits, http: settings } = this.#options;
      this.#http = { client: makeHttpClient({ ...this.#network, limits, waits, settings }), waits };
    }
    return this.#http.client;
  };

  readonly #createPostgres = (sockets: Sockets): Postgres =>
    new Postgres({ sockets, suspends: this.#suspends !== undefined, settings: this.#options.http });

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

  #openStdio(name: StdioName, parts: StreamParts): Descriptor {
    if (!this.#grants.stdio.includes(name)) return new RefusedStream(name, this.#observer);
    return this.#openStream(name, parts, this.#observer);
  }

  #openStream(name: StdioName, { budget, waits, onTurn, own }: StreamParts, observer: Observer): Descriptor {
    const channel = own.get(name) ?? channelOf(this.#options.stdio, name);
    if (channel === undefined) {
      return new StdioStream(this.#fileCalls, name, { budget, observer, onTurn, waits });
    }
    const suspends = this.#suspends;
    return new ChannelStream(channel, {
      name,
      budget,
      waits: waits === undefined || suspends === undefined ? undefined : { waits, scratch: suspends.scratch },
      onClose: own.get(name) === undefined ? undefined : () => own.release(name),
    });
  }

  #openFolder({ grant, fd }: OpenFolder, waits: Waits | undefined): Descriptor {
    const isWritable = grant.access === "read-write";
    const context = { calls: this.#fileCalls(), isWritable, observer: this.#observer, waits };
    const guestPath = grant.guest === "/" ? "" : grant.guest;
    return new FileHandle(context, fd, { guestPath, preopenName: grant.guest, bits: openBits.directory });
  }
}

/** What a standard stream of one instance is made with. */
interface StreamParts {
  readonly budget: OutputBudget;
  readonly waits: Waits | undefined;
  readonly onTurn: (() => void) | undefined;
  readonly own: OwnChannels;
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
