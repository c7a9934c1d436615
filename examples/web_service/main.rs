//! A small web service: a database is the source of truth, the cache stands before it, an update invalidates.
//!
//! ```text
//! cargo run --example web_service --features web
//!
//! $ curl 'http://127.0.0.1:3000/countries/IS/cities?limit=1'
//! [{"id":3413829,"country":"IS","name":"Reykjavík","latitude":64.1355,"longitude":-21.8954,"population":118918}]
//!
//! $ curl http://127.0.0.1:3000/cities/3413829
//! {"id":3413829,"country":"IS","name":"Reykjavík","latitude":64.1355,"longitude":-21.8954,"population":118918}
//!
//! $ curl -X PUT -H 'Content-Type: application/json' -d '{"population": 140000}' http://127.0.0.1:3000/cities/3413829
//! {"id":3413829,"country":"IS","name":"Reykjavík","latitude":64.1355,"longitude":-21.8954,"population":140000}
//!
//! $ curl -i http://127.0.0.1:3000/cities/1
//! HTTP/1.1 404 Not Found …
//! {"error":"there is no city 1"}
//!
//! $ curl http://127.0.0.1:3000/stats
//! {"city":{…},"largest_cities":{…}}
//! ```
//!
//! Ask for the same city twice and look at the statistics; stop with Ctrl-C, start again, and the disk answers. Database
//! and disk cache lie in the target folder, beside the program. With `HYBRID_CACHE_REDIS_URL` set, further instances
//! (`--address 127.0.0.1:3001`) get answers from Redis that the first one computed. After an update the instance that made
//! it never gives an old answer again; another one that has the answer in memory may, until its `ttl` is over.
//!
//! `--self-test` starts the service on a free port, makes these requests and checks the answers.

mod database;
mod self_test;

use std::{env, fs, io, path::PathBuf, time::Duration};

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use hybrid_cache::{Stats, cached};
use hybrid_cache_examples::atlas::City;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use crate::database::{Database, DatabaseError};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// One city. That there is none of this id is an answer too, and is kept for a shorter time.
#[cached(layers = "mem,redis,disk", ttl = "5m", skip(database))]
async fn city(database: &Database, id: u32) -> Result<Option<City>, DatabaseError> {
    database.city(id).await
}

/// The most populous cities of a country.
#[cached(layers = "mem,redis,disk", ttl = "5m", skip(database))]
async fn largest_cities(database: &Database, country: &str, limit: u32) -> Result<Vec<City>, DatabaseError> {
    database.largest_cities(country.to_owned(), limit).await
}

/// Writes to the database first, then forgets every answer that this makes wrong.
async fn set_population(database: &Database, id: u32, population: u32) -> Result<bool, DatabaseError> {
    let found = database.set_population(id, population).await?;
    if found {
        city::invalidate(id).await;
        largest_cities::invalidate_all().await; // the order may have changed, for any limit
    }
    Ok(found)
}

fn routes(database: Database) -> Router {
    Router::new()
        .route("/countries/{code}/cities", get(get_largest_cities))
        .route("/cities/{id}", get(get_city).put(put_city))
        .route("/stats", get(get_stats))
        .with_state(database)
}

#[derive(Deserialize)]
struct Limited {
    #[serde(default = "Limited::usual")]
    limit: u32,
}

impl Limited {
    const MOST: u32 = 100;

    fn usual() -> u32 {
        10
    }
}

async fn get_largest_cities(
    State(database): State<Database>,
    Path(code): Path<String>,
    Query(Limited { limit }): Query<Limited>,
) -> Result<Json<Vec<City>>, Refusal> {
    if !(1..=Limited::MOST).contains(&limit) {
        return Err(Refusal::Limit(limit));
    }
    let cities = largest_cities(&database, &code, limit).await?;
    if cities.is_empty() { Err(Refusal::NoCountry(code)) } else { Ok(Json(cities)) }
}

async fn get_city(State(database): State<Database>, Path(id): Path<u32>) -> Result<Json<City>, Refusal> {
    city(&database, id).await?.map(Json).ok_or(Refusal::NoCity(id))
}

#[derive(Deserialize)]
struct Census {
    population: u32,
}

async fn put_city(
    State(database): State<Database>,
    Path(id): Path<u32>,
    Json(Census { population }): Json<Census>,
) -> Result<Json<City>, Refusal> {
    if !set_population(&database, id, population).await? {
        return Err(Refusal::NoCity(id));
    }
    get_city(State(database), Path(id)).await
}

#[derive(Serialize)]
struct Counted {
    memory_hits: u64,
    redis_hits: u64,
    disk_hits: u64,
    loads: u64,
    load_micros: u128,
}

impl From<Stats> for Counted {
    fn from(stats: Stats) -> Self {
        Self {
            memory_hits: stats.memory_hits(),
            redis_hits: stats.redis_hits(),
            disk_hits: stats.disk_hits(),
            loads: stats.loads(),
            load_micros: stats.load_time().as_micros(),
        }
    }
}

async fn get_stats() -> Json<serde_json::Value> {
    Json(serde_json::json!({
        "city": Counted::from(city::stats()),
        "largest_cities": Counted::from(largest_cities::stats()),
    }))
}

/// Why a request gets no answer.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("there is no city {0}")]
    NoCity(u32),
    #[error("no country has the code {0:?}, or it has no cities")]
    NoCountry(String),
    #[error("the limit is {0}, but must be from 1 to {max}", max = Limited::MOST)]
    Limit(u32),
    #[error("the database does not answer")]
    Database(#[from] DatabaseError),
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = match &self {
            Self::NoCity(_) | Self::NoCountry(_) => StatusCode::NOT_FOUND,
            Self::Limit(_) => StatusCode::BAD_REQUEST,
            Self::Database(error) => {
                eprintln!("{self}: {error:?}");
                StatusCode::INTERNAL_SERVER_ERROR
            }
        };
        (status, Json(serde_json::json!({ "error": self.to_string() }))).into_response()
    }
}

/// Serves until `stop` is ready, then lets the requests under way finish and the cache write what is pending.
async fn serve(
    listener: TcpListener,
    database: Database,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    axum::serve(listener, routes(database)).with_graceful_shutdown(stop).await?;
    hybrid_cache::shutdown(Duration::from_secs(5)).await;
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    // The cache never fails a call; what it has to complain about, it logs.
    tracing_subscriber::fmt().with_writer(io::stderr).init();
    let arguments: Vec<String> = env::args().skip(1).collect();
    let address = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => "127.0.0.1:3000",
        ["--address", address] => address,
        ["--self-test"] => return self_test::run(folder()?.join("self-test")).await,
        _ => return Err("usage: web_service [--address HOST:PORT | --self-test]".into()),
    };

    let folder = folder()?;
    fs::create_dir_all(&folder)?;
    hybrid_cache::builder().namespace("cities").disk_dir(folder.join("cache")).install()?;
    let database = Database::open(&folder.join("cities.sqlite"))?;
    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    serve(listener, database, async {
        // Without a way to hear Ctrl-C the service runs until it is killed.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
    .await?;
    Ok(())
}

/// Where the database and the disk cache lie: beside the program.
fn folder() -> io::Result<PathBuf> {
    Ok(env::current_exe()?.with_extension("files"))
}
