import { SampanError } from "../../base/index.ts";
import type { Grants } from "../../capabilities/index.ts";
import { isNetworkData, type StdioChannels } from "../../host/index.ts";
import type { InstanceListeners, InstanceOptions } from "../engine-options.ts";
import { type GuestModule, metaOf } from "../guest-module.ts";
import type { HostFunctions } from "../import-plan.ts";
import type { ComponentAskData, ComponentNoteData } from "./component-protocol.ts";
import type { Habitat } from "./habitat.ts";
import { Link } from "./link.ts";
import type {
  EndData,
  ImportCallData,
  InstanceData,
  InstanceMade,
  KillData,
  ModuleData,
  ReadData,
  WriteData,
} from "./protocol.ts";
import { RemoteInstance } from "./remote-instance.ts";

/** What an instance is made with, its grants parsed. */
export type PlacedOptions = Omit<InstanceOptions, "grants" | "signal"> & { readonly grants: Grants };

/** What this side has of an instance there. */
export interface Placed {
  readonly stdio: StdioChannels;
  readonly imports?: HostFunctions;
  /** What its component is answered by. */
  readonly component?: {
    answer(ask: ComponentAskData["ask"]): unknown;
    hear(note: ComponentNoteData["note"]): void;
  };
  /** Says that it is gone with its worker. */
  readonly lose: (why: SampanError) => void;
}

/** How an instance is reached that has a number there. */
export interface PlaceThere {
  readonly id: number;
  request(name: string, data: unknown): Promise<unknown>;
  notify(name: string, data: unknown): void;
  kill(signal: number): void;
  /** Forgets it. */
  leave(): void;
}

/** How long a guest may take to end once it was killed, in ms; then the worker is ended that it has for itself. */
const patience = 100;

/** One thread or process of guests, and what lives there. */
export class PoolWorker {
  readonly #habitat: Habitat;
  /** Whether it is there for one instance alone. */
  readonly #isSingle: boolean;
  readonly #link: Link;
  readonly #modules = new WeakMap<GuestModule, number>();
  /** A module that nobody here has any more is forgotten there as well. */
  readonly #dropped = new FinalizationRegistry<number>((id) => this.#link.notify("forget", { id }));
  readonly #placed = new Map<number, Placed>();
  #lastId = 0;
  #isGone = false;
  #killer: NodeJS.Timeout | undefined;

  /** `onGone` is called once, when it is no more. */
  constructor(
    habitat: Habitat,
    { isSingle, onGone }: { readonly isSingle: boolean; readonly onGone: (worker: PoolWorker) => void },
  ) {
    this.#habitat = habitat;
    this.#isSingle = isSingle;
    const handlers = {
      import: (data: ImportCallData) => this.#callImport(data),
      read: (data: ReadData) => this.#read(data),
      write: (data: WriteData) => this.#write(data),
      end: (data: EndData) => this.#end(data),
      "component-ask": ({ instance, ask }: ComponentAskData) => this.#placedAt(instance).component?.answer(ask),
      "component-note": ({ instance, note }: ComponentNoteData) => this.#placed.get(instance)?.component?.hear(note),
    };
    this.#link = new Link(habitat.wire, handlers, (isHeld) => habitat.hold(isHeld));
    habitat.hold(false);
    habitat.onGone((why) => {
      this.#isGone = true;
      clearTimeout(this.#killer);
      const message = `Lost what ran in a worker: the worker ${why}`;
      const lost = new SampanError("ENGINE_WORKER_LOST", message, { hint: "make the instance again" });
      for (const { lose } of this.#placed.values()) lose(lost);
      this.#link.fail(lost);
      onGone(this);
    });
  }

  /** How busy it is: requests that it has not answered count more than instances that wait for calls. */
  get load(): number {
    return this.#link.pendingCount * 1_000 + this.#placed.size;
  }

  /** Whether it has ended. */
  get isGone(): boolean {
    return this.#isGone;
  }

  /** Makes an instance there. @throws what Engine.instantiate throws, ENGINE_WORKER_LOST */
  async instantiate(
    module: GuestModule,
    options: PlacedOptions,
    { onStart, onClose }: InstanceListeners,
  ): Promise<RemoteInstance> {
    const id = this.#nextId();
    const { grants, limits = {}, args, mode, network, stdio = {}, imports = {} } = options;
    const data: InstanceData = {
      id,
      module: await this.#send(module),
      grants,
      limits,
      channels: (["stdin", "stdout", "stderr"] as const).filter((name) => stdio[name] !== undefined),
      imports: namesOf(imports),
      ...(args === undefined ? {} : { args }),
      ...(mode === undefined ? {} : { mode }),
      ...(network === undefined || !isNetworkData(network) ? {} : { network }),
    };
    // Its start function may call what is on this side: it is known here before it is made there.
    let functions: readonly string[] = [];
    const instance = new RemoteInstance({
      id,
      functions: () => functions,
      request: (name, asked) => this.#link.request(name, asked),
      kill: (kill) => this.#kill(kill),
      onClose: () => {
        this.#placed.delete(id);
        onClose();
      },
    });
    this.#placed.set(id, { stdio, imports, lose: () => instance.lose() });
    try {
      const made = this.#link.request("instantiate", data);
      onStart(instance);
      ({ functions } = (await made) as InstanceMade);
      return instance;
    } catch (error) {
      this.#placed.delete(id);
      throw error;
    }
  }

  /** Gives an instance of another kind a number, by which its two sides reach each other. */
  place(placed: Placed): PlaceThere {
    const id = this.#nextId();
    this.#placed.set(id, placed);
    return {
      id,
      request: (name, data) => this.#link.request(name, data),
      notify: (name, data) => this.#link.notify(name, data),
      kill: (signal) => this.#kill({ instance: id, signal }),
      leave: () => void this.#placed.delete(id),
    };
  }

  /** Ends one guest; where it has the worker for itself and does not end, the worker with it. */
  #kill(data: KillData): void {
    if (this.#isGone) return;
    this.#habitat.kill(data);
    // The quick way may overtake the message that the instance is to be made by.
    this.#link.notify("kill", data);
    if (!this.#isSingle) return;
    this.#killer ??= setTimeout(() => {
      if (this.#link.pendingCount > 0) void this.end();
    }, patience);
  }

  /** Ends it with all that runs there. */
  end(): Promise<void> {
    return this.#habitat.end();
  }

  #nextId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }

  async #send(module: GuestModule): Promise<number> {
    const known = this.#modules.get(module);
    if (known !== undefined) return known;
    const id = this.#nextId();
    this.#modules.set(module, id);
    this.#dropped.register(module, id);
    const { name, bytes, code } = module;
    const compiled = this.#habitat.kind === "thread" ? { module: module.module } : {};
    await this.#link.request("module", {
      id,
      name,
      bytes,
      code,
      meta: metaOf(module),
      ...compiled,
    } satisfies ModuleData);
    return id;
  }

  #placedAt(id: number): Placed {
    const placed = this.#placed.get(id);
    if (placed === undefined) throw new TypeError(`Instance ${id} is not known any more`);
    return placed;
  }

  #callImport({ instance, module, name, args }: ImportCallData): unknown {
    const given = this.#placedAt(instance).imports ?? {};
    const functions = Object.hasOwn(given, module) ? given[module] : undefined;
    const found = functions !== undefined && Object.hasOwn(functions, name) ? functions[name] : undefined;
    if (found === undefined) throw new TypeError(`No function was given for "${module}.${name}"`);
    return (found as (...args: unknown[]) => unknown)(...args);
  }

  async #read({ instance, length }: ReadData): Promise<Uint8Array> {
    const bytes = new Uint8Array(length);
    const count = (await this.#placedAt(instance).stdio.stdin?.read(bytes)) ?? 0;
    return bytes.slice(0, count);
  }

  #write({ instance, stream, bytes }: WriteData): number | Promise<number> {
    const { stdio } = this.#placedAt(instance);
    const sink = stream === "stdout" ? stdio.stdout : stdio.stderr;
    return sink?.write(bytes) ?? bytes.length;
  }

  #end({ instance, stream }: EndData): void {
    const stdio = this.#placed.get(instance)?.stdio;
    if (stream === "stdin") stdio?.stdin?.cancel();
    else stdio?.[stream]?.close();
  }
}

function namesOf(imports: HostFunctions): [string, string][] {
  return Object.entries(imports).flatMap(([module, functions]) =>
    Object.keys(functions).map((name): [string, string] => [module, name]),
  );
}
