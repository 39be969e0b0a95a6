export { type StoreLimits } from "./limits.ts";
export { type KeyValueStore, type NumberRange, type StoreKeys, type StoreSnapshot } from "./store.ts";
export { Stores, StoreShelf } from "./stores.ts";
