import { SampanError } from "../../base/index.ts";
import type { PlannedResource } from "../plan/link-plan.ts";
import type { Embedding } from "./embedding.ts";
import {
  GuestHandle,
  GuestResource,
  type GuestResourceClass,
  makeGuestResource,
  type ResourceOwner,
} from "./guest-resource.ts";
import type { Handle } from "./handle-table.ts";

/** Whether a resource is given away or lent. */
export type Passing = "own" | "borrow";

/** Where resources are: the store of an instance, here or elsewhere. */
export interface ResourceStore {
  readonly embedding: Pick<Embedding, "isEnded" | "call" | "whenIdle">;
  ownerOf(resource: number): number | undefined;
  resourceOf(resource: number): PlannedResource;
  /** What destroys a resource of the guest's; undefined where nothing is to be done. */
  destructorOf(resource: number): ((rep: number) => unknown) | undefined;
}

/** The resources of one instance of a component as the host has them. */
export class HostResources implements ResourceOwner {
  readonly #store: ResourceStore;
  readonly #makeClass: (resource: number) => GuestResourceClass;
  readonly #classes = new Map<number, GuestResourceClass>();
  #isOver = false;
  readonly #destructors = new Map<number, ((rep: number) => unknown) | undefined>();

  constructor(store: ResourceStore, makeClass: (resource: number) => GuestResourceClass) {
    this.#store = store;
    this.#makeClass = makeClass;
  }

  /** The class of a resource type of the guest's, made once. */
  classOf(resource: number): GuestResourceClass {
    let itsClass = this.#classes.get(resource);
    if (itsClass === undefined) this.#classes.set(resource, (itsClass = this.#makeClass(resource)));
    return itsClass;
  }

  /** Says that the resources are no more. */
  end(): void {
    this.#isOver = true;
  }

  /** Whether the host has, or had, anything of the guest's. */
  get isUsed(): boolean {
    return this.#classes.size > 0 || this.#destructors.size > 0;
  }

  /** What the host gets for a handle of the guest's. */
  toHost({ resource, rep }: Pick<Handle, "resource" | "rep">, passing: Passing): unknown {
    if (this.#store.ownerOf(resource) === undefined) return rep;
    const handle = new GuestHandle(this, { resource, rep: rep as number, isOwn: passing === "own" });
    return makeGuestResource(this.classOf(resource), handle);
  }

  /** What a handle of the guest's stands for that the host gives, or lends. @throws COMPONENT_VALUE */
  fromHost(resource: number, value: unknown, passing: Passing): unknown {
    const { owner, name } = this.#store.resourceOf(resource);
    if (owner === undefined) {
      if ((typeof value === "object" && value !== null) || typeof value === "function") return value;
      throw notAResource(name, `it is ${value === null ? "null" : typeof value}, wanted an object`);
    }
    const handle = GuestResource.handleOf(value);
    if (handle?.isOf(this, resource) !== true) throw notAResource(name, "it is none of this instance's");
    if (handle.isGone) throw notAResource(name, "it was dropped or given away");
    if (passing === "borrow") return handle.rep;
    if (!handle.isOwn) throw notAResource(name, "it was only lent");
    if (handle.lends > 0) throw notAResource(name, "it is lent to a call");
    handle.isGone = true;
    return handle.rep;
  }

  destroy(resource: number, rep: number): unknown {
    // All that it had is gone with the instance, or with the use of it.
    if (this.#isOver || this.#store.embedding.isEnded) return undefined;
    if (!this.#destructors.has(resource)) this.#destructors.set(resource, this.#store.destructorOf(resource));
    const destroy = this.#destructors.get(resource);
    if (destroy === undefined) return undefined;
    const { name } = this.#store.resourceOf(resource);
    return this.#store.embedding.call(`[resource-drop]${name}`, (its) => destroy(its as number), [rep]);
  }

  destroyWhenIdle(resource: number, rep: number): void {
    this.#store.embedding.whenIdle(() => this.destroy(resource, rep));
  }
}

function notAResource(name: string, why: string): SampanError {
  return new SampanError("COMPONENT_VALUE", `Cannot pass a value as the resource "${name}": ${why}`);
}
