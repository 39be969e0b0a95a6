//! Responses, and the failures that become one.

use bytes::Bytes;
use hyper::header::{HeaderValue, ALLOW, CONTENT_TYPE, RETRY_AFTER};
use hyper::{Body, Response, StatusCode};
use serde::Serialize;

/// Why a request cannot be done.
#[derive(Debug)]
pub enum Failure {
    /// The request is wrong; where one field is to blame, its name.
    Invalid { message: String, field: Option<&'static str> },
    NotFound(String),
    MethodNotAllowed(&'static str),
    TooLarge { limit: usize },
    /// The database cannot be reached now; the same request may succeed later. The reason is for the log.
    Unavailable(String),
    /// The database refused a statement.
    Database(String),
}

#[derive(Serialize)]
struct Problem<'a> {
    error: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
}

impl Failure {
    pub fn invalid(field: &'static str, message: impl Into<String>) -> Failure {
        Failure::Invalid { message: message.into(), field: Some(field) }
    }

    pub fn into_response(self) -> Response<Body> {
        let (status, message, field) = match &self {
            Failure::Invalid { message, field } => (StatusCode::BAD_REQUEST, message.clone(), *field),
            Failure::NotFound(message) => (StatusCode::NOT_FOUND, message.clone(), None),
            Failure::MethodNotAllowed(allowed) => (
                StatusCode::METHOD_NOT_ALLOWED,
                format!("This address answers {allowed} only"),
                None,
            ),
            Failure::TooLarge { limit } => (
                StatusCode::PAYLOAD_TOO_LARGE,
                format!("The request is larger than {limit} bytes"),
                None,
            ),
            Failure::Unavailable(_) => {
                let message = "The database cannot be reached at the moment; try again in a few seconds";
                (StatusCode::SERVICE_UNAVAILABLE, message.to_string(), None)
            }
            Failure::Database(reason) => {
                eprintln!("orders: the database refused: {reason}");
                (StatusCode::INTERNAL_SERVER_ERROR, "The database refused the request".to_string(), None)
            }
        };
        let mut response = json(status, &Problem { error: &message, field });
        match self {
            Failure::MethodNotAllowed(allowed) => {
                response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
            }
            Failure::Unavailable(_) => {
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
            }
            _ => {}
        }
        response
    }
}

/// A JSON response. A large one goes out in chunks, so that the first bytes leave before the last are copied.
pub fn json<T: Serialize>(status: StatusCode, value: &T) -> Response<Body> {
    const CHUNK: usize = 16 * 1024;
    let text = serde_json::to_vec(value).unwrap_or_default();
    let body = if text.len() <= CHUNK { Body::from(text) } else { chunked(Bytes::from(text), CHUNK) };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn chunked(mut bytes: Bytes, size: usize) -> Body {
    let (mut sender, body) = Body::channel();
    tokio::spawn(async move {
        while !bytes.is_empty() {
            let chunk = bytes.split_to(size.min(bytes.len()));
            // The client went away.
            if sender.send_data(chunk).await.is_err() {
                return;
            }
        }
    });
    body
}

pub fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
