import type { LinkPlan } from "../../component/index.ts";
import { readPlan } from "../../component/index.ts";
import type { CacheEntry, CacheKey } from "../cache/index.ts";
import {
  asItIs,
  type CompileOptions,
  compilePrepared,
  type GuestModule,
  type PreparedModule,
  rewriterVersion,
  rewrittenFrom,
} from "../guest-module.ts";

/** A compiled component, to make instances of. */
export interface ComponentModule {
  readonly kind: "component";
  readonly name: string;
  readonly plan: LinkPlan;
  /** Its core modules, by their numbers in the plan. */
  readonly modules: readonly GuestModule[];
  /** Memories that one instance makes. */
  readonly memories: number;
}

/** What an entry of the cache says of a component, as JSON; the parts of its core modules follow. */
export interface KeptComponent {
  readonly plan: unknown;
  readonly memories: number;
  /** Lengths of what is kept of each rewritten module, in `meta` and in `bytes`; of others the function to optimise, or null. */
  readonly modules: readonly (readonly [meta: number, bytes: number] | number | null)[];
}

/** How a component is found in the cache: nothing of it but its bytes is looked at. */
export interface ComponentKey {
  readonly key: CacheKey;
  /** Has the cache know the component's file by its identity from now on, where there is one that is not known yet. */
  readonly remember: () => void;
}

/** The key of what is made of a component's bytes; undefined where there is no cache. */
export function keyOfComponent(bytes: Uint8Array, options: CompileOptions): ComponentKey | undefined {
  const { memory, tableElements, checks, restore, hotFunctions, cache, file } = options;
  if (cache === undefined) return undefined;
  const wanted = { memory, tableElements, checks, restore, hotFunctions };
  const subject = { version: rewriterVersion, options: { ...wanted, component: true } };
  const whole = file?.size === BigInt(bytes.length) ? file : undefined;
  const known = whole && cache.keyOfFile(whole, subject);
  const key = known ?? cache.keyOf(bytes, subject);
  if (key === undefined) return undefined;
  const remember = (): void => {
    if (whole !== undefined && known === undefined) cache.rememberFile(whole, subject, key);
  };
  return { key, remember };
}

/** A component in the cache. */
export interface FoundComponent {
  readonly plan: LinkPlan;
  /** Compiles its core modules. @throws GUEST_NOT_RUNNABLE */
  readonly compile: () => ComponentModule;
}

/** A component whose plan and core modules the cache has, without decoding, checking or planning it again; undefined for others. */
export function findComponent(
  bytes: Uint8Array<ArrayBuffer>,
  { key, remember }: ComponentKey,
  { cache, name = "component" }: CompileOptions,
): FoundComponent | undefined {
  const entry = cache?.get(key);
  if (entry === undefined) return undefined;
  remember();
  const { length, kept } = headOf(entry.meta);
  const plan = readPlan(kept.plan, { name, bytes });
  const { memories } = kept;
  return {
    plan,
    compile: () => ({
      kind: "component",
      name,
      plan,
      modules: modulesFrom(entry, plan, { kept, at: length }),
      memories,
    }),
  };
}

/** A component that the cache knows, its core modules compiled; undefined for others. @throws GUEST_NOT_RUNNABLE */
export function keptComponent(bytes: Uint8Array<ArrayBuffer>, options: CompileOptions): ComponentModule | undefined {
  const place = keyOfComponent(bytes, options);
  return place && findComponent(bytes, place, options)?.compile();
}

/** Core modules of what an entry keeps; what is kept in its `meta` begins at a place. */
function modulesFrom(
  entry: CacheEntry,
  plan: LinkPlan,
  { kept, at }: { readonly kept: KeptComponent; readonly at: number },
): GuestModule[] {
  let [metaAt, bytesAt] = [at, 0];
  return plan.modules.map((module, index) => {
    const own = module.bytes as Uint8Array<ArrayBuffer>;
    const form = kept.modules[index] ?? null;
    let prepared: PreparedModule = asItIs(own);
    if (typeof form === "number") prepared = { ...prepared, eager: form };
    else if (form !== null) {
      const [ofMeta, ofBytes] = form;
      const meta = entry.meta.subarray(metaAt, (metaAt += ofMeta));
      prepared = rewrittenFrom({ meta, bytes: entry.bytes.subarray(bytesAt, (bytesAt += ofBytes)) }, own);
    }
    return compilePrepared(own, prepared, module.name);
  });
}

const headBytes = 4;

/** The first part of an entry's `meta`, and where the rest begins: its length in 4 bytes, then JSON. */
function headOf(meta: Uint8Array): { readonly kept: KeptComponent; readonly length: number } {
  const length = headBytes + new DataView(meta.buffer, meta.byteOffset).getUint32(0, true);
  const text = new TextDecoder().decode(meta.subarray(headBytes, length));
  return { kept: JSON.parse(text) as KeptComponent, length };
}

/** What {@link headOf} reads. */
export function headFor(kept: KeptComponent): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(kept));
  const head = new Uint8Array(headBytes + text.length);
  new DataView(head.buffer).setUint32(0, text.length, true);
  head.set(text, headBytes);
  return head;
}
