export { type CacheKey, type CacheSubject, CompileCache, type CompileCacheOptions } from "./compile-cache.ts";
export type { CacheEntry } from "./entry-file.ts";
