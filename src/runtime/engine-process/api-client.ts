import type { IncomingMessage } from "node:http";
import { request } from "node:http";
import { SampanError } from "../../base/index.ts";
import { type ApiFailure, apiVersion } from "./api-server.ts";

/** How a request is made. */
export interface ApiCall {
  readonly method?: "GET" | "POST";
  /** Without the version, such as `/projects/orders`. */
  readonly path: string;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
}

/** Asks whoever holds a project. */
export class ApiClient {
  readonly #socket: string;

  constructor(socket: string) {
    this.#socket = socket;
  }

  /** One answer. @throws API_UNREACHABLE, and what the other side throws */
  async call(call: ApiCall): Promise<unknown> {
    const response = await this.#send(call);
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
    } catch (cause) {
      throw unreachable(cause);
    }
    const value = JSON.parse(Buffer.concat(chunks).toString()) as unknown;
    if (response.statusCode !== 200) throw failureOf(value);
    return value;
  }

  /** Lines as they come. @throws API_UNREACHABLE where they end before their time, and what the other side throws */
  async *stream<T>(call: ApiCall): AsyncGenerator<T, undefined> {
    const response = await this.#send(call);
    let rest = "";
    try {
      response.setEncoding("utf8");
      for await (const chunk of response as AsyncIterable<string>) {
        const lines = (rest + chunk).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) yield valueOf<T>(line);
      }
    } catch (error) {
      if (error instanceof SampanError) throw error;
      if (call.signal?.aborted === true) return undefined;
      throw unreachable(error);
    }
    if (rest !== "") yield valueOf<T>(rest);
    return undefined;
  }

  #send({ method = "GET", path, body, signal }: ApiCall): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const options = { socketPath: this.#socket, method, path: `/${apiVersion}${path}`, agent: false as const };
      const sent = request(signal === undefined ? options : { ...options, signal }, resolve);
      sent.once("error", (cause) => reject(unreachable(cause)));
      sent.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }
}

function valueOf<T>(line: string): T {
  const value = JSON.parse(line) as T | ApiFailure;
  if (typeof value === "object" && value !== null && "error" in value) throw failureOf(value);
  return value;
}

function failureOf(value: unknown): SampanError {
  return SampanError.fromData((value as ApiFailure).error);
}

function unreachable(cause: unknown): SampanError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new SampanError("API_UNREACHABLE", `Cannot reach who runs the project: ${reason}`, {
    hint: "see what is left with sampan ps, and type the command again",
    cause,
  });
}
