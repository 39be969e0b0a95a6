//! The order service of the demo that many hosts of Wasm show, with the same routes: JSON over HTTP in front, MySQL or
//! MariaDB behind.
//!
//! Environment: `DATABASE_URL` (mysql://USER:PASSWORD@HOST:PORT/DATABASE), `PORT` (8080).

mod orders;

use std::time::Duration;

use hyper::body::HttpBody;
use hyper::header::{HeaderValue, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS};
use hyper::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CONTENT_TYPE};
use hyper::server::conn::Http;
use hyper::service::service_fn;
use hyper::{Body, Method, Request, Response, StatusCode};
use mysql_async::{Opts, OptsBuilder, Pool, PoolConstraints, PoolOpts};
use tokio::net::TcpListener;

use crate::orders::Order;

const CONNECTIONS: usize = 5;
const LARGEST_BODY: usize = 1024 * 1024;

/// Why a request cannot be done, with the status that says so.
struct Failure(StatusCode, String);

impl From<mysql_async::Error> for Failure {
    fn from(error: mysql_async::Error) -> Failure {
        let status = match &error {
            mysql_async::Error::Server(_) => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        };
        Failure(status, error.to_string())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    if let Err(reason) = serve().await {
        eprintln!("orders-mysql: {reason}");
        std::process::exit(1);
    }
}

async fn serve() -> Result<(), String> {
    let url = std::env::var("DATABASE_URL")
        .map_err(|_| "Set DATABASE_URL to mysql://USER:PASSWORD@HOST:PORT/DATABASE".to_string())?;
    let port: u16 = match std::env::var("PORT") {
        Ok(text) => text
            .parse()
            .map_err(|_| format!("Cannot listen on the port \"{text}\": wanted a number up to 65535"))?,
        Err(_) => 8080,
    };
    let options = Opts::from_url(&url).map_err(|error| format!("Cannot read DATABASE_URL: {error}"))?;
    // With a smaller minimum the pool closes what is idle above it, and opens it again for the next request.
    let limits = PoolConstraints::new(CONNECTIONS, CONNECTIONS).ok_or("no pool of this size")?;
    let pool = Pool::new(OptsBuilder::from_opts(options).pool_opts(PoolOpts::default().with_constraints(limits)));
    let listener = TcpListener::bind(("0.0.0.0", port))
        .await
        .map_err(|error| format!("Cannot listen on port {port}: {error}"))?;
    println!("orders-mysql: listening on port {port}");
    tokio::spawn(tell_when_ready(pool.clone()));
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                eprintln!("orders-mysql: cannot accept a connection: {error}");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let pool = pool.clone();
        tokio::spawn(async move {
            let handler = service_fn(move |request| {
                let pool = pool.clone();
                // A client that goes away ends the request, but must not end the wait for a connection in the pool of this
                // version: the one it was to get next would be lost to all that wait behind it.
                async move { tokio::spawn(async move { answer(&pool, request).await }).await }
            });
            // These sockets send one buffer in a call: without `writev` head and body leave in one piece. What ends a
            // connection early is the client's affair.
            let _ = Http::new().http1_only(true).http1_writev(false).serve_connection(stream, handler).await;
        });
    }
}

/// Waits for the database, a little longer each time, from 50 ms up to a second.
async fn tell_when_ready(pool: Pool) {
    let mut told = String::new();
    let mut attempt = 0u32;
    while let Err(error) = orders::ping(&pool).await {
        let reason = error.to_string();
        if reason != told {
            println!("orders-mysql: waiting for the database: {reason}");
            told = reason;
        }
        tokio::time::sleep(Duration::from_millis((50u64 << attempt.min(5)).min(1000))).await;
        attempt += 1;
    }
    println!("orders-mysql: the database is ready");
}

async fn answer(pool: &Pool, request: Request<Body>) -> Response<Body> {
    let mut response = route(pool, request).await.unwrap_or_else(|Failure(status, message)| {
        // That the database is away is told while it is waited for, not for each request.
        if status == StatusCode::INTERNAL_SERVER_ERROR {
            eprintln!("orders-mysql: {message}");
        }
        json(status, &serde_json::json!({ "status": false, "error": message }))
    });
    // The page comes from another server.
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, OPTIONS"));
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("content-type, api, keep-alive"));
    response
}

async fn route(pool: &Pool, request: Request<Body>) -> Result<Response<Body>, Failure> {
    let path = request.uri().path().to_string();
    match (request.method(), path.as_str()) {
        (&Method::OPTIONS, _) => Ok(Response::new(Body::empty())),
        (&Method::GET, "/") => Ok(Response::new(Body::from(
            "The routes are /init, /create_order, /create_orders, /orders, /update_order, /delete_order?id= and /echo\n",
        ))),
        (&Method::POST, "/echo") => Ok(Response::new(request.into_body())),
        (&Method::GET, "/init") => {
            orders::init(pool).await?;
            Ok(done())
        }
        (&Method::POST, "/create_order") => {
            orders::create(pool, vec![read(request.into_body()).await?]).await?;
            Ok(done())
        }
        (&Method::POST, "/create_orders") => {
            orders::create(pool, read::<Vec<Order>>(request.into_body()).await?).await?;
            Ok(done())
        }
        (&Method::GET, "/orders") => Ok(json(StatusCode::OK, &orders::list(pool).await?)),
        (&Method::POST, "/update_order") => {
            orders::update(pool, read(request.into_body()).await?).await?;
            Ok(done())
        }
        (&Method::GET, "/delete_order") => {
            let id = id_of(request.uri().query().unwrap_or(""))?;
            orders::delete(pool, id).await?;
            Ok(done())
        }
        _ => Err(Failure(StatusCode::NOT_FOUND, format!("Nothing is at \"{path}\""))),
    }
}

fn done() -> Response<Body> {
    json(StatusCode::OK, &serde_json::json!({ "status": true }))
}

fn json<T: serde::Serialize>(status: StatusCode, value: &T) -> Response<Body> {
    let mut response = Response::new(Body::from(serde_json::to_vec(value).unwrap_or_default()));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn id_of(query: &str) -> Result<i32, Failure> {
    query
        .split('&')
        .find_map(|pair| pair.strip_prefix("id="))
        .and_then(|id| id.parse().ok())
        .ok_or_else(|| Failure(StatusCode::BAD_REQUEST, "The id of the order must be a number: ?id=1".to_string()))
}

async fn read<T: serde::de::DeserializeOwned>(mut body: Body) -> Result<T, Failure> {
    let mut bytes = Vec::new();
    while let Some(chunk) = body.data().await {
        let chunk = chunk.map_err(|error| Failure(StatusCode::BAD_REQUEST, error.to_string()))?;
        if bytes.len() + chunk.len() > LARGEST_BODY {
            let message = format!("The request is larger than {LARGEST_BODY} bytes");
            return Err(Failure(StatusCode::PAYLOAD_TOO_LARGE, message));
        }
        bytes.extend_from_slice(&chunk);
    }
    serde_json::from_slice(&bytes)
        .map_err(|error| Failure(StatusCode::BAD_REQUEST, format!("The body is no order in JSON: {error}")))
}
