//! Orders and their table.

use mysql_async::prelude::{Query, Queryable};
use mysql_async::{params, Pool, Result};
use serde::{Deserialize, Serialize};

const DROP: &str = "DROP TABLE IF EXISTS orders";
const TABLE: &str = "CREATE TABLE orders (order_id INT PRIMARY KEY, product_id INT NOT NULL, quantity INT NOT NULL, \
    amount DOUBLE NOT NULL, shipping DOUBLE NOT NULL, tax DOUBLE NOT NULL, shipping_address VARCHAR(200) NOT NULL)";
const LIST: &str = "SELECT order_id, product_id, quantity, amount, shipping, tax, shipping_address FROM orders \
    ORDER BY order_id";
const CREATE: &str = "INSERT INTO orders (order_id, product_id, quantity, amount, shipping, tax, shipping_address) \
    VALUES (:order_id, :product_id, :quantity, :amount, :shipping, :tax, :shipping_address)";
const UPDATE: &str = "UPDATE orders SET product_id = :product_id, quantity = :quantity, amount = :amount, \
    shipping = :shipping, tax = :tax, shipping_address = :shipping_address WHERE order_id = :order_id";
const DELETE: &str = "DELETE FROM orders WHERE order_id = :order_id";

#[derive(Serialize, Deserialize)]
pub struct Order {
    order_id: i32,
    product_id: i32,
    quantity: i32,
    amount: f64,
    shipping: f64,
    tax: f64,
    shipping_address: String,
}

impl Order {
    fn params(&self) -> mysql_async::Params {
        params! {
            "order_id" => self.order_id,
            "product_id" => self.product_id,
            "quantity" => self.quantity,
            "amount" => self.amount,
            "shipping" => self.shipping,
            "tax" => self.tax,
            "shipping_address" => &self.shipping_address,
        }
    }
}

pub async fn ping(pool: &Pool) -> Result<()> {
    pool.get_conn().await?.ping().await
}

/// Drops the table and makes an empty one.
pub async fn init(pool: &Pool) -> Result<()> {
    let mut connection = pool.get_conn().await?;
    DROP.ignore(&mut connection).await?;
    TABLE.ignore(&mut connection).await
}

pub async fn list(pool: &Pool) -> Result<Vec<Order>> {
    let mut connection = pool.get_conn().await?;
    connection
        .exec_map(LIST, (), |(order_id, product_id, quantity, amount, shipping, tax, shipping_address)| Order {
            order_id,
            product_id,
            quantity,
            amount,
            shipping,
            tax,
            shipping_address,
        })
        .await
}

/// Stores all of them or none.
pub async fn create(pool: &Pool, orders: Vec<Order>) -> Result<()> {
    let mut connection = pool.get_conn().await?;
    if let [order] = orders.as_slice() {
        return connection.exec_drop(CREATE, order.params()).await;
    }
    let mut transaction = connection.start_transaction(Default::default()).await?;
    transaction.exec_batch(CREATE, orders.iter().map(Order::params)).await?;
    transaction.commit().await
}

pub async fn update(pool: &Pool, order: Order) -> Result<()> {
    let mut connection = pool.get_conn().await?;
    connection.exec_drop(UPDATE, order.params()).await
}

pub async fn delete(pool: &Pool, id: i32) -> Result<()> {
    let mut connection = pool.get_conn().await?;
    connection.exec_drop(DELETE, params! { "order_id" => id }).await
}
