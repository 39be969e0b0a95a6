import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { SampanError } from "../../src/base/index.ts";
import { ComponentError } from "../../src/component/index.ts";
import { type ComponentInstance, type ComponentModule, Engine } from "../../src/engine/index.ts";
import { outcomeOf } from "./converter.ts";
import { type ScriptAction, type ScriptCommand, textOf, toJavaScript } from "./script.ts";

/** What one command of a script came to; `failure` says why it failed. */
export interface Verdict {
  readonly line: number;
  readonly kind: string;
  readonly failure: string | undefined;
}

/** Where a script's binaries are, and what reads its text. */
export interface ScriptPlace {
  readonly folder: string;
  readonly converter: string;
  readonly mode: "sync" | "async";
}

/** What a component ends with that only a later version executes. */
const unsupported = "COMPONENT_ASYNC_UNSUPPORTED";

/** Runs the commands of one script in an engine of its own. */
export async function runScript(commands: readonly ScriptCommand[], place: ScriptPlace): Promise<Verdict[]> {
  await using engine = new Engine({ cache: false });
  const run = new ScriptRun(engine, place);
  const verdicts: Verdict[] = [];
  for (const command of commands) {
    let failure: string | undefined;
    try {
      failure = await run.command(command);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      failure = error instanceof SampanError ? whyOf(error) : `${error.stack}`;
    }
    verdicts.push({ line: command.line, kind: command.type, failure });
  }
  return verdicts;
}

function whyOf({ code, message, data }: SampanError): string {
  return code === unsupported ? `waits for ${String(data?.["feature"])}` : `${code}: ${message}`;
}

/** What a component that must be refused is refused with; the last is V8's word on a core module in it. */
const refusals = new Set([
  "COMPONENT_INVALID",
  "COMPONENT_FEATURE",
  "WASM_MALFORMED",
  "WASM_FEATURE",
  "GUEST_NOT_RUNNABLE",
]);

/** What the suite calls otherwise than V8 and Sampan do. */
const otherWords: Readonly<Record<string, string>> = { "unreachable instruction executed": "unreachable" };

class ScriptRun {
  readonly #engine: Engine;
  readonly #place: ScriptPlace;
  readonly #modules = new Map<string, ComponentModule>();
  readonly #instances = new Map<string, ComponentInstance>();
  #last: ComponentInstance | undefined;
  /** Why there is no last instance. */
  #lacks: unknown = new TypeError("A script calls before it makes an instance");
  /** What instances need that only a later version executes: nothing calls them after that. */
  readonly #waiting = new WeakMap<ComponentInstance, SampanError>();

  constructor(engine: Engine, place: ScriptPlace) {
    this.#engine = engine;
    this.#place = place;
  }

  async command(command: ScriptCommand): Promise<string | undefined> {
    const { type, action, text = "" } = command;
    switch (type) {
      case "module_definition":
        return this.#define(command);
      case "module":
        this.#last = await this.#instantiate(await this.#compile(command));
        if (command.name !== undefined) this.#instances.set(command.name, this.#last);
        return undefined;
      case "module_instance": {
        const module = this.#modules.get(command.module ?? "");
        if (module === undefined) return `there is no component "${command.module}"`;
        this.#last = await this.#instantiate(module);
        if (command.instance !== undefined) this.#instances.set(command.instance, this.#last);
        return undefined;
      }
      case "assert_return":
        return this.#returns(action, command.expected ?? []);
      case "action":
        await this.#invoke(action);
        return undefined;
      case "assert_trap":
        return trapOf(() => this.#invoke(action), text);
      case "assert_uninstantiable":
        return trapOf(async () => this.#instantiate(await this.#compile(command)), text);
      case "assert_invalid":
      case "assert_malformed":
        return this.#refused(command);
      default:
        return `the runner does not know the command "${type}"`;
    }
  }

  /** A definition is valid also where nothing of Sampan's links it. */
  async #define(command: ScriptCommand): Promise<undefined> {
    try {
      this.#modules.set(command.name ?? "", await this.#compile(command));
    } catch (error) {
      if (!(error instanceof SampanError) || error.code !== "COMPONENT_IMPORT_UNSUPPORTED") throw error;
    }
    return undefined;
  }

  async #compile({ filename, name }: ScriptCommand): Promise<ComponentModule> {
    const bytes = await readFile(join(this.#place.folder, filename ?? ""));
    return this.#engine.compileComponent(bytes, { name: name ?? "component" });
  }

  async #instantiate(module: ComponentModule): Promise<ComponentInstance> {
    this.#last = undefined;
    try {
      return await this.#engine.instantiateComponent(module, { mode: this.#place.mode });
    } catch (error) {
      this.#lacks = error;
      throw error;
    }
  }

  async #invoke(action: ScriptAction | undefined): Promise<unknown> {
    const instance = action?.module === undefined ? this.#last : this.#instances.get(action.module);
    if (instance === undefined || action === undefined) throw this.#lacks;
    const waiting = this.#waiting.get(instance);
    if (waiting !== undefined) throw waiting;
    try {
      return await instance.invoke(action.field, ...action.args.map(toJavaScript));
    } catch (error) {
      if (error instanceof SampanError && error.code === unsupported) this.#waiting.set(instance, error);
      throw error;
    }
  }

  async #returns(
    action: ScriptAction | undefined,
    expected: NonNullable<ScriptCommand["expected"]>,
  ): Promise<string | undefined> {
    let value: unknown;
    try {
      value = await this.#invoke(action);
      if (expected[0]?.type === "result") value = { tag: "ok", val: value };
    } catch (error) {
      if (!(error instanceof ComponentError)) throw error;
      value = { tag: "err", val: error.payload };
    }
    const wanted = textOf(expected.map(toJavaScript)[0]);
    return textOf(value) === wanted ? undefined : `answers ${textOf(value)}, wanted ${wanted}`;
  }

  async #refused({ filename = "", module_type: form }: ScriptCommand): Promise<string | undefined> {
    if (form === "text") {
      const { status } = await outcomeOf(this.#place.converter, ["parse", join(this.#place.folder, filename)]);
      return status === 0 ? "its text is accepted" : undefined;
    }
    try {
      await this.#engine.compileComponent(await readFile(join(this.#place.folder, filename)));
    } catch (error) {
      if (error instanceof SampanError && refusals.has(error.code)) return undefined;
      throw error;
    }
    return "it is accepted";
  }
}

async function trapOf(run: () => Promise<unknown>, text: string): Promise<string | undefined> {
  const phrase = text.replace(/^wasm trap: (wasm )?/, "").replaceAll("`", "");
  const wanted = otherWords[phrase] ?? phrase;
  try {
    return `answers ${textOf(await run())}, wanted a trap: ${wanted}`;
  } catch (error) {
    if (!(error instanceof SampanError)) throw error;
    // What has trapped once is not entered again.
    if (error.code === "INSTANCE_ENDED" && wanted === "cannot enter component instance") return undefined;
    if (error.code !== "GUEST_TRAPPED") throw error;
    const said = error.message.replaceAll("`", "");
    return said.includes(wanted) ? undefined : `traps with "${error.message}", wanted "${wanted}"`;
  }
}
