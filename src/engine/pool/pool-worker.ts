import { SampanError } from "../../base/index.ts";
import type { Grants } from "../../capabilities/index.ts";
import type { InstanceOptions } from "../engine.ts";
import { type GuestModule, metaOf } from "../guest-module.ts";
import type { HostFunctions } from "../import-plan.ts";
import type { Habitat } from "./habitat.ts";
import { Link } from "./link.ts";
import type {
  EndData,
  ImportCallData,
  InstanceData,
  InstanceMade,
  ModuleData,
  ReadData,
  WriteData,
} from "./protocol.ts";
import { RemoteInstance } from "./remote-instance.ts";

/** What an instance is made with, its grants parsed. */
export type PlacedOptions = Omit<InstanceOptions, "grants" | "signal"> & { readonly grants: Grants };

interface Placed {
  readonly instance: RemoteInstance;
  readonly options: PlacedOptions;
}

/** One thread or process of guests, and what lives there. */
export class PoolWorker {
  readonly #habitat: Habitat;
  readonly #link: Link;
  readonly #modules = new Map<GuestModule, number>();
  readonly #placed = new Map<number, Placed>();
  #lastId = 0;
  #isGone = false;

  /** `onGone` is called once, when it is no more. */
  constructor(habitat: Habitat, onGone: (worker: PoolWorker) => void) {
    this.#habitat = habitat;
    this.#link = new Link(habitat.wire, {
      import: (data: ImportCallData) => this.#callImport(data),
      read: (data: ReadData) => this.#read(data),
      write: (data: WriteData) => this.#write(data),
      end: (data: EndData) => this.#end(data),
    });
    habitat.onGone((why) => {
      this.#isGone = true;
      const message = `Lost what ran in a worker: the worker ${why}`;
      this.#link.fail(new SampanError("ENGINE_WORKER_LOST", message, { hint: "make the instance again" }));
      for (const { instance } of this.#placed.values()) instance.lose();
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
  async instantiate(module: GuestModule, options: PlacedOptions, onClose: () => void): Promise<RemoteInstance> {
    const id = this.#nextId();
    const { grants, limits = {}, args, mode, stdio = {}, imports = {} } = options;
    const data: InstanceData = {
      id,
      module: await this.#send(module),
      grants,
      limits,
      channels: (["stdin", "stdout", "stderr"] as const).filter((name) => stdio[name] !== undefined),
      imports: namesOf(imports),
      ...(args === undefined ? {} : { args }),
      ...(mode === undefined ? {} : { mode }),
    };
    // Its start function may call what is on this side: it is known here before it is made there.
    let functions: readonly string[] = [];
    const instance = new RemoteInstance({
      id,
      functions: () => functions,
      request: (name, asked) => this.#link.request(name, asked),
      kill: (kill) => this.#habitat.kill(kill),
      onClose: () => {
        this.#placed.delete(id);
        onClose();
      },
    });
    this.#placed.set(id, { instance, options });
    try {
      ({ functions } = (await this.#link.request("instantiate", data)) as InstanceMade);
      return instance;
    } catch (error) {
      this.#placed.delete(id);
      throw error;
    }
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

  #options(id: number): PlacedOptions {
    const placed = this.#placed.get(id);
    if (placed === undefined) throw new TypeError(`Instance ${id} is not known any more`);
    return placed.options;
  }

  #callImport({ instance, module, name, args }: ImportCallData): unknown {
    const found = this.#options(instance).imports?.[module]?.[name];
    if (found === undefined) throw new TypeError(`No function was given for "${module}.${name}"`);
    return (found as (...args: unknown[]) => unknown)(...args);
  }

  async #read({ instance, length }: ReadData): Promise<Uint8Array> {
    const bytes = new Uint8Array(length);
    const count = (await this.#options(instance).stdio?.stdin?.read(bytes)) ?? 0;
    return bytes.slice(0, count);
  }

  #write({ instance, stream, bytes }: WriteData): number | Promise<number> {
    const { stdio } = this.#options(instance);
    const sink = stream === "stdout" ? stdio?.stdout : stdio?.stderr;
    return sink?.write(bytes) ?? bytes.length;
  }

  #end({ instance, stream }: EndData): void {
    const stdio = this.#placed.get(instance)?.options.stdio;
    if (stream === "stdin") stdio?.stdin?.cancel();
    else stdio?.[stream]?.close();
  }
}

function namesOf(imports: HostFunctions): [string, string][] {
  return Object.entries(imports).flatMap(([module, functions]) =>
    Object.keys(functions).map((name): [string, string] => [module, name]),
  );
}
