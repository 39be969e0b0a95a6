import { SampanError } from "../../base/index.ts";

/** A resource that a guest defines, as the host has it. */
export class GuestHandle {
  /** The number of its type in the plan. */
  readonly resource: number;
  /** What the guest's code knows it by. */
  readonly rep: number;
  readonly isOwn: boolean;
  readonly #owner: ResourceOwner;
  /** Given away, dropped, or at the end of the call that it was lent to. */
  isGone = false;
  /** Calls into the guest that it is lent to. */
  lends = 0;

  constructor(owner: ResourceOwner, { resource, rep, isOwn }: { resource: number; rep: number; isOwn: boolean }) {
    this.#owner = owner;
    this.resource = resource;
    this.rep = rep;
    this.isOwn = isOwn;
  }

  /** Whether it is of an instance's type. */
  isOf(owner: ResourceOwner, resource: number): boolean {
    return this.#owner === owner && this.resource === resource;
  }

  /** Drops the resource, which runs its destructor; a promise in an instance that is bound async. */
  drop(): unknown {
    return this.#leave() ? this.#owner.destroy(this.resource, this.rep) : undefined;
  }

  /** {@link drop}, but where a call of the instance runs its destructor runs after that. */
  dropWhenIdle(): void {
    if (this.#leave()) this.#owner.destroyWhenIdle(this.resource, this.rep);
  }

  #leave(): boolean {
    if (this.isGone || !this.isOwn) return false;
    if (this.lends > 0) throw new SampanError("INSTANCE_BUSY", "Cannot drop a resource that is lent to a call");
    this.isGone = true;
    return true;
  }
}

/** The instance that resources belong to. */
export interface ResourceOwner {
  destroy(resource: number, rep: number): unknown;
  destroyWhenIdle(resource: number, rep: number): void;
}

/** What the classes of an instance's resources extend. */
export class GuestResource {
  #handle: GuestHandle | undefined;

  /** The handle behind an object; undefined where it is no resource of a guest's. */
  static handleOf(value: unknown): GuestHandle | undefined {
    return typeof value === "object" && value !== null && #handle in value ? value.#handle : undefined;
  }

  /** Puts a handle behind an object. */
  static attach(to: GuestResource, handle: GuestHandle): void {
    to.#handle = handle;
  }

  /**
   * Drops the resource; nothing happens where that is done, and to one that was only lent. While a call runs, and in an instance
   * that is bound async, the destructor runs by and by; a trap of it ends the instance.
   */
  [Symbol.dispose](): void {
    this.#handle?.dropWhenIdle();
  }

  /** {@link Symbol.dispose}, which resolves when the destructor has run. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle?.drop();
  }
}

/** A class of a guest's resources. */
export type GuestResourceClass = typeof GuestResource;

/** An object of a class, without calling a constructor of the guest's. */
export function makeGuestResource(itsClass: GuestResourceClass, handle: GuestHandle): GuestResource {
  const made = Reflect.construct(GuestResource, [], itsClass) as GuestResource;
  GuestResource.attach(made, handle);
  return made;
}
