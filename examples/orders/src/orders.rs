//! Orders and their table.

use serde::{Deserialize, Serialize};
use tokio_postgres::types::ToSql;
use tokio_postgres::Row;

use crate::answer::Failure;
use crate::pool::{wait_before_attempt, Pool, Repeat};

const TABLE: &str = "
CREATE TABLE IF NOT EXISTS orders (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  customer TEXT NOT NULL,
  item TEXT NOT NULL,
  quantity INTEGER NOT NULL CHECK (quantity > 0),
  status TEXT NOT NULL DEFAULT 'open',
  created TIMESTAMPTZ NOT NULL DEFAULT now()
)";

// Each statement is prepared once for each connection; its text is its name.
const LIST: &str = "SELECT id, customer, item, quantity, status, \
    to_char(created AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') FROM orders \
    WHERE id < $1 ORDER BY id DESC LIMIT $2";
const FIND: &str = "SELECT id, customer, item, quantity, status, \
    to_char(created AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') FROM orders WHERE id = $1";
const CREATE: &str = "INSERT INTO orders (customer, item, quantity) VALUES ($1, $2, $3) \
    RETURNING id, customer, item, quantity, status, \
    to_char(created AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')";
const CHANGE: &str = "UPDATE orders SET customer = COALESCE($2, customer), item = COALESCE($3, item), \
    quantity = COALESCE($4, quantity), status = COALESCE($5, status) WHERE id = $1 \
    RETURNING id, customer, item, quantity, status, \
    to_char(created AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')";
const DELETE: &str = "DELETE FROM orders WHERE id = $1 RETURNING id";
const PING: &str = "SELECT 1";

const STATUSES: [&str; 3] = ["open", "paid", "sent"];
const LONGEST: usize = 200;
const MOST: i32 = 10_000;

#[derive(Serialize)]
pub struct Order {
    id: i64,
    customer: String,
    item: String,
    quantity: i32,
    status: String,
    created: String,
}

/// What a client may say of an order: all but the status to create one, any of them to change it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Draft {
    customer: Option<String>,
    item: Option<String>,
    quantity: Option<i32>,
    status: Option<String>,
}

/// Which part of the list is wanted: orders older than `before`, at most `limit`.
pub struct Page {
    pub before: i64,
    pub limit: i64,
}

impl Order {
    pub fn id(&self) -> i64 {
        self.id
    }

    fn of(row: &Row) -> Order {
        Order {
            id: row.get(0),
            customer: row.get(1),
            item: row.get(2),
            quantity: row.get(3),
            status: row.get(4),
            created: row.get(5),
        }
    }
}

impl Draft {
    /// Blanks around a text mean nothing.
    fn checked(self) -> Result<Draft, Failure> {
        if let Some(quantity) = self.quantity {
            if !(1..=MOST).contains(&quantity) {
                return Err(Failure::invalid("quantity", format!("The quantity must be from 1 to {MOST}")));
            }
        }
        if let Some(status) = &self.status {
            if !STATUSES.contains(&status.as_str()) {
                let known = STATUSES.join(", ");
                return Err(Failure::invalid("status", format!("The status must be one of {known}")));
            }
        }
        Ok(Draft {
            customer: checked_text("customer", self.customer)?,
            item: checked_text("item", self.item)?,
            ..self
        })
    }
}

fn checked_text(field: &'static str, text: Option<String>) -> Result<Option<String>, Failure> {
    let Some(text) = text else { return Ok(None) };
    let text = text.trim();
    if text.is_empty() {
        return Err(Failure::invalid(field, format!("The {field} is missing")));
    }
    if text.chars().count() > LONGEST {
        return Err(Failure::invalid(field, format!("The {field} is longer than {LONGEST} characters")));
    }
    if text.contains('\0') {
        return Err(Failure::invalid(field, format!("The {field} contains a zero character")));
    }
    Ok(Some(text.to_string()))
}

fn required<T>(field: &'static str, value: Option<T>) -> Result<T, Failure> {
    value.ok_or_else(|| Failure::invalid(field, format!("The {field} is missing")))
}

/// Waits until the database answers, and makes the table where there is none.
pub async fn prepare_database(pool: &Pool) {
    let mut attempt = 0;
    let mut told = String::new();
    while let Err(reason) = pool.prepare(TABLE).await {
        if reason != told {
            println!("orders: waiting for the database: {reason}");
            told = reason;
        }
        wait_before_attempt(attempt).await;
        attempt += 1;
    }
}

pub async fn ping(pool: &Pool) -> Result<(), Failure> {
    pool.query(PING, &[], Repeat::Safe).await.map(|_| ())
}

pub async fn list(pool: &Pool, page: Page) -> Result<Vec<Order>, Failure> {
    let rows = pool.query(LIST, &[&page.before, &page.limit], Repeat::Safe).await?;
    Ok(rows.iter().map(Order::of).collect())
}

pub async fn find(pool: &Pool, id: i64) -> Result<Order, Failure> {
    the_one(pool.query(FIND, &[&id], Repeat::Safe).await?, id)
}

pub async fn create(pool: &Pool, draft: Draft) -> Result<Order, Failure> {
    let draft = draft.checked()?;
    if draft.status.is_some() {
        return Err(Failure::invalid("status", "A new order is open; change its status later"));
    }
    let values: [&(dyn ToSql + Sync); 3] = [
        &required("customer", draft.customer)?,
        &required("item", draft.item)?,
        &required("quantity", draft.quantity)?,
    ];
    the_one(pool.query(CREATE, &values, Repeat::Never).await?, 0)
}

pub async fn change(pool: &Pool, id: i64, draft: Draft) -> Result<Order, Failure> {
    let Draft { customer, item, quantity, status } = draft.checked()?;
    let values: [&(dyn ToSql + Sync); 5] = [&id, &customer, &item, &quantity, &status];
    // A change to fixed values comes to the same when it is done twice.
    the_one(pool.query(CHANGE, &values, Repeat::Safe).await?, id)
}

pub async fn delete(pool: &Pool, id: i64) -> Result<(), Failure> {
    match pool.query(DELETE, &[&id], Repeat::Never).await?.len() {
        0 => Err(not_found(id)),
        _ => Ok(()),
    }
}

fn the_one(rows: Vec<Row>, id: i64) -> Result<Order, Failure> {
    rows.first().map(Order::of).ok_or_else(|| not_found(id))
}

fn not_found(id: i64) -> Failure {
    Failure::NotFound(format!("There is no order {id}"))
}
