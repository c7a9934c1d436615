//! Functions that are more visible than what they take and return.

#![deny(warnings)]
#![allow(unreachable_pub, reason = "so are functions whose module has nothing to export")]

/// What is said to be `pub` here knows of things that are not.
mod db {
    use std::sync::Arc;

    use hybrid_cache::{cached, invalidates, updates};
    use serde::{Deserialize, Serialize};

    /// An answer.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    pub(crate) struct Row(pub(super) u64);

    /// An error.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub(super) struct NoRow;

    /// An argument.
    #[derive(Debug, Clone, Serialize)]
    pub(super) struct Id(pub(super) u64);

    /// An answer of this module's own.
    #[derive(Debug, Clone, PartialEq, Eq)]
    struct Secret(u64);

    /// In the manner of `anyhow::Result`.
    type Found<T> = Result<T, NoRow>;

    #[cached(layers = "mem")]
    pub async fn row(id: u64) -> Row {
        Row(id)
    }

    #[cached]
    pub async fn rows(id: Id) -> Arc<Vec<Row>> {
        Arc::new(vec![Row(id.0)])
    }

    #[cached(layers = "mem", err_ttl = 1)]
    pub async fn find(id: &Id) -> Found<Option<u64>> {
        if id.0 == 0 { Err(NoRow) } else { Ok(Some(id.0)) }
    }

    #[cached(layers = "mem")]
    pub fn at_once(id: &Id) -> Result<Row, NoRow> {
        if id.0 == 0 { Err(NoRow) } else { Ok(Row(id.0)) }
    }

    #[cached(layers = "mem")]
    pub async fn of_any<T: Serialize + Send + 'static>(id: T) -> Row {
        drop(id);
        Row(1)
    }

    #[cached(layers = "mem")]
    pub async fn wrapped<T: Clone + Serialize + Send + Sync + 'static>(id: T) -> Result<(T, Row), NoRow> {
        Ok((id, Row(1)))
    }

    #[invalidates(row(id))]
    #[updates(at_once(&Id(id)))]
    pub fn change(id: u64) -> Result<Row, NoRow> {
        Ok(Row(id + 1))
    }

    /// An answer that nobody should begin to use.
    #[deprecated]
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub(crate) struct Old(u64);

    #[expect(deprecated, reason = "those who use it already")]
    #[cached(layers = "mem")]
    pub async fn old(id: u64) -> Result<Old, NoRow> {
        Ok(Old(id))
    }

    #[expect(private_interfaces, reason = "nobody else calls it")]
    #[cached(layers = "mem")]
    pub async fn secret(id: u64) -> Secret {
        Secret(id)
    }

    pub(super) async fn secret_is_kept() -> bool {
        secret(1).await == Secret(1) && secret::peek(1).await == Some(Secret(1))
    }

    /// With methods.
    #[derive(Debug, Clone)]
    pub struct Table;

    impl Table {
        #[cached(layers = "mem", skip(self))]
        pub async fn row(&self, id: Id) -> Row {
            Row(id.0)
        }

        #[cached(layers = "mem")]
        pub async fn find(id: Id) -> Result<Row, NoRow> {
            if id.0 == 0 { Err(NoRow) } else { Ok(Row(id.0)) }
        }

        #[cached(layers = "mem")]
        pub async fn find_by_another_name(id: Id) -> Found<Row> {
            if id.0 == 0 { Err(NoRow) } else { Ok(Row(id.0)) }
        }
    }
}

use db::{Id, NoRow, Row, Table};

#[tokio::test]
async fn a_function_may_be_more_visible_than_its_answers() {
    assert_eq!((db::row(1).await, db::row::peek(1).await), (Row(1), Some(Row(1))));
    assert_eq!(*db::rows(Id(1)).await, [Row(1)]);
    assert!(db::rows::peek(Id(1)).await.is_some());
    assert!(db::secret_is_kept().await);
}

#[tokio::test]
async fn a_function_may_be_more_visible_than_its_errors_and_arguments() {
    assert_eq!((db::find(&Id(0)).await, db::find(&Id(1)).await), (Err(NoRow), Ok(Some(1))));
    assert_eq!(db::find::peek(&Id(1)).await, Some(Some(1)));
    assert_eq!((db::at_once(&Id(0)), db::at_once(&Id(1))), (Err(NoRow), Ok(Row(1))));
    assert_eq!(db::at_once::peek(&Id(1)), Some(Row(1)));
    assert_eq!((db::change(1), db::at_once::peek(&Id(1))), (Ok(Row(2)), Some(Row(2))));
}

#[tokio::test]
async fn generic_functions_and_methods_may_be_more_visible_than_what_they_return() {
    assert_eq!((db::of_any("a").await, db::of_any::peek("a").await), (Row(1), Some(Row(1))));
    assert_eq!(db::wrapped(1).await, Ok((1, Row(1))));
    assert_eq!((Table.row(Id(1)).await, Table::row_peek(Id(1)).await), (Row(1), Some(Row(1))));
    assert_eq!((Table::find(Id(0)).await, Table::find(Id(1)).await), (Err(NoRow), Ok(Row(1))));
    assert_eq!(Table::find_by_another_name(Id(0)).await, Err(NoRow));
    assert_eq!(Table::find_by_another_name_peek(Id(0)).await, None);
}

#[tokio::test]
async fn what_is_allowed_of_a_function_is_allowed_wherever_its_types_stand() {
    assert!(db::old(1).await.is_ok());
    assert!(db::old::peek(1).await.is_some());
}
