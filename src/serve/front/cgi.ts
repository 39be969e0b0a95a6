import { promises } from "node:fs";
import { join } from "node:path";
import { type ByteSource, failure, SampanError } from "../../base/index.ts";
import { type Grants, locate } from "../../capabilities/index.ts";
import { contentLength, type Engine, grantsOf, type GuestModule, type InstanceUsage } from "../../engine/index.ts";
import type { ServedWorkload } from "../protocol.ts";
import { CgiResponse } from "./cgi-response.ts";
import { cgiPathOf, cgiVariables } from "./cgi-variables.ts";
import { type ComponentSurroundings, type GuestStdio, instanceLimits, readWasm } from "./component-runner.ts";
import { clientGone, noRoute, RequestFailed } from "./failures.ts";
import { Refusals } from "./refusals.ts";
import { addUsage, noUsage, type Runner } from "./runner.ts";
import type { ServedRequest } from "./served-request.ts";

/** What answers requests by CGI is made with. */
interface CgiParts {
  readonly engine: Engine;
  readonly module: GuestModule;
  readonly settings: ServedWorkload;
  readonly grants: Grants;
  readonly stdio: GuestStdio;
  readonly refusals: Refusals;
}

/** Answers each request by a run of a preview 1 program: fields are variables, the body its input, its output the answer. */
class CgiRunner implements Runner {
  readonly #parts: CgiParts;
  #inUse = 0;
  #usage: InstanceUsage = noUsage;

  constructor(parts: CgiParts) {
    this.#parts = parts;
  }

  get idle(): number {
    return 0;
  }

  get inUse(): number {
    return this.#inUse;
  }

  /** @throws RequestFailed, and what the program ended with */
  async answer(request: ServedRequest): Promise<void> {
    const { cgi } = this.#parts.settings;
    const place = cgiPathOf(request.path, request.prefix, cgi);
    if (place === undefined) throw new RequestFailed({ ...noRoute, message: "The path names no script" });
    // Programs take a file in the middle of the path for the script, whatever is in it.
    if (place.file !== undefined && (await leadsThroughFile(this.#parts.grants, place.file)))
      throw new RequestFailed({ ...noRoute, message: `There is no script "${place.file}"` });
    const { fields } = request.front.request;
    // The variable that says how much comes has to be there before the program runs.
    if (contentLength(fields) === undefined && fields.some(([name]) => name === "transfer-encoding"))
      throw new RequestFailed({
        status: 411,
        reason: "denied",
        message: "A body without a length has no form in CGI",
        isClients: true,
      });
    const response = new CgiResponse(request.method, (parts) => request.respond(parts));
    this.#inUse += 1;
    try {
      await this.#run(request, cgiVariables(request, place, cgi), response);
    } catch (error) {
      response.fail();
      throw error;
    } finally {
      this.#inUse -= 1;
    }
    response.end();
    if (response.isAnswered) return;
    const why = response.problem ?? "it ended before its fields did";
    throw new RequestFailed({
      status: 502,
      reason: "no_answer",
      message: `The program wrote no response of CGI: ${why}`,
    });
  }

  /** Each run has an instance of its own. */
  warm(): Promise<void> {
    return Promise.resolve();
  }

  usage(): InstanceUsage {
    return this.#usage;
  }

  close(): void {}

  async #run(
    request: ServedRequest,
    variables: Readonly<Record<string, string>>,
    response: CgiResponse,
  ): Promise<void> {
    const { engine, module, settings, grants, stdio, refusals } = this.#parts;
    const { name, args, network, limits } = settings;
    const instance = await engine.instantiate(module, {
      args: [name, ...args],
      grants: { ...grants, env: { ...grants.env, ...variables } },
      limits: instanceLimits(limits),
      stdio: {
        stdin: bodySource(request),
        stdout: response,
        ...(stdio.stderr === undefined ? {} : { stderr: stdio.stderr }),
      },
      signal: request.signal,
      onRefused: (refused) => refusals.tell(refused),
      ...(network === undefined ? {} : { network }),
    });
    try {
      await instance.call("_start");
    } catch (error) {
      // A status of its own says what it wants to say by its output.
      const hasExited =
        error instanceof SampanError && error.code === "GUEST_EXITED" && error.data?.["signal"] === undefined;
      if (request.isAborted) throw new RequestFailed(clientGone);
      if (!hasExited) throw error;
    } finally {
      this.#usage = addUsage(this.#usage, await instance.usage());
      await instance.close();
    }
  }
}

/** Compiles a program that answers by CGI. @throws what the engine's compile throws, GRANT_INVALID, GRANT_UNKNOWN */
export async function startCgi(
  engine: Engine,
  settings: ServedWorkload,
  { stdio, refusals: listeners }: ComponentSurroundings,
): Promise<Runner> {
  const { name, limits } = settings;
  const grants = await grantsOf(settings.grants);
  const { bytes, file } = await readWasm(settings.file);
  const memory = limits.memory === undefined ? {} : { memory: limits.memory };
  const module = await engine.compile(bytes, { name, file, ...memory });
  const refusals = new Refusals(name, grants, listeners);
  return new CgiRunner({ engine, module, settings, grants, stdio, refusals });
}

/** Whether a path of the guest's would lead through what is no folder, as far as its grants show. */
async function leadsThroughFile(grants: Grants, path: string): Promise<boolean> {
  const found = locate(grants, path);
  if (found === undefined) return false;
  try {
    await promises.stat(join(found.grant.host, ...found.rest));
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOTDIR";
  }
}

/** A request's body as a standard input. */
function bodySource({ body }: ServedRequest): ByteSource {
  return {
    async read(into) {
      try {
        return await body.read(into);
      } catch {
        // A client that broke off is an input that broke.
        throw failure("io");
      }
    },
    ready: () => {
      if (body.isReady()) return true;
      return new Promise((resolve) => {
        const stop = body.watch(() => {
          if (stop !== true) stop();
          resolve();
        });
        if (stop === true) resolve();
      });
    },
    cancel: () => {},
  };
}
