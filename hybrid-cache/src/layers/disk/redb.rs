//! The engine on `redb`: one table in one file.

use std::path::Path;

use redb::{
    CommitError, Database, DatabaseError, Durability as RedbDurability, Error as RedbError, ReadableDatabase,
    StorageError, TableDefinition, TableError, TransactionError, backends::FileBackend,
};

use super::{
    engine::{Change, Durability, Engine, Fault, Scanned},
    files::{self, Opened},
};

const FILE: &str = "rows.redb";
const ROWS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("rows");

pub(super) struct Redb {
    database: Database,
}

impl Redb {
    pub(super) fn open(dir: &Path, cache_bytes: usize) -> Result<Self, Fault> {
        // Opened here and not by redb, so that nobody else can read the file for even a moment.
        let path = dir.join(FILE);
        let file = match files::open(&path)? {
            Opened::File(file) => file,
            Opened::Nothing => files::create(&path)?,
            Opened::SomethingElse => return Err(Fault::damaged("its file is not a file of ours")),
        };
        let backend = FileBackend::new(file)?;
        let database = Database::builder().set_cache_size(cache_bytes).create_with_backend(backend)?;
        Ok(Self { database })
    }
}

impl Engine for Redb {
    fn read(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        let rows = match self.database.begin_read()?.open_table(ROWS) {
            Err(TableError::TableDoesNotExist(_)) => return Ok(None),
            opened => opened?,
        };
        Ok(rows.get(key)?.map(|value| value.value().to_vec()))
    }

    fn apply(&self, changes: &[Change], durability: Durability) -> Result<(), Fault> {
        let mut transaction = self.database.begin_write()?;
        transaction
            .set_durability(match durability {
                Durability::Lazy => RedbDurability::None,
                Durability::Synced => RedbDurability::Immediate,
            })
            .map_err(Fault::damaged)?;
        {
            let mut rows = transaction.open_table(ROWS)?;
            for Change { key, value } in changes {
                match value {
                    Some(value) => drop(rows.insert(&**key, &**value)?),
                    None => drop(rows.remove(&**key)?),
                }
            }
        }
        Ok(transaction.commit()?)
    }

    fn scan(
        &self,
        after: Option<&[u8]>,
        bytes: usize,
        visit: &mut dyn FnMut(&[u8], &[u8]),
    ) -> Result<Scanned, Fault> {
        use std::ops::Bound::{Excluded, Unbounded};

        let rows = match self.database.begin_read()?.open_table(ROWS) {
            Err(TableError::TableDoesNotExist(_)) => return Ok(Scanned::Everything),
            opened => opened?,
        };
        let mut shown = 0;
        for entry in rows.range::<&[u8]>((after.map_or(Unbounded, Excluded), Unbounded))? {
            let (key, value) = entry?;
            visit(key.value(), value.value());
            shown += key.value().len() + value.value().len();
            if shown >= bytes {
                return Ok(Scanned::UpTo(key.value().to_vec()));
            }
        }
        Ok(Scanned::Everything)
    }
}

impl From<RedbError> for Fault {
    fn from(error: RedbError) -> Self {
        match error {
            RedbError::Io(error) => error.into(),
            // The file was not touched: someone holds it, or an earlier refusal stands in the way.
            RedbError::DatabaseAlreadyOpen | RedbError::PreviousIo | RedbError::DatabaseClosed => {
                Self::refused(error)
            }
            error => Self::damaged(error),
        }
    }
}

macro_rules! fault_from {
    ($($error:ty),*) => {$(
        impl From<$error> for Fault {
            fn from(error: $error) -> Self {
                RedbError::from(error).into()
            }
        }
    )*};
}
fault_from!(CommitError, DatabaseError, StorageError, TableError, TransactionError);
