import type { PGlite } from "@electric-sql/pglite";

/** PGlite, loaded: an instance can be made of a folder. */
export interface LoadedPostgres {
  /** Opens what is in a folder, or makes a new cluster in it where nothing is. */
  readonly open: (folder: string, how?: { readonly database: string; readonly user: string }) => Promise<PGlite>;
}

/** Loads PGlite, which few runs need. */
export async function loadPostgres(): Promise<LoadedPostgres> {
  const { PGlite: create } = await import("@electric-sql/pglite");
  return {
    open: (dataDir, how) =>
      create.create({ dataDir, ...(how === undefined ? {} : { database: how.database, username: how.user }) }),
  };
}
