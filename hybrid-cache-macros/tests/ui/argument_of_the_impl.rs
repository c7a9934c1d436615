use hybrid_cache::cached;

struct View<'a>(&'a str);

impl<'a> View<'a> {
    #[cached(layers = "mem")]
    async fn length(text: &'a str) -> usize {
        text.len()
    }
}

fn main() {}
