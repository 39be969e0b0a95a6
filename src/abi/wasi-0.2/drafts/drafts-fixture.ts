import type { Wasi02Fixture } from "../wasi02-fixture.ts";
import { createWasi02 } from "../provider.ts";

/** Calls of drafts by their exact names: `wasi:config/store@0.2.0-rc.1#get`. */
export function draftCalls(fixture: Wasi02Fixture): (name: string, ...values: readonly unknown[]) => unknown {
  const provide = createWasi02(fixture);
  return (name, ...values) => {
    const [itsInterface = "", function_ = ""] = name.split("#");
    const found = provide(itsInterface, function_);
    if (found === undefined) throw new TypeError(`No function "${name}"`);
    return (found.call as (...given: readonly unknown[]) => unknown)(...values);
  };
}
