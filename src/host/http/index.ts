export { BodyPipe, type BodySink, type HttpField } from "./body-pipe.ts";
export { BodyReader, type BodySource } from "./body-reader.ts";
export { type HttpErrorCode, HttpFailure, plainFailure } from "./errors.ts";
export { type Authority, contentLength, parseAuthority } from "./fields.ts";
export {
  HttpClient,
  type HttpExchange,
  type HttpRequest,
  type HttpResponse,
  type HttpTimeouts,
} from "./http-client.ts";
export { HttpSession } from "./http-session.ts";
export {
  type IncomingExchange,
  type IncomingRequestParts,
  nodeExchange,
  type OutgoingResponseParts,
} from "./node-exchange.ts";
export { type HttpSettings } from "./make-client.ts";
export {
  hasRequestParser,
  type ParsedHead,
  type ParserEvents,
  type ParserProblem,
  RequestParser,
} from "./request-parser.ts";
