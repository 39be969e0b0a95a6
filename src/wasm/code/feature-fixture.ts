import {
  type Bytes,
  end,
  exportOf,
  exports,
  functions,
  i32,
  moduleOf,
  section,
  types,
  vector,
} from "../module-fixture.ts";
import { sectionId } from "../sections.ts";
import { nothing, answer, unary, taker, body, type Feature } from "./feature-parts-fixture.ts";
import { controlFeatures } from "./control-features-fixture.ts";
import { dataFeatures } from "./data-features-fixture.ts";

const order = [1, 4, 5, 13, 6, 7, 9, 12] as const;

/**
 * A module that runs a piece of code three times in a loop and adds up what it leaves: exports `run` (function 1), which calls
 * function 0 with the loop.
 */
function featureModule(feature: Feature): Uint8Array<ArrayBuffer> {
  const round = [
    0x03,
    0x40,
    ...feature.code,
    0x20,
    1,
    0x6a,
    0x21,
    1,
    0x20,
    0,
    0x41,
    1,
    0x6a,
    0x22,
    0,
    0x41,
    3,
    0x49,
    0x0d,
    0,
    end,
    0x20,
    1,
  ];
  const others = feature.functions ?? [];
  const given: Record<number, Bytes> = {
    [sectionId.type]: types(answer, unary, nothing, taker, ...(feature.types ?? [])),
    [sectionId.export]: exports(exportOf("run", 0, 1)),
    ...feature.sections,
  };
  return moduleOf(
    given[sectionId.type] ?? [],
    functions(0, 0, ...others.map(([type]) => type)),
    ...order.slice(1).map((id) => given[id] ?? []),
    section(
      sectionId.code,
      vector(
        body([[i32], [i32], ...(feature.locals ?? [])], round),
        body([], [0x10, 0]),
        ...others.map(([, code]) => body([], code)),
      ),
    ),
    given[sectionId.data] ?? [],
  );
}

/** Modules that V8 accepts, one for each feature; the export `run` answers a number. */
export const featureModules: Readonly<Record<string, Uint8Array<ArrayBuffer>>> = Object.fromEntries(
  Object.entries({ ...controlFeatures, ...dataFeatures }).map(([name, feature]) => [name, featureModule(feature)]),
);
