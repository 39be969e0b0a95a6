import type { IncomingExchange } from "../../host/index.ts";
import type { Wasi02Context } from "./context.ts";
import { IncomingRequest, ResponseOutparam } from "./http-messages.ts";

/** What `handle` of `wasi:http/incoming-handler` takes, for one request of a server's. */
export function incomingArguments(
  context: Wasi02Context,
  exchange: IncomingExchange,
): [IncomingRequest, ResponseOutparam] {
  return [new IncomingRequest(context, exchange.request), new ResponseOutparam(exchange)];
}
