//! Answers HTTP requests: a GET is greeted, a POST gets its body back as it comes.

use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{Fields, IncomingRequest, Method, OutgoingBody, OutgoingResponse, ResponseOutparam};
use wasip2::io::streams::{OutputStream, StreamError};

struct Handler;

impl Guest for Handler {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let fields = Fields::new();
        fields.append("content-type", b"text/plain").expect("a field that may be set");
        let response = OutgoingResponse::new(fields);
        let body = response.body().expect("the body, taken once");
        ResponseOutparam::set(out, Ok(response));

        let output = body.write().expect("the stream, taken once");
        // A client that goes away early is no fault of the handler's.
        let _ = match request.method() {
            Method::Post => echo(&request, &output),
            _ => greet(&request, &output),
        };
        drop(output);
        let _ = OutgoingBody::finish(body, None);
    }
}

fn greet(request: &IncomingRequest, output: &OutputStream) -> Result<(), StreamError> {
    let path = request.path_with_query().unwrap_or_default();
    output.blocking_write_and_flush(format!("Hello from Rust at {path}\n").as_bytes())
}

fn echo(request: &IncomingRequest, output: &OutputStream) -> Result<(), StreamError> {
    let body = request.consume().expect("the body, taken once");
    let input = body.stream().expect("the stream, taken once");
    loop {
        match output.blocking_splice(&input, 65_536) {
            Ok(_) => {}
            Err(StreamError::Closed) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

wasip2::http::proxy::export!(Handler);
