//! The source of truth: the cities in a database file of `rusqlite`, which brings its own SQL engine along.
//!
//! Knows SQL and nothing of HTTP or caching. It is `rusqlite` and not `sqlx` because one connection behind a lock is all
//! that is needed: one C file to compile, no pool, no macros.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use hybrid_cache_examples::atlas::{self, City};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

/// An open database. Clones share the connection.
#[derive(Debug, Clone)]
pub(crate) struct Database {
    connection: Arc<Mutex<Connection>>,
}

/// The database could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DatabaseError {
    #[error("cannot open the database")]
    Open(#[source] rusqlite::Error),
    #[error("the query failed")]
    Query(#[source] rusqlite::Error),
    #[error("the query did not finish")]
    Unfinished(#[source] tokio::task::JoinError),
}

impl Database {
    /// Opens the database at `path`; a new one is filled with the cities of the examples.
    pub(crate) fn open(path: &Path) -> Result<Self, DatabaseError> {
        let mut connection = Connection::open(path).map_err(DatabaseError::Open)?;
        fill_if_new(&mut connection).map_err(DatabaseError::Open)?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)) })
    }

    pub(crate) async fn city(&self, id: u32) -> Result<Option<City>, DatabaseError> {
        self.query(move |connection| {
            connection
                .prepare("SELECT id, country, name, latitude, longitude, population FROM city WHERE id = ?1")?
                .query_row([id], city_from)
                .optional()
        })
        .await
    }

    /// The most populous cities of a country, largest first; none if the country is not known.
    pub(crate) async fn largest_cities(
        &self,
        country: String,
        limit: u32,
    ) -> Result<Vec<City>, DatabaseError> {
        self.query(move |connection| {
            connection
                .prepare(
                    "SELECT id, country, name, latitude, longitude, population FROM city
                     WHERE country = ?1 ORDER BY population DESC, id LIMIT ?2",
                )?
                .query_map(params![country, limit], city_from)?
                .collect()
        })
        .await
    }

    /// Whether there is such a city, which then has the new population.
    pub(crate) async fn set_population(&self, id: u32, population: u32) -> Result<bool, DatabaseError> {
        self.query(move |connection| {
            let changed = connection
                .execute("UPDATE city SET population = ?2 WHERE id = ?1", params![id, population])?;
            Ok(changed > 0)
        })
        .await
    }

    /// Runs a query on a thread that may block.
    async fn query<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, DatabaseError> {
        let connection = Arc::clone(&self.connection);
        // A panic while the lock was held leaves no transaction open: SQLite's state is good.
        let run = move || query(&connection.lock().unwrap_or_else(PoisonError::into_inner));
        let finished = tokio::task::spawn_blocking(run).await.map_err(DatabaseError::Unfinished)?;
        finished.map_err(DatabaseError::Query)
    }
}

fn city_from(row: &Row<'_>) -> rusqlite::Result<City> {
    Ok(City {
        id: row.get(0)?,
        country: row.get(1)?,
        name: row.get(2)?,
        latitude: row.get(3)?,
        longitude: row.get(4)?,
        population: row.get(5)?,
    })
}

/// Makes the table and fills it, all or nothing.
fn fill_if_new(connection: &mut Connection) -> rusqlite::Result<()> {
    let filling = connection.transaction()?;
    if filling.table_exists(None, "city")? {
        return Ok(());
    }
    filling.execute_batch(
        "CREATE TABLE city (
            id INTEGER PRIMARY KEY, country TEXT NOT NULL, name TEXT NOT NULL,
            latitude REAL NOT NULL, longitude REAL NOT NULL, population INTEGER NOT NULL
        ) STRICT",
    )?;
    let mut insert = filling.prepare("INSERT INTO city VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
    for City { id, country, name, latitude, longitude, population } in atlas::cities() {
        insert.execute(params![id, country, name, latitude, longitude, population])?;
    }
    drop(insert);
    filling.commit()
}
