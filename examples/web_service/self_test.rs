//! Starts the service on a free port, makes the requests of `main.rs`'s header, checks the answers, and stops it.

use std::{fs, net::SocketAddr, path::PathBuf};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::oneshot,
};

use crate::{Failure, database::Database, serve};

/// Runs the test with a new database and a new disk cache in `folder`, whatever the environment says.
pub(crate) async fn run(folder: PathBuf) -> Result<(), Failure> {
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    hybrid_cache::builder().without_environment().disk_dir(folder.join("cache")).install()?;
    let database = Database::open(&folder.join("cities.sqlite"))?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let service = Client { address: listener.local_addr()? };
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(serve(listener, database, async {
        // An error means that the test is over too.
        let _ = stopped.await;
    }));

    let checked = check(&service).await;
    drop(stop);
    serving.await??;
    checked?;
    println!("all as expected");
    fs::remove_dir_all(&folder)?;
    Ok(())
}

async fn check(service: &Client) -> Result<(), Failure> {
    let reykjavik = |population: u32| {
        json!({
            "id": 3_413_829, "country": "IS", "name": "Reykjavík",
            "latitude": 64.1355, "longitude": -21.8954, "population": population,
        })
    };
    let largest = "/countries/IS/cities?limit=1";
    let city = "/cities/3413829";

    service.expect("GET", largest, "", 200, &json!([reykjavik(118_918)])).await?;
    for _ in 0..2 {
        service.expect("GET", city, "", 200, &reykjavik(118_918)).await?;
    }
    service.expect_counted("city", &json!({ "memory_hits": 1, "loads": 1 })).await?;

    service.expect("PUT", city, r#"{"population": 140000}"#, 200, &reykjavik(140_000)).await?;
    service.expect("GET", city, "", 200, &reykjavik(140_000)).await?;
    service.expect("GET", largest, "", 200, &json!([reykjavik(140_000)])).await?;
    service.expect_counted("city", &json!({ "memory_hits": 2, "loads": 2 })).await?;
    service.expect_counted("largest_cities", &json!({ "memory_hits": 0, "loads": 2 })).await?;

    let refused = |reason: &str| json!({ "error": reason });
    service.expect("GET", "/cities/1", "", 404, &refused("there is no city 1")).await?;
    service.expect("PUT", "/cities/1", r#"{"population": 1}"#, 404, &refused("there is no city 1")).await?;
    let unknown = refused("no country has the code \"XX\", or it has no cities");
    service.expect("GET", "/countries/XX/cities", "", 404, &unknown).await?;
    let too_many = refused("the limit is 1000, but must be from 1 to 100");
    service.expect("GET", "/countries/IS/cities?limit=1000", "", 400, &too_many).await?;
    service.expect("PUT", city, r#"{"population": -1}"#, 422, &Value::Null).await
}

/// Just enough of an HTTP client.
struct Client {
    address: SocketAddr,
}

impl Client {
    /// Makes a request and compares what comes back; a body that is not JSON counts as `null`.
    async fn expect(
        &self,
        method: &str,
        path: &str,
        body: &str,
        status: u16,
        answer: &Value,
    ) -> Result<(), Failure> {
        let (got_status, got) = self.request(method, path, body).await?;
        if (got_status, &got) != (status, answer) {
            return Err(format!("{method} {path}: {got_status} {got}, expected {status} {answer}").into());
        }
        println!("{got_status}  {method:<4} {path}");
        Ok(())
    }

    /// Compares some of a function's counters in the statistics.
    async fn expect_counted(&self, function: &str, expected: &Value) -> Result<(), Failure> {
        let (_, stats) = self.request("GET", "/stats", "").await?;
        let counted = stats.get(function).unwrap_or(&Value::Null);
        let mut counters = expected.as_object().into_iter().flatten();
        if !counters.all(|(name, count)| counted.get(name) == Some(count)) {
            return Err(format!("GET /stats: {function} has {counted}, expected {expected}").into());
        }
        println!("200  GET  /stats  {function}: {counted}");
        Ok(())
    }

    async fn request(&self, method: &str, path: &str, body: &str) -> Result<(u16, Value), Failure> {
        let mut connection = TcpStream::connect(self.address).await?;
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        );
        connection.write_all(request.as_bytes()).await?;
        let mut response = String::new();
        connection.read_to_string(&mut response).await?;

        let (head, body) = response.split_once("\r\n\r\n").ok_or("the response has no end of its head")?;
        let status = head.split(' ').nth(1).ok_or("the response has no status")?.parse()?;
        Ok((status, serde_json::from_str(body).unwrap_or_default()))
    }
}
