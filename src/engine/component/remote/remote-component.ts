import { SampanError } from "../../../base/index.ts";
import {
  type ComponentExports,
  ExportMaker,
  findHostFunctions,
  findFunction,
  functionNames,
  type HostFunction,
  makePlan,
} from "../../../component/index.ts";
import { isNetworkData, type StdioChannels } from "../../../host/index.ts";
import { decodeComponent } from "../../../wasm/component/index.ts";
import type { PlacedComponent, PlaceRequest } from "../../embed/place.ts";
import type { InstanceUsage } from "../../limits.ts";
import { type CallerParts, CallerSide } from "./caller-side.ts";
import type { ComponentData, ComponentWire } from "../../pool/component-protocol.ts";
import { type RemoteState, RemoteStore } from "./remote-store.ts";
import { Shapes } from "./shapes.ts";

/** What reaches an instance in another thread or process. */
export interface RemoteControl {
  readonly wire: ComponentWire;
  usage(): Promise<InstanceUsage>;
  /** Ends it there, whatever it is doing. */
  kill(signal: number): void;
  close(): Promise<void>;
}

/** An instance that is about to be made elsewhere: what its other side is told, and what stays here. */
export interface RemoteDraft {
  readonly data: Omit<ComponentData, "id">;
  readonly side: (parts: Pick<CallerParts, "wire" | "fail">) => CallerSide;
  readonly stdio: StdioChannels;
}

/** Stands for what the caller does not give. */
const notGiven: HostFunction = { call: () => undefined };

/** Takes a request apart. @throws WASM_MALFORMED, COMPONENT_INVALID, COMPONENT_FEATURE, COMPONENT_IMPORT_UNSUPPORTED */
export function draftRemote({ data, live }: PlaceRequest): RemoteDraft {
  const { cordon: _, mode: __, bytes, ...rest } = data;
  const shapes = new Shapes(makePlan(decodeComponent(bytes), data.name));
  const { functions } = findHostFunctions(shapes.plan, live.imports, () => notGiven);
  const { network, stdio } = live;
  // A view's own bytes: the clone of one takes all of its buffer along.
  const own = bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice();
  return {
    data: {
      // It yields there, so that it can be ended whatever it does.
      data: { ...rest, bytes: own, mode: "async" },
      channels: (["stdin", "stdout", "stderr"] as const).filter((name) => stdio[name] !== undefined),
      given: functions.flatMap((each, number) => (each === notGiven ? [] : [number])),
      ...(network === undefined || !isNetworkData(network) ? {} : { network }),
    },
    side: (parts) => new CallerSide(shapes, { hosts: functions, ...parts }),
    stdio,
  };
}

/** An instance of a component in another thread or process. */
export class RemoteComponent implements PlacedComponent {
  readonly mode = "async";
  readonly #control: RemoteControl;
  readonly #state: RemoteState;
  readonly #side: CallerSide;
  readonly #store: RemoteStore;
  readonly #maker: ExportMaker;
  #exports: ComponentExports | undefined;

  constructor(control: RemoteControl, { side, state }: { readonly side: CallerSide; readonly state: RemoteState }) {
    this.#control = control;
    this.#state = state;
    this.#side = side;
    const maker: ExportMaker = new ExportMaker(
      (this.#store = new RemoteStore({
        side,
        state,
        wire: control.wire,
        classOf: (resource) => maker.classOf(resource),
      })),
      side.shapes.plan.imports.map((_, number) => ({
        call: (...args: readonly unknown[]) => this.#callImport(number, args),
      })),
    );
    this.#maker = maker;
  }

  /** What is collected when nobody has anything of the instance any more. */
  get anchor(): object {
    return this.#store;
  }

  get exports(): ComponentExports {
    return (this.#exports ??= this.#maker.all());
  }

  get functions(): readonly string[] {
    return functionNames(this.#store.plan);
  }

  get isEnded(): boolean {
    return this.#state.isEnded;
  }

  async invoke(name: string, ...args: readonly unknown[]): Promise<unknown> {
    const { plan } = this.#store;
    const found = findFunction(plan, name);
    if (found === undefined) {
      const functions = functionNames(plan);
      const offered =
        functions.length === 0 ? "it exports no function" : `it exports ${functions.slice(0, 10).join(", ")}`;
      throw new SampanError("GUEST_EXPORT_MISSING", `Cannot call "${name}" of "${plan.name}": ${offered}`, {
        data: { functions },
      });
    }
    return this.#maker.function(found)(...args);
  }

  usage(): Promise<InstanceUsage> {
    return this.#control.usage();
  }

  kill(): void {
    this.#control.kill(9);
  }

  close(): Promise<void> {
    return this.#control.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** A function that the component imports and exports again. */
  #callImport(number: number, args: readonly unknown[]): Promise<unknown> {
    const { shapes } = this.#side;
    const name = this.functions.find((each) => {
      const planned = findFunction(shapes.plan, each)?.function;
      return planned?.kind === "import" && planned.import === number;
    });
    if (name === undefined) throw new TypeError(`A plan exports no import ${number}`);
    return this.#store.call(name, shapes.import(number), args);
  }
}
