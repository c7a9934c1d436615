//! `#[invalidates]` and `#[updates]`: what becomes of cached answers when a function succeeds, and when it does not.

use hybrid_cache::{cached, invalidates, updates};

#[derive(Clone, Debug, PartialEq)]
struct Product {
    id: u64,
    name: String,
}

#[cached(layers = "mem")]
async fn product(id: u64) -> u64 {
    id
}

#[cached(layers = "mem")]
async fn list() -> u64 {
    1
}

#[cached(layers = "mem")]
async fn named(name: &str) -> Option<Product> {
    Some(Product { id: 1, name: name.to_owned() })
}

#[invalidates(product(id = item.id), all(list), named(&item.name))]
async fn save(item: Product) -> Result<(), String> {
    if item.id == 0 {
        return Err("no".into());
    }
    drop(item);
    Ok(())
}

#[updates(named(name = &item.name))]
fn store(item: Product) -> Result<Product, Box<dyn std::error::Error>> {
    let n: u64 = "1".parse()?;
    Ok(Product { id: n, ..item })
}

#[tokio::test]
async fn x() {
    product(1).await;
    list().await;
    save(Product { id: 1, name: "a".into() }).await.unwrap();
    assert_eq!(product::peek(1).await, None);
    store(Product { id: 1, name: "a".into() }).unwrap();
    assert!(named::peek("a").await.is_some());
}
