import { HostError } from "../../base/index.ts";
import type { Descriptor, HostInstance } from "../../host/index.ts";

/** Standard streams come first in a table of descriptors, granted folders behind them. */
const firstFolder = 3;

/** The granted folders, in their order. */
export function* grantedFolders({ descriptors }: HostInstance): Generator<readonly [string, Descriptor]> {
  for (let number = firstFolder; ; number += 1) {
    const descriptor = found(() => descriptors.get(number));
    if (descriptor?.preopenName === undefined) return;
    yield [descriptor.preopenName, descriptor];
  }
}

function found(get: () => Descriptor): Descriptor | undefined {
  try {
    return get();
  } catch (error) {
    if (error instanceof HostError) return undefined;
    throw error;
  }
}
