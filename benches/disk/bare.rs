//! The storage engines themselves, with nothing but an encoding of ours on top.

use std::path::Path;

use hybrid_cache_benches::user::User;
use redb::{Database, Durability, ReadableDatabase, TableDefinition};

const USERS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("users");

/// A store of users on one engine.
pub(crate) trait Bare: Send + Sync {
    fn get(&self, id: u64) -> Option<User>;

    /// Stores these users together. They are on the disk after the next [`flush`](Self::flush).
    fn put(&self, users: &[User]);

    /// Forgets a user; it is on the disk afterwards.
    fn remove(&self, id: u64);

    fn flush(&self);
}

pub(crate) struct Redb(Database);

impl Redb {
    pub(crate) fn open(dir: &Path) -> Self {
        std::fs::create_dir_all(dir).unwrap();
        let database = Database::create(dir.join("users.redb")).unwrap();
        let transaction = database.begin_write().unwrap();
        transaction.open_table(USERS).unwrap();
        transaction.commit().unwrap();
        Self(database)
    }
}

impl Bare for Redb {
    fn get(&self, id: u64) -> Option<User> {
        let users = self.0.begin_read().unwrap().open_table(USERS).unwrap();
        users.get(id).unwrap().map(|bytes| postcard::from_bytes(bytes.value()).unwrap())
    }

    fn put(&self, users: &[User]) {
        let mut transaction = self.0.begin_write().unwrap();
        transaction.set_durability(Durability::None).unwrap();
        {
            let mut table = transaction.open_table(USERS).unwrap();
            for user in users {
                table.insert(user.id, &*postcard::to_allocvec(user).unwrap()).unwrap();
            }
        }
        transaction.commit().unwrap();
    }

    fn remove(&self, id: u64) {
        let transaction = self.0.begin_write().unwrap();
        transaction.open_table(USERS).unwrap().remove(id).unwrap();
        transaction.commit().unwrap();
    }

    fn flush(&self) {
        self.0.begin_write().unwrap().commit().unwrap();
    }
}

pub(crate) struct Sled(sled::Db);

impl Sled {
    pub(crate) fn open(dir: &Path) -> Self {
        Self(sled::Config::new().path(dir).mode(sled::Mode::HighThroughput).open().unwrap())
    }
}

impl Bare for Sled {
    fn get(&self, id: u64) -> Option<User> {
        self.0.get(id.to_be_bytes()).unwrap().map(|bytes| postcard::from_bytes(&bytes).unwrap())
    }

    fn put(&self, users: &[User]) {
        if let [user] = users {
            self.0.insert(user.id.to_be_bytes(), postcard::to_allocvec(user).unwrap()).unwrap();
            return;
        }
        let mut batch = sled::Batch::default();
        for user in users {
            batch.insert(&user.id.to_be_bytes(), postcard::to_allocvec(user).unwrap());
        }
        self.0.apply_batch(batch).unwrap();
    }

    fn remove(&self, id: u64) {
        self.0.remove(id.to_be_bytes()).unwrap();
        self.flush();
    }

    fn flush(&self) {
        self.0.flush().unwrap();
    }
}
