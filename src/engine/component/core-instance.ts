import type { ComponentMode, CoreInstance } from "../../component/index.ts";
import type { GuestModule } from "../guest-module.ts";
import type { GuestThread } from "../guest-thread.ts";
import { makeMemories } from "../memories.ts";
import type { Stay } from "./stay.ts";

/** What an instance of a core module within a component is made with. */
export interface CoreInstanceParts {
  readonly compiled: GuestModule;
  readonly imports: WebAssembly.Imports;
  readonly mode: ComponentMode;
  /** The number under which the checks of its code name the component's instance. */
  readonly id: number;
  readonly thread: GuestThread;
  readonly stay: Stay;
  /** Most bytes of its memories. */
  readonly memory: number | undefined;
}

/** Makes an instance of one core module of a component, and says which memories it has of its own. */
export function makeCoreInstance({ compiled, imports, mode, id, thread, stay, memory }: CoreInstanceParts): {
  readonly instance: CoreInstance;
  readonly memories: readonly WebAssembly.Memory[];
} {
  const { layout } = compiled;
  const { own } = makeMemories(layout, [], memory);
  const { checks } = layout;
  if (layout.memories.length > 0 || checks !== undefined)
    imports[layout.namespace] = { ...own, ...(checks === undefined ? {} : { [checks.epoch]: thread.epoch.memory }) };
  const { exports } = new WebAssembly.Instance(compiled.module, imports);
  compiled.prepare(exports);
  if (checks !== undefined) {
    (exports[checks.id] as WebAssembly.Global).value = id;
    (exports[checks.hook] as WebAssembly.Global).value = mode === "async" ? stay.hook : thread.hooks.sync;
  }
  const memories = Object.values(own);
  const start = layout.start === undefined ? undefined : (exports[layout.start] as () => void);
  if (start === undefined || mode === "sync") return { instance: { exports, start }, memories };
  const entry = WebAssembly.promising(start);
  return { instance: { exports, start: async () => void (await entry()) }, memories };
}
