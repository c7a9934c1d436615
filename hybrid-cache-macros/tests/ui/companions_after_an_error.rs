use hybrid_cache::cached;

type Answer = Result<Option<u64>, String>;

#[cached(ttl = 0, skip(db))]
async fn price(id: u64, lang: &str, db: &String) -> Answer {
    Ok(Some(id + lang.len() as u64 + db.len() as u64))
}

async fn caller() -> Answer {
    price::invalidate(1, "en").await;
    price::invalidate_all().await;
    price::expire(1, "en").await.strict().ok();
    let _key = price::key(1, "en");
    let _stats = price::stats();
    let value: Option<Option<u64>> = price::peek(1, "en").await;
    price::put(1, "en", value.flatten()).await;
    price::uncached(1, "en", &String::new()).await?;
    price::refresh(1, "en", &String::new()).await
}

fn main() {}
