export { Wasi02Context, type Wasi02Options } from "./context.ts";
export { WasiTrap } from "./errors.ts";
export { incomingArguments } from "./http-incoming.ts";
export { wasi02Interfaces } from "./interfaces.ts";
export { createWasi02, findWasi02, type Wasi02Function, type Wasi02Provider } from "./provider.ts";
export type { Wasi02Interface, Wasi02Row, Wasi02Rows } from "./row.ts";
