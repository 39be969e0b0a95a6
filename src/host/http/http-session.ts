import type { BodyReader } from "./body-reader.ts";
import type { HttpClient, HttpExchange, HttpRequest, HttpResponse } from "./http-client.ts";

/** What one instance sends by the client of its workload: it ends with the instance. */
export class HttpSession {
  readonly #client: () => HttpClient;
  readonly #exchanges = new Set<HttpExchange>();
  readonly #bodies = new Set<BodyReader>();

  constructor(client: () => HttpClient) {
    this.#client = client;
  }

  /** Sends a request, as {@link HttpClient.send}. @throws NETWORK_WAITS where the instance blocks its thread */
  send(request: HttpRequest): HttpExchange {
    const exchange = this.#client().send(request);
    this.#exchanges.add(exchange);
    const response = exchange.response
      .then((came) => this.#keep(came))
      .finally(() => void this.#exchanges.delete(exchange));
    return { response, cancel: () => exchange.cancel() };
  }

  close(): void {
    for (const exchange of this.#exchanges) exchange.cancel();
    for (const body of this.#bodies) body.close();
    this.#bodies.clear();
  }

  #keep(response: HttpResponse): HttpResponse {
    const { body } = response;
    this.#bodies.add(body);
    body.whenOver(() => this.#bodies.delete(body));
    return response;
  }
}
