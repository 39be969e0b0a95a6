//! Up to five connections to PostgreSQL, opened when first needed, each with its statements prepared once.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{sleep, timeout};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, NoTls, Row, Statement};

use crate::answer::Failure;

const CONNECTIONS: usize = 5;
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
const WAIT_WITHIN: Duration = Duration::from_secs(10);
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// Whether a statement may run a second time when a connection broke while it ran.
#[derive(Clone, Copy, PartialEq)]
pub enum Repeat {
    Safe,
    Never,
}

pub struct Pool {
    config: Config,
    idle: Mutex<Vec<Connection>>,
    permits: Semaphore,
    /// Set when the tables are there.
    is_prepared: AtomicBool,
    /// Whether the last statement found nobody: it is told once, and not for each request.
    is_away: AtomicBool,
}

struct Connection {
    client: Client,
    statements: HashMap<&'static str, Statement>,
}

/// What went wrong with a connection that was in use.
enum Broken {
    /// The connection is gone.
    Closed(String),
    /// PostgreSQL answered with an error; the connection is as good as before.
    Refused(String),
}

impl Pool {
    pub fn new(url: &str) -> Result<Pool, String> {
        let mut config: Config = url
            .parse()
            .map_err(|error| format!("Cannot read DATABASE_URL: {error}"))?;
        config.connect_timeout(CONNECT_WITHIN).application_name("orders");
        Ok(Pool {
            config,
            idle: Mutex::new(Vec::new()),
            permits: Semaphore::new(CONNECTIONS),
            is_prepared: AtomicBool::new(false),
            is_away: AtomicBool::new(false),
        })
    }

    /// Runs one statement and answers its rows. A connection that the database closed meanwhile (it was restarted, say) is
    /// replaced.
    pub async fn query(
        &self,
        statement: &'static str,
        values: &[&(dyn ToSql + Sync)],
        repeat: Repeat,
    ) -> Result<Vec<Row>, Failure> {
        if !self.is_prepared.load(Ordering::Relaxed) {
            // Who prepares it tells what it waits for.
            return Err(Failure::Unavailable("it is not prepared yet".to_string()));
        }
        let answer = self.run(statement, values, repeat).await;
        match &answer {
            Err(Failure::Unavailable(reason)) => {
                if !self.is_away.swap(true, Ordering::Relaxed) {
                    eprintln!("orders: the database is away: {reason}");
                }
            }
            _ => {
                if self.is_away.swap(false, Ordering::Relaxed) {
                    println!("orders: the database is back");
                }
            }
        }
        answer
    }

    async fn run(
        &self,
        statement: &'static str,
        values: &[&(dyn ToSql + Sync)],
        repeat: Repeat,
    ) -> Result<Vec<Row>, Failure> {
        let _permit = self.permit().await?;
        let mut attempts = 0;
        loop {
            attempts += 1;
            let mut connection = match self.take_idle() {
                Some(connection) => connection,
                None => self.connect().await.map_err(Failure::Unavailable)?,
            };
            match run_on(&mut connection, statement, values).await {
                Ok(rows) => {
                    self.put_back(connection);
                    return Ok(rows);
                }
                Err(Broken::Refused(reason)) => {
                    self.put_back(connection);
                    return Err(Failure::Database(reason));
                }
                // Whether a statement that changes something was done is not known.
                Err(Broken::Closed(reason)) if repeat == Repeat::Never || attempts > CONNECTIONS => {
                    return Err(Failure::Unavailable(reason));
                }
                Err(Broken::Closed(_)) => {}
            }
        }
    }

    /// Runs the script that makes the tables; statements are run from then on.
    pub async fn prepare(&self, script: &str) -> Result<(), String> {
        let _permit = self.permits.acquire().await.map_err(|error| error.to_string())?;
        let connection = self.connect().await?;
        match timeout(ANSWER_WITHIN, connection.client.batch_execute(script)).await {
            Ok(Ok(())) => {
                self.is_prepared.store(true, Ordering::Relaxed);
                self.put_back(connection);
                Ok(())
            }
            Ok(Err(error)) => Err(reason_of(&error)),
            Err(_) => Err("no answer".to_string()),
        }
    }

    async fn permit(&self) -> Result<SemaphorePermit<'_>, Failure> {
        match timeout(WAIT_WITHIN, self.permits.acquire()).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(Failure::Unavailable("all connections are in use".to_string())),
        }
    }

    /// The connection that was used last, since the others may rest until the database closes them.
    fn take_idle(&self) -> Option<Connection> {
        let mut idle = self.idle();
        idle.retain(|connection| !connection.client.is_closed());
        idle.pop()
    }

    fn put_back(&self, connection: Connection) {
        if !connection.client.is_closed() {
            self.idle().push(connection);
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    async fn connect(&self) -> Result<Connection, String> {
        let connecting = timeout(CONNECT_WITHIN, self.config.connect(NoTls));
        let (client, connection) = match connecting.await {
            Ok(Ok(connected)) => connected,
            Ok(Err(error)) => return Err(reason_of(&error)),
            Err(_) => return Err("no answer to a new connection".to_string()),
        };
        // It carries the bytes, and ends with the connection.
        tokio::spawn(async move {
            let _ = connection.await;
        });
        Ok(Connection { client, statements: HashMap::new() })
    }
}

async fn run_on(
    connection: &mut Connection,
    text: &'static str,
    values: &[&(dyn ToSql + Sync)],
) -> Result<Vec<Row>, Broken> {
    let work = async {
        let statement = match connection.statements.get(text) {
            Some(statement) => statement.clone(),
            None => {
                let statement = connection.client.prepare(text).await?;
                connection.statements.insert(text, statement.clone());
                statement
            }
        };
        connection.client.query(&statement, values).await
    };
    match timeout(ANSWER_WITHIN, work).await {
        Ok(Ok(rows)) => Ok(rows),
        // The server says why it ends a connection (57P01 and its like) before it does.
        Ok(Err(error)) if error.code().is_none_or(|code| code.code().starts_with("57P")) => {
            Err(Broken::Closed(reason_of(&error)))
        }
        Ok(Err(error)) => Err(Broken::Refused(reason_of(&error))),
        Err(_) => Err(Broken::Closed("no answer to a statement".to_string())),
    }
}

/// The message with that of its cause, which says more.
fn reason_of(error: &tokio_postgres::Error) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

/// Waits a little longer each time, from 50 ms up to a second.
pub async fn wait_before_attempt(attempt: u32) {
    sleep(Duration::from_millis((50u64 << attempt.min(5)).min(1000))).await;
}
