import { type CapabilityName, capability } from "./catalog.ts";
import { checkConnect, checkDns, checkListen } from "./check-net.ts";
import { checkFiles } from "./check-files.ts";
import { formatClock, formatRandom, formatStdio, typedFlag } from "./format-flags.ts";
import type { Grants, StdioName } from "./grants.ts";
import { stdioNames } from "./parse-flags.ts";
import type { AccessRequest } from "./request.ts";
import { formatLog, formatStore, nameProblem } from "./store-flags.ts";
import { allow, type FixContext, refuse, type Verdict } from "./verdict.ts";

/** Decides whether grants cover a request, and if not, which flag would. Pure and total; nothing else decides. */
export function check(grants: Grants, request: AccessRequest, context: FixContext = {}): Verdict {
  switch (request.capability) {
    case "clock":
      return checkKind("clock", grants.clock.kind, () => formatClock(grants.clock), "real");
    case "random":
      return checkKind("random", grants.random.kind, () => formatRandom(grants.random), "system");
    case "stdio":
      return checkStdio(grants.stdio, request.stream);
    case "env":
      return checkEnv(grants, request.name);
    case "files":
      return checkFiles(grants, request, context);
    case "config":
      return checkConfig(grants, request.name);
    case "keyvalue":
      return checkStore(grants, request.name, context);
    case "log":
      return checkLog(grants);
    case "net.connect":
      return checkConnect(grants.net, request, context);
    case "net.listen":
      return checkListen(grants.net, request, context);
    case "net.dns":
      return checkDns(grants.net, request);
  }
}

function checkKind(name: CapabilityName, kind: string, granted: () => string, full: string): Verdict {
  if (kind !== "none") return allow(() => typedFlag(name, granted()));
  return refuse(`${typedFlag(name, "none")} takes it away`, {
    flag: typedFlag(name, full),
    line: `${capability(name).key}: ${full}`,
    replaces: typedFlag(name, "none"),
  });
}

function checkStdio(stdio: readonly StdioName[], stream: StdioName): Verdict {
  if (stdio.includes(stream)) return allow(() => typedFlag("stdio", formatStdio(stdio)));
  const wider = stdioNames.filter((name) => name === stream || stdio.includes(name));
  return refuse(`${stream} is not among the granted streams`, {
    flag: typedFlag("stdio", formatStdio(wider)),
    line: `stdio: [${wider.join(", ")}]`,
    replaces: typedFlag("stdio", formatStdio(stdio)),
  });
}

function checkEnv({ env }: Grants, name: string): Verdict {
  if (Object.hasOwn(env, name)) return allow(() => typedFlag("env", name));
  return refuse(`no grant names the variable "${name}"`, {
    flag: typedFlag("env", name),
    line: `env: [${JSON.stringify(name)}]`,
  });
}

/** A value that somebody has to think of stands in the fix as what it is. */
function checkConfig({ config }: Grants, key: string): Verdict {
  if (Object.hasOwn(config, key)) return allow(() => typedFlag("config", `${key}=${config[key]}`));
  const problem = nameProblem(key);
  const typed = problem === undefined ? key : "KEY";
  const reason = problem === undefined ? "" : `, and none can have that name: ${problem}`;
  return refuse(`no grant has the configuration value "${key}"${reason}`, {
    flag: typedFlag("config", `${typed}=VALUE`),
    line: `config: {${JSON.stringify(typed)}: VALUE}`,
  });
}

function checkStore({ keyvalue }: Grants, name: string, { cwd }: FixContext): Verdict {
  const store = keyvalue.find((each) => each.name === name);
  if (store !== undefined) return allow(() => typedFlag("keyvalue", formatStore(store, cwd)));
  const problem = nameProblem(name);
  const typed = problem === undefined ? name : "default";
  const reason = problem === undefined ? "" : `, and none can have that name: ${problem}`;
  return refuse(`no grant names the store "${name}"${reason}`, {
    flag: typedFlag("keyvalue", `${typed}=memory`),
    line: `keyvalue: {${JSON.stringify(typed)}: memory}`,
  });
}

function checkLog({ log }: Grants): Verdict {
  if (log.kind !== "none") return allow(() => typedFlag("log", formatLog(log)));
  return refuse("no grant gives it a log", {
    flag: typedFlag("log", "stderr"),
    line: `${capability("log").key}: stderr`,
  });
}
