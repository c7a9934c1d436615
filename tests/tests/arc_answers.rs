//! Answers in an `Arc` are kept in Redis and on disk as what they point to. So it is whether serde's feature `rc` is on in
//! the build or not: `--features serde-rc` runs these tests with it.

use std::{
    future::Future,
    sync::{Arc, LazyLock},
};

use hybrid_cache::{
    builder, cached, flush,
    testing::{Store, World},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Product {
    id: u64,
    name: String,
}

fn product(id: u64) -> Product {
    Product { id, name: format!("tea {id}") }
}

/// A name that does not look like an `Arc`, nor like a `Result`.
type Answer<T> = Result<Shared<T>, String>;
type Shared<T> = Arc<T>;

/// The settings of the process: where functions keep answers that do not say it.
static SETTINGS: LazyLock<()> = LazyLock::new(|| {
    let settings = builder().without_environment().layers("mem,disk").disk_dir("stands-in-only");
    assert!(settings.install().is_ok());
});

/// A world for one process, in which what a call stored is in `disk` and `redis` when it returns.
async fn in_process<F: Future>(redis: &Store, disk: &Store, program: F) -> F::Output {
    LazyLock::force(&SETTINGS);
    World::new()
        .redis(redis)
        .disk(disk)
        .enter(async {
            let output = program.await;
            flush().await;
            output
        })
        .await
}

/// What `$function` answers in a process, and again in the next, is `$expected`; the next finds it in `$layer`.
macro_rules! assert_kept {
    ($function:ident $(::<$of:ty>)? ($($argument:expr),*) == $expected:expr, in $hits:ident) => {{
        let (redis, disk) = (Store::new(), Store::new());
        for loads in [1, 0] {
            let (answer, stats) = in_process(&redis, &disk, async {
                ($function$(::<$of>)?($($argument),*).await, $function::stats())
            })
            .await;
            assert_eq!((answer, stats.loads(), stats.$hits()), ($expected, loads, 1 - loads));
        }
    }};
}

#[tokio::test]
async fn an_answer_in_an_arc_is_found_in_redis_by_another_process() {
    #[cached(layers = "mem,redis")]
    async fn shared(id: u64) -> Arc<Product> {
        Arc::new(product(id))
    }
    assert_kept!(shared(7) == Arc::new(product(7)), in redis_hits);
}

#[tokio::test]
async fn an_answer_in_an_arc_is_found_on_disk_by_the_next_process() {
    #[cached(layers = "mem,disk")]
    async fn shared(id: u64) -> Arc<Product> {
        Arc::new(product(id))
    }
    assert_kept!(shared(7) == Arc::new(product(7)), in disk_hits);
}

#[tokio::test]
async fn a_text_in_an_arc_is_kept() {
    #[cached(layers = "redis")]
    async fn text(id: u64) -> Arc<str> {
        format!("tea {id}").into()
    }
    assert_kept!(text(7) == Arc::from("tea 7"), in redis_hits);
}

#[tokio::test]
async fn a_slice_in_an_arc_is_kept() {
    #[cached(layers = "disk")]
    async fn list(id: u64) -> Arc<[Product]> {
        Arc::new([product(id), product(id + 1)])
    }
    assert_kept!(list(7) == Arc::from([product(7), product(8)]), in disk_hits);
}

#[tokio::test]
async fn an_optional_arc_is_kept() {
    #[cached(layers = "mem,redis")]
    async fn found(id: u64) -> Option<Arc<Product>> {
        (id < 10).then(|| Arc::new(product(id)))
    }
    assert_kept!(found(7) == Some(Arc::new(product(7))), in redis_hits);
    assert_kept!(found(70) == None, in redis_hits);
}

#[tokio::test]
async fn an_arc_in_a_result_is_kept() {
    #[cached(layers = "mem,redis")]
    async fn found(id: u64) -> Result<Arc<Product>, String> {
        Ok(Arc::new(product(id)))
    }
    assert_kept!(found(7) == Ok(Arc::new(product(7))), in redis_hits);
}

#[tokio::test]
async fn an_optional_arc_in_a_result_is_kept() {
    #[cached(layers = "mem,disk")]
    async fn found(id: u64) -> Result<Option<Arc<Product>>, String> {
        Ok((id < 10).then(|| Arc::new(product(id))))
    }
    assert_kept!(found(7) == Ok(Some(Arc::new(product(7)))), in disk_hits);
    assert_kept!(found(70) == Ok(None), in disk_hits);
}

#[tokio::test]
async fn an_arc_under_another_name_is_kept() {
    #[cached(layers = "mem,redis")]
    async fn found(id: u64) -> Answer<Product> {
        Ok(Arc::new(product(id)))
    }
    assert_kept!(found(7) == Ok(Arc::new(product(7))), in redis_hits);
}

#[tokio::test]
async fn an_arc_of_a_type_parameter_is_kept_by_its_bounds() {
    trait Make {
        fn make(id: u64) -> Self;
    }
    impl Make for Product {
        fn make(id: u64) -> Self {
            product(id)
        }
    }
    #[cached(layers = "mem,redis")]
    async fn made<T>(id: u64) -> Arc<T>
    where
        T: Make + Serialize + DeserializeOwned + Send + Sync + 'static,
    {
        Arc::new(T::make(id))
    }
    assert_kept!(made::<Product>(7) == Arc::new(product(7)), in redis_hits);
}

#[tokio::test]
async fn an_arc_is_kept_where_only_the_settings_name_a_layer() {
    #[cached]
    async fn shared(id: u64) -> Arc<Product> {
        Arc::new(product(id))
    }
    #[cached]
    async fn optional(id: u64) -> Result<Option<Arc<str>>, String> {
        Ok(Some(format!("tea {id}").into()))
    }
    assert_kept!(shared(7) == Arc::new(product(7)), in disk_hits);
    assert_kept!(optional(7) == Ok(Some(Arc::from("tea 7"))), in disk_hits);
}

#[tokio::test]
async fn what_cannot_become_bytes_stays_in_memory_in_an_arc_too() {
    struct Handle;
    #[cached]
    async fn handle(_id: u64) -> Option<Arc<Handle>> {
        Some(Arc::new(Handle))
    }
    let (redis, disk) = (Store::new(), Store::new());
    for _ in 0..2 {
        in_process(&redis, &disk, async {
            let (first, second) = (handle(7).await.unwrap(), handle(7).await.unwrap());
            assert!(Arc::ptr_eq(&first, &second));
            assert_eq!(handle::stats().loads(), 1);
        })
        .await;
    }
}

#[tokio::test]
async fn answers_are_kept_when_a_type_is_put_into_an_arc_and_when_it_is_taken_out_again() {
    mod first {
        #[hybrid_cache::cached(name = "arc_answers.product", layers = "redis,disk")]
        pub(super) async fn product(id: u64) -> Option<super::Product> {
            Some(super::product(id))
        }
    }
    mod second {
        #[hybrid_cache::cached(name = "arc_answers.product", layers = "redis,disk")]
        pub(super) async fn product(id: u64) -> Option<std::sync::Arc<super::Product>> {
            Some(std::sync::Arc::new(super::product(id)))
        }
    }
    let (redis, disk) = (Store::new(), Store::new());
    in_process(&redis, &disk, first::product(7)).await;
    in_process(&redis, &disk, async {
        assert_eq!(second::product(7).await, Some(Arc::new(product(7))));
        assert_eq!((second::product::stats().loads(), second::product::stats().redis_hits()), (0, 1));
        second::product(8).await;
    })
    .await;
    in_process(&redis, &disk, async {
        assert_eq!(first::product(8).await, Some(product(8)));
        assert_eq!((first::product::stats().loads(), first::product::stats().redis_hits()), (0, 1));
    })
    .await;
}
