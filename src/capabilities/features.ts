import { nearest, SampanError } from "../base/index.ts";

/**
 * Features of WASI's packages whose functions are unstable (WIT, `@unstable`) in one version or another; that of `exit-with-code`
 * has become stable and changes nothing.
 */
export const featureNames: readonly string[] = [
  "cli-exit-with-code",
  "clocks-timezone",
  "informational-outbound-responses",
  "network-error-code",
];

/** Refuses names that no feature has, which would switch nothing on. @throws OPTION_INVALID */
export function checkFeatures(names: readonly string[]): void {
  for (const name of names) {
    if (featureNames.includes(name)) continue;
    const near = nearest(name, featureNames);
    throw new SampanError("OPTION_INVALID", `Cannot switch on the feature "${name}": there is none of that name`, {
      hint: near === undefined ? `the features are ${featureNames.join(", ")}` : `did you mean ${near}`,
    });
  }
}
