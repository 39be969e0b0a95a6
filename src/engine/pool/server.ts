import type { ByteSink, ByteSource } from "../../base/index.ts";
import type { StdioChannels } from "../../host/index.ts";
import type { Engine } from "../engine.ts";
import type { ComponentServer } from "../late-components.ts";
import type { ComponentAskData, ComponentData, ComponentMade, ComponentNoteData } from "./component-protocol.ts";
import { type GuestModule, guestModuleOf, metaFrom } from "../guest-module.ts";
import type { HostFunctions } from "../import-plan.ts";
import type { Instance } from "../instance.ts";
import { Link, type Wire } from "./link.ts";
import type {
  CallData,
  EndData,
  ImportCallData,
  InstanceData,
  InstanceMade,
  InstanceName,
  KillData,
  ModuleData,
  ReadData,
  WriteData,
} from "./protocol.ts";

/** The side of a pool on which guests run: an engine of its own, told what to do over a wire. */
export class PoolServer {
  readonly #engine: Engine;
  readonly #link: Link;
  readonly #modules = new Map<number, GuestModule>();
  readonly #instances = new Map<number, Instance>();
  /** Those that are being made. */
  readonly #starting = new Map<number, AbortController>();
  #components: ComponentServer | undefined;

  constructor(engine: Engine, wire: Wire) {
    this.#engine = engine;
    this.#link = new Link(wire, {
      module: (data: ModuleData) => this.#addModule(data),
      forget: ({ id }: { id: number }) => this.#modules.delete(id),
      instantiate: (data: InstanceData) => this.#instantiate(data),
      call: ({ instance, name, args }: CallData) => this.#find(instance).call(name, ...args),
      run: ({ instance }: InstanceName) => this.#find(instance).run(),
      usage: ({ instance }: InstanceName) => (this.#components?.find(instance) ?? this.#find(instance)).usage(),
      kill: (data: KillData) => this.kill(data),
      close: ({ instance }: InstanceName) => this.#close(instance),
      component: (data: ComponentData) => this.#placeComponent(data),
      "component-ask": ({ instance, ask }: ComponentAskData) => this.#components?.answer(instance, ask),
      "component-note": ({ instance, note }: ComponentNoteData) => this.#components?.hear(instance, note),
    });
  }

  /** Ends an instance; called while a guest runs as well, where no message comes through. */
  kill({ instance, signal }: KillData): void {
    this.#instances.get(instance)?.kill(signal);
    this.#components?.kill(instance);
    this.#starting.get(instance)?.abort();
  }

  #addModule({ id, name, bytes, module, code, meta }: ModuleData): void {
    const rewritten = { bytes: code, ...metaFrom(meta) };
    this.#modules.set(id, guestModuleOf(bytes, { module: module ?? new WebAssembly.Module(code), rewritten, name }));
  }

  async #instantiate(data: InstanceData): Promise<InstanceMade> {
    const module = this.#modules.get(data.module);
    if (module === undefined) throw new TypeError(`Module ${data.module} is not on this side`);
    const { id, args, grants, limits, mode, network } = data;
    const starting = new AbortController();
    this.#starting.set(id, starting);
    const making = this.#engine.instantiate(module, {
      signal: starting.signal,
      grants,
      limits,
      stdio: this.#channels(data),
      imports: this.#imports(data),
      ...(args === undefined ? {} : { args }),
      ...(mode === undefined ? {} : { mode }),
      ...(network === undefined ? {} : { network }),
    });
    const instance = await making.finally(() => this.#starting.delete(id));
    this.#instances.set(id, instance);
    return { functions: instance.functions };
  }

  #find(id: number): Instance {
    const found = this.#instances.get(id);
    if (found === undefined) throw new TypeError(`Instance ${id} is not on this side`);
    return found;
  }

  async #close(id: number): Promise<void> {
    const instance = this.#instances.get(id);
    this.#instances.delete(id);
    await instance?.close();
    await this.#components?.close(id);
  }

  async #placeComponent(data: ComponentData): Promise<ComponentMade> {
    const { ComponentServer } = await import("../late-components.ts");
    this.#components ??= new ComponentServer(this.#engine, this.#link);
    return this.#components.place(data, this.#channels(data));
  }

  #channels({ id, channels }: Pick<InstanceData, "id" | "channels">): StdioChannels {
    const sink = (stream: "stdout" | "stderr"): ByteSink => ({
      // The bytes are the guest's memory, which changes while they are on their way.
      write: (bytes) =>
        this.#link.request("write", {
          instance: id,
          stream,
          bytes: bytes.slice(),
        } satisfies WriteData) as Promise<number>,
      ready: () => true,
      close: () => this.#link.notify("end", { instance: id, stream } satisfies EndData),
    });
    const source: ByteSource = {
      read: async (into) => {
        const bytes = (await this.#link.request("read", {
          instance: id,
          length: into.length,
        } satisfies ReadData)) as Uint8Array;
        into.set(bytes);
        return bytes.length;
      },
      ready: () => true,
      cancel: () => this.#link.notify("end", { instance: id, stream: "stdin" } satisfies EndData),
    };
    return {
      ...(channels.includes("stdin") ? { stdin: source } : {}),
      ...(channels.includes("stdout") ? { stdout: sink("stdout") } : {}),
      ...(channels.includes("stderr") ? { stderr: sink("stderr") } : {}),
    };
  }

  #imports({ id, imports }: InstanceData): HostFunctions {
    // The names are the guest's words, among which may be those that every object has.
    const bound = Object.create(null) as Record<string, Record<string, (...args: never[]) => unknown>>;
    for (const [module, name] of imports) {
      (bound[module] ??= Object.create(null) as Record<string, (...args: never[]) => unknown>)[name] = (
        ...args: unknown[]
      ) => this.#link.request("import", { instance: id, module, name, args } satisfies ImportCallData);
    }
    return bound;
  }
}
