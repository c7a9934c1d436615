//! The `#[cached]` attribute.
