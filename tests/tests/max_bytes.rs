//! Memory that is bounded by the size of answers: by their encoding, or by what the function says.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use hybrid_cache::{cached, testing};

/// How many of the first hundred answers are in memory.
macro_rules! kept {
    ($function:ident) => {{
        let mut kept = 0;
        for id in 0..100 {
            kept += usize::from($function::peek(id).await.is_some());
        }
        kept
    }};
}

fn text() -> String {
    "x".repeat(1_000)
}

#[tokio::test]
async fn as_many_answers_are_kept_as_fit() {
    #[cached(layers = "mem", max_bytes = "10KiB")]
    async fn page(_id: u64) -> Option<String> {
        Some(text())
    }
    testing::isolated(async {
        for id in 0..9 {
            page(id).await;
        }
        assert_eq!(kept!(page), 9);
        for id in 0..100 {
            page(id).await;
        }
        let kept = kept!(page);
        assert!((5..=10).contains(&kept), "{kept} answers");
    })
    .await;
}

#[tokio::test]
async fn an_answer_in_an_arc_is_no_smaller_than_what_the_arc_points_to() {
    #[cached(layers = "mem", max_bytes = "20KiB")]
    async fn small_numbers(_id: u64) -> Arc<[u64]> {
        // Of which each is one byte when it is encoded.
        Arc::from([1; 1_000])
    }
    testing::isolated(async {
        for id in 0..100 {
            small_numbers(id).await;
        }
        assert_eq!(kept!(small_numbers), 2);
    })
    .await;
}

#[tokio::test]
async fn what_can_be_kept_on_disk_is_as_large_as_it_is_there() {
    #[cached(layers = "mem,disk", max_bytes = "10KiB")]
    async fn page(_id: u64) -> String {
        text()
    }
    testing::isolated(async {
        for id in 0..100 {
            page(id).await;
        }
        let kept = kept!(page);
        assert!((5..=10).contains(&kept), "{kept} answers");
    })
    .await;
}

#[tokio::test]
async fn an_answer_in_an_arc_is_as_large_as_what_it_points_to() {
    #[derive(serde::Serialize)]
    struct Page {
        text: String,
    }

    #[cached(layers = "mem", max_bytes = 10_240)]
    async fn page(_id: u64) -> Result<Arc<Page>, std::io::Error> {
        Ok(Arc::new(Page { text: text() }))
    }
    testing::isolated(async {
        for id in 0..100 {
            assert_eq!(page(id).await.unwrap().text.len(), 1_000);
        }
        let kept = kept!(page);
        assert!((5..=10).contains(&kept), "{kept} answers");
    })
    .await;
}

#[tokio::test]
async fn what_weigh_says_is_what_counts() {
    #[derive(Clone)]
    struct Page {
        bytes: usize,
    }

    impl Page {
        fn size(&self) -> usize {
            self.bytes
        }
    }

    #[cached(layers = "mem", max_bytes = "10KB", weigh = Page::size)]
    async fn page(_id: u64) -> Page {
        Page { bytes: 1_000 }
    }
    testing::isolated(async {
        for id in 0..100 {
            page(id).await;
        }
        let kept = kept!(page);
        assert!((5..=9).contains(&kept), "{kept} answers");
    })
    .await;
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_returned_and_not_kept() {
    static LOADS: AtomicUsize = AtomicUsize::new(0);

    #[cached(layers = "mem", max_bytes = 700)]
    async fn page(length: usize) -> String {
        LOADS.fetch_add(1, SeqCst);
        "x".repeat(length)
    }
    testing::isolated(async {
        for length in [700, 700, 500, 500] {
            assert_eq!(page(length).await.len(), length);
        }
        assert_eq!(LOADS.load(SeqCst), 3);
        assert_eq!(page::peek(700).await, None);
        page::put(500, text()).await;
        assert_eq!(page::peek(500).await, None, "nor is the one before it");
    })
    .await;
}
