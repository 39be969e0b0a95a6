//! An order service: JSON over HTTP in front, PostgreSQL behind.
//!
//! Environment: `DATABASE_URL` (postgres://USER:PASSWORD@HOST:PORT/DATABASE), `PORT` (8080), `ALLOW_ORIGIN` (an origin
//! whose pages may call the service from a browser; none by default).

mod answer;
mod orders;
mod pool;
mod routes;

use std::convert::Infallible;
use std::sync::Arc;

use hyper::server::conn::Http;
use hyper::service::service_fn;
use tokio::net::TcpListener;

use crate::pool::Pool;
use crate::routes::Service;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    if let Err(reason) = serve().await {
        eprintln!("orders: {reason}");
        std::process::exit(1);
    }
}

async fn serve() -> Result<(), String> {
    let url = std::env::var("DATABASE_URL")
        .map_err(|_| "Set DATABASE_URL to postgres://USER:PASSWORD@HOST:PORT/DATABASE".to_string())?;
    let port = match std::env::var("PORT") {
        Ok(text) => text
            .parse()
            .map_err(|_| format!("Cannot listen on the port \"{text}\": wanted a number up to 65535"))?,
        Err(_) => 8080u16,
    };
    let pool = Arc::new(Pool::new(&url)?);
    let service = Arc::new(Service::new(pool.clone(), std::env::var("ALLOW_ORIGIN").ok()));
    let listener = TcpListener::bind(("0.0.0.0", port))
        .await
        .map_err(|error| format!("Cannot listen on port {port}: {error}"))?;
    println!("orders: listening on port {port}");
    // Requests are answered from the start on; until the database is there they get 503.
    tokio::spawn(async move {
        orders::prepare_database(&pool).await;
        println!("orders: the database is ready");
    });
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                eprintln!("orders: cannot accept a connection: {error}");
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                continue;
            }
        };
        let service = service.clone();
        tokio::spawn(async move {
            let handler = service_fn(move |request| {
                let service = service.clone();
                async move { Ok::<_, Infallible>(service.answer(request).await) }
            });
            // These sockets send one buffer in a call: without `writev` head and body leave in one piece. What ends a
            // connection early is the client's affair.
            let _ = Http::new().http1_only(true).http1_writev(false).serve_connection(stream, handler).await;
        });
    }
}
