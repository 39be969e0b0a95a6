//! Answers requests in every way that a server has to cope with: the path says which.
use std::sync::atomic::{AtomicU32, Ordering};
use wasip2::clocks::monotonic_clock::subscribe_duration;
use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::outgoing_handler::handle as send;
use wasip2::http::types::{
    Fields, IncomingBody, IncomingRequest, OutgoingBody, OutgoingRequest, OutgoingResponse, ResponseOutparam, Scheme,
};
use wasip2::io::streams::{InputStream, OutputStream, StreamError};

struct Lab;

static USES: AtomicU32 = AtomicU32::new(0);

impl Guest for Lab {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let target = request.path_with_query().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        match path {
            "/hello" => text(out, 200, "hello"),
            "/echo" => echo(request, out),
            "/count" => text(out, 200, &format!("{}", USES.fetch_add(1, Ordering::Relaxed) + 1)),
            "/fields" => {
                let lines = request.headers().entries().into_iter().map(|(name, value)| {
                    format!("{name}: {}\n", String::from_utf8_lossy(&value))
                });
                text(out, 200, &lines.collect::<String>());
            }
            "/big" => big(out, query.parse().unwrap_or(0)),
            "/endless" => {
                let (body, stream) = begin(out, 200);
                while stream.blocking_write_and_flush(&[120; 4096]).is_ok() {}
                drop(stream);
                drop(body);
            }
            "/half" => {
                let (body, stream) = begin(out, 200);
                let _ = stream.blocking_write_and_flush(b"half");
                drop(stream);
                drop(body);
            }
            "/early" => {
                text(out, 403, "early");
                drop(request);
            }
            "/late-trap" => {
                let (_body, stream) = begin(out, 200);
                let _ = stream.blocking_write_and_flush(b"half");
                panic!("behind the head");
            }
            "/wait" => {
                subscribe_duration(query.parse::<u64>().unwrap_or(0) * 1_000_000).block();
                text(out, 200, "waited");
            }
            "/stalled" => {
                let (body, stream) = begin(out, 200);
                let _ = stream.blocking_write_and_flush(b"half");
                subscribe_duration(3_600_000_000_000).block();
                drop(stream);
                drop(body);
            }
            "/spin" => loop {
                USES.fetch_add(1, Ordering::Relaxed);
            },
            "/fill" => {
                let mut all = Vec::new();
                loop {
                    all.push(vec![1u8; 1 << 20]);
                }
            }
            "/proxy" => proxy(out, query),
            "/drop" => drop(out),
            _ => text(out, 404, "no such path"),
        }
    }
}

fn begin(out: ResponseOutparam, status: u16) -> (OutgoingBody, OutputStream) {
    let response = OutgoingResponse::new(Fields::new());
    response.set_status_code(status).expect("a status");
    let body = response.body().expect("the body, taken once");
    ResponseOutparam::set(out, Ok(response));
    let stream = body.write().expect("the stream, taken once");
    (body, stream)
}

fn text(out: ResponseOutparam, status: u16, text: &str) {
    let (body, stream) = begin(out, status);
    for piece in text.as_bytes().chunks(4096) {
        let _ = stream.blocking_write_and_flush(piece);
    }
    drop(stream);
    let _ = OutgoingBody::finish(body, None);
}

fn big(out: ResponseOutparam, size: usize) {
    let (body, stream) = begin(out, 200);
    let mut left = size;
    while left > 0 {
        let count = left.min(4096);
        if stream.blocking_write_and_flush(&[98; 4096][..count]).is_err() {
            return;
        }
        left -= count;
    }
    drop(stream);
    let _ = OutgoingBody::finish(body, None);
}

/// Copies no faster than it is taken.
fn copy(from: &InputStream, to: &OutputStream) {
    loop {
        match from.blocking_read(65536) {
            Ok(bytes) => {
                for piece in bytes.chunks(4096) {
                    if to.blocking_write_and_flush(piece).is_err() {
                        return;
                    }
                }
            }
            Err(StreamError::Closed) | Err(StreamError::LastOperationFailed(_)) => return,
        }
    }
}

fn echo(request: IncomingRequest, out: ResponseOutparam) {
    let incoming = request.consume().expect("the body, taken once");
    let (body, stream) = begin(out, 200);
    let from = incoming.stream().expect("the stream, taken once");
    copy(&from, &stream);
    drop(from);
    drop(stream);
    let future = IncomingBody::finish(incoming);
    future.subscribe().block();
    let trailers = match future.get() {
        Some(Ok(Ok(trailers))) => trailers.map(|fields| Fields::from_list(&fields.entries()).expect("fields")),
        _ => return,
    };
    let _ = OutgoingBody::finish(body, trailers);
}

/// Answers with what another server answers; `authority` is the query.
fn proxy(out: ResponseOutparam, authority: &str) {
    let request = OutgoingRequest::new(Fields::new());
    request.set_scheme(Some(&Scheme::Http)).expect("a scheme");
    request.set_authority(Some(authority)).expect("an authority");
    let future = match send(request, None) {
        Ok(future) => future,
        Err(error) => return ResponseOutparam::set(out, Err(error)),
    };
    future.subscribe().block();
    match future.get() {
        Some(Ok(Ok(response))) => {
            let incoming = response.consume().expect("the body, taken once");
            let (body, stream) = begin(out, response.status());
            let from = incoming.stream().expect("the stream, taken once");
            copy(&from, &stream);
            drop(from);
            drop(stream);
            let _ = OutgoingBody::finish(body, None);
        }
        Some(Ok(Err(error))) => ResponseOutparam::set(out, Err(error)),
        _ => drop(out),
    }
}

wasip2::http::proxy::export!(Lab);
