//! Which request does what.

use std::sync::Arc;

use hyper::body::HttpBody;
use hyper::header::{HeaderValue, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS};
use hyper::header::{ACCESS_CONTROL_ALLOW_ORIGIN, LOCATION, VARY};
use hyper::{Body, Method, Request, Response, StatusCode};
use serde::Serialize;

use crate::answer::{empty, json, Failure};
use crate::orders::{self, Draft, Order, Page};
use crate::pool::Pool;

const LARGEST_BODY: usize = 64 * 1024;
const USUAL_PAGE: i64 = 100;
const LARGEST_PAGE: i64 = 1000;

pub struct Service {
    pool: Arc<Pool>,
    allow_origin: Option<HeaderValue>,
}

#[derive(Serialize)]
struct OrderList {
    orders: Vec<Order>,
}

#[derive(Serialize)]
struct Health {
    status: &'static str,
}

impl Service {
    pub fn new(pool: Arc<Pool>, allow_origin: Option<String>) -> Service {
        let allow_origin = allow_origin.and_then(|origin| HeaderValue::from_str(&origin).ok());
        Service { pool, allow_origin }
    }

    pub async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let mut response = match self.route(request).await {
            Ok(response) => response,
            Err(failure) => failure.into_response(),
        };
        if let Some(origin) = &self.allow_origin {
            let headers = response.headers_mut();
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            headers.insert(VARY, HeaderValue::from_static("origin"));
        }
        response
    }

    async fn route(&self, request: Request<Body>) -> Result<Response<Body>, Failure> {
        let path = request.uri().path().to_string();
        match path.as_str() {
            "/health" => match *request.method() {
                Method::GET | Method::HEAD => {
                    orders::ping(&self.pool).await?;
                    Ok(json(StatusCode::OK, &Health { status: "ok" }))
                }
                _ => Err(Failure::MethodNotAllowed("GET, HEAD")),
            },
            "/api/orders" => match *request.method() {
                Method::GET | Method::HEAD => {
                    let page = page_of(request.uri().query().unwrap_or(""))?;
                    let orders = orders::list(&self.pool, page).await?;
                    Ok(json(StatusCode::OK, &OrderList { orders }))
                }
                Method::POST => {
                    let draft = read_draft(request.into_body()).await?;
                    let order = orders::create(&self.pool, draft).await?;
                    let mut response = json(StatusCode::CREATED, &order);
                    if let Ok(location) = HeaderValue::from_str(&format!("/api/orders/{}", order.id())) {
                        response.headers_mut().insert(LOCATION, location);
                    }
                    Ok(response)
                }
                Method::OPTIONS => Ok(preflight("GET, HEAD, POST")),
                _ => Err(Failure::MethodNotAllowed("GET, HEAD, POST, OPTIONS")),
            },
            other => match other.strip_prefix("/api/orders/") {
                Some(id) => self.one_order(parse_id(id)?, request).await,
                None => Err(Failure::NotFound(format!("Nothing is at \"{other}\""))),
            },
        }
    }

    async fn one_order(&self, id: i64, request: Request<Body>) -> Result<Response<Body>, Failure> {
        match *request.method() {
            Method::GET | Method::HEAD => Ok(json(StatusCode::OK, &orders::find(&self.pool, id).await?)),
            Method::PATCH => {
                let draft = read_draft(request.into_body()).await?;
                Ok(json(StatusCode::OK, &orders::change(&self.pool, id, draft).await?))
            }
            Method::DELETE => {
                orders::delete(&self.pool, id).await?;
                Ok(empty(StatusCode::NO_CONTENT))
            }
            Method::OPTIONS => Ok(preflight("GET, HEAD, PATCH, DELETE")),
            _ => Err(Failure::MethodNotAllowed("GET, HEAD, PATCH, DELETE, OPTIONS")),
        }
    }
}

fn preflight(methods: &'static str) -> Response<Body> {
    let mut response = empty(StatusCode::NO_CONTENT);
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(methods));
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("content-type"));
    response
}

fn parse_id(text: &str) -> Result<i64, Failure> {
    text.parse().map_err(|_| Failure::NotFound(format!("There is no order \"{text}\"")))
}

fn page_of(query: &str) -> Result<Page, Failure> {
    let mut page = Page { before: i64::MAX, limit: USUAL_PAGE };
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        match (name, value.parse::<i64>()) {
            ("limit", Ok(limit)) if (1..=LARGEST_PAGE).contains(&limit) => page.limit = limit,
            ("limit", _) => {
                return Err(Failure::invalid("limit", format!("The limit must be from 1 to {LARGEST_PAGE}")));
            }
            ("before", Ok(before)) => page.before = before,
            ("before", Err(_)) => return Err(Failure::invalid("before", "An order's id must be a number")),
            _ => {}
        }
    }
    Ok(page)
}

/// Reads a body of known length or in chunks, up to the limit.
async fn read_draft(mut body: Body) -> Result<Draft, Failure> {
    let mut bytes = Vec::new();
    while let Some(chunk) = body.data().await {
        let chunk = chunk.map_err(|error| Failure::Invalid { message: error.to_string(), field: None })?;
        if bytes.len() + chunk.len() > LARGEST_BODY {
            return Err(Failure::TooLarge { limit: LARGEST_BODY });
        }
        bytes.extend_from_slice(&chunk);
    }
    serde_json::from_slice(&bytes).map_err(|error| Failure::Invalid {
        message: format!("The order is no JSON of the form {{\"customer\", \"item\", \"quantity\"}}: {error}"),
        field: None,
    })
}
