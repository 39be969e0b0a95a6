import assert from "node:assert/strict";
import { test } from "node:test";
import { checkFeatures, featureNames } from "./index.ts";

test("checkFeatures() takes the names that there are, and names the nearest for another", () => {
  checkFeatures(featureNames);
  checkFeatures([]);
  const code = "OPTION_INVALID";
  assert.throws(() => checkFeatures(["clock-timezone"]), { code, hint: "did you mean clocks-timezone" });
  assert.throws(() => checkFeatures(["clocks-timezone", "x"]), {
    code,
    hint: /^the features are cli-exit-with-code, /,
  });
});
