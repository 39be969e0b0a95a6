use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam};

struct Handler;

impl Guest for Handler {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let path = request.path_with_query().unwrap_or_default();
        let fields = Fields::new();
        fields.append("content-type", b"text/plain").expect("a field that may be set");
        let response = OutgoingResponse::new(fields);
        let body = response.body().expect("the body, taken once");
        ResponseOutparam::set(out, Ok(response));

        let stream = body.write().expect("the stream, taken once");
        // A client that goes away early is no fault of the handler's.
        let _ = stream.blocking_write_and_flush(format!("Hello from {path}\n").as_bytes());
        drop(stream);
        let _ = OutgoingBody::finish(body, None);
    }
}

wasip2::http::proxy::export!(Handler);
