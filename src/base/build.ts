declare const SAMPAN_BUILD: string | undefined;

/**
 * Names the build that runs: all that the bundle was made from. Undefined where the sources run as they are, which may
 * change from one run to the next.
 */
export const build: string | undefined = typeof SAMPAN_BUILD === "string" ? SAMPAN_BUILD : undefined;
