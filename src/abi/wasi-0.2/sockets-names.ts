import { parseAddress } from "../../capabilities/index.ts";
import { attempted } from "./attempts.ts";
import type { Wasi02Context } from "./context.ts";
import { WasiError } from "./errors.ts";
import { type Pollable, WatchedPollable } from "./pollable.ts";
import { type IpAddress, ipOfText } from "./sockets-addresses.ts";

const longestName = 253;

/** A name as it is asked for. @throws WasiError invalid-argument for what can be no name */
function checkedName(name: string): string {
  if (parseAddress(name) !== undefined) return name;
  const plain = /^[\x21-\x7e]+$/.test(name) ? name : asciiName(name);
  const isName = /^(?!-)[\w-]+(\.[\w-]+)*\.?$/.test(plain) && plain.length <= longestName;
  if (!isName) throw new WasiError("invalid-argument");
  return plain;
}

/** A name in letters of other alphabets as resolvers have it (RFC 5891); "" for what is none. */
function asciiName(name: string): string {
  if (/[\s/\\?#@:[\]%]/.test(name)) return "";
  try {
    return new URL(`http://${name}/`).hostname;
  } catch {
    return "";
  }
}

/** The resource `resolve-address-stream` of `wasi:sockets/ip-name-lookup`. */
export class ResolveAddressStream {
  readonly #context: Wasi02Context;
  #addresses: readonly string[] | undefined;
  #failure: { readonly error: unknown } | undefined;
  #next = 0;
  readonly #waiters = new Set<() => void>();

  /** Asks for a name. @throws WasiError invalid-argument */
  constructor(context: Wasi02Context, name: string) {
    this.#context = context;
    const checked = checkedName(name);
    context.host.sockets.resolve(checked).then(
      (addresses) => {
        this.#addresses = addresses;
        this.#wake();
      },
      (error: unknown) => {
        this.#failure = { error };
        this.#wake();
      },
    );
  }

  /** The next address, or that there are no more. @throws WasiError would-block, HostError */
  resolveNextAddress(): IpAddress | undefined | Promise<IpAddress | undefined> {
    const answer = attempted(this.#context, () => {
      if (this.#failure !== undefined) throw this.#failure.error;
      return this.#addresses === undefined ? undefined : { text: this.#addresses[this.#next++] };
    });
    const ip = ({ text }: { readonly text: string | undefined }): IpAddress | undefined =>
      text === undefined ? undefined : ipOfText(text);
    return answer instanceof Promise ? answer.then(ip) : ip(answer);
  }

  subscribe(): Pollable {
    return new WatchedPollable({
      isReady: () => this.#isReady(),
      watch: (wake) => {
        if (this.#isReady()) return true;
        const own = (): void => wake();
        this.#waiters.add(own);
        return () => void this.#waiters.delete(own);
      },
    });
  }

  #isReady(): boolean {
    return this.#addresses !== undefined || this.#failure !== undefined;
  }

  #wake(): void {
    for (const wake of Array.from(this.#waiters)) wake();
  }
}
