import type { Wasi02Interface } from "../row.ts";
import { configStore } from "./config.ts";
import { batch, draft2Atomics, draft2Store, draftAtomics, draftStore } from "./keyvalue.ts";
import { logging } from "./logging.ts";
import { postgres } from "./postgres.ts";

/**
 * Drafts that components import, by their names and exact versions: nothing says that another version means the same, and for
 * some it does not.
 */
export const draftInterfaces: Readonly<Record<string, Wasi02Interface>> = {
  "wasi:config/store@0.2.0-draft": configStore,
  "wasi:config/store@0.2.0-draft-2024-09-27": configStore,
  "wasi:config/store@0.2.0-rc.1": configStore,
  "wasi:config/runtime@0.2.0-draft": configStore,
  "wasi:keyvalue/store@0.2.0-draft": draftStore,
  "wasi:keyvalue/atomics@0.2.0-draft": draftAtomics,
  "wasi:keyvalue/batch@0.2.0-draft": batch,
  "wasi:keyvalue/store@0.2.0-draft2": draft2Store,
  "wasi:keyvalue/atomics@0.2.0-draft2": draft2Atomics,
  "wasi:keyvalue/batch@0.2.0-draft2": batch,
  "wasi:logging/logging": logging,
  "wasi:logging/logging@0.1.0-draft": logging,
  "fermyon:spin/postgres@2.0.0": postgres[2],
  "spin:postgres/postgres@3.0.0": postgres[3],
  "spin:postgres/postgres@4.0.0": postgres[4],
  "spin:postgres/postgres@4.1.0": postgres[4],
  "spin:postgres/postgres@4.2.0": postgres[4],
};
