import type { HostError } from "../../../base/index.ts";
import type { Wasi02Context } from "../context.ts";
import type { Wasi02Interface } from "../row.ts";

/** The `error` of `wasi:config/store`. */
const errorOf = (error: HostError): unknown => ({ tag: "io", val: error.message });

/** `wasi:config/store`, which was called `runtime` before; its values are those that were granted. */
export const configStore: Wasi02Interface = {
  errorOf,
  rows: {
    get: {
      docs: "The value that was granted under a key; none without a grant for it.",
      run: ({ host }: Wasi02Context, key: string) => host.config.get(key),
    },
    "get-all": {
      docs: "All keys and values that were granted.",
      run: ({ host }: Wasi02Context) => host.config.all(),
    },
  },
};
