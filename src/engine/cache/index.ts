export { type CacheKey, type CacheSubject, CompileCache, type CompileCacheOptions, ownCache } from "./compile-cache.ts";
export type { CacheEntry } from "./entry-file.ts";
