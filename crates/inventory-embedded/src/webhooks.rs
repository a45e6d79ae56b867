//! Receivers of the ledger, in one file of the data directory. A change replaces the file as a
//! whole. Only its owner may read it: it has the secrets of the receivers.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use inventory::domain::EventName;
use inventory_store::{BoxFuture, Claim, StoreError, StoredWebhook, WebhookStore};
use parking_lot::Mutex;

use crate::data_dir::rename;

const FILE: &str = "webhooks.json";

/// The receivers of one process, which delivers to all of them.
#[derive(Clone)]
pub struct EmbeddedWebhooks(Arc<Mutex<Contents>>);

struct Contents {
    /// `None`: they are in memory alone.
    path: Option<PathBuf>,
    webhooks: BTreeMap<String, StoredWebhook>,
}

impl EmbeddedWebhooks {
    /// Reads the receivers in the data directory `dir`.
    ///
    /// # Errors
    /// [`StoreError`] when the file cannot be read.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        let path = dir.join(FILE);
        let webhooks = match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice::<Vec<StoredWebhook>>(&bytes)
                .map_err(|error| failed(&path, &error))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(failed(&path, &error)),
        };
        let webhooks =
            webhooks.into_iter().map(|webhook| (webhook.name.clone(), webhook)).collect();
        Ok(Self(Arc::new(Mutex::new(Contents { path: Some(path), webhooks }))))
    }

    /// Receivers that are forgotten with the process.
    #[must_use]
    pub fn in_memory() -> Self {
        Self(Arc::new(Mutex::new(Contents { path: None, webhooks: BTreeMap::new() })))
    }

    /// Changes the receivers with `change`, which returns whether it has changed something.
    fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut BTreeMap<String, StoredWebhook>) -> (T, bool) + Send + 'static,
    ) -> BoxFuture<'_, Result<T, StoreError>> {
        let contents = self.0.clone();
        Box::pin(async move {
            // It waits for the disk.
            let changed = tokio::task::spawn_blocking(move || contents.lock().change(change));
            changed.await.map_err(|error| StoreError::Unavailable(error.to_string().into()))?
        })
    }
}

impl Contents {
    fn change<T>(
        &mut self,
        change: impl FnOnce(&mut BTreeMap<String, StoredWebhook>) -> (T, bool),
    ) -> Result<T, StoreError> {
        let mut webhooks = self.webhooks.clone();
        let (result, is_changed) = change(&mut webhooks);
        if is_changed {
            if let Some(path) = &self.path {
                write(path, &webhooks.values().collect::<Vec<_>>())
                    .map_err(|error| failed(path, &error))?;
            }
            self.webhooks = webhooks;
        }
        Ok(result)
    }
}

fn write(path: &Path, webhooks: &[&StoredWebhook]) -> io::Result<()> {
    let new = path.with_extension("new");
    let _ = fs::remove_file(&new);
    let mut file: File = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    serde_json::to_writer(&mut file, webhooks)?;
    file.flush()?;
    file.sync_all()?;
    rename(&new, path).map_err(io::Error::other)
}

fn failed(path: &Path, error: &dyn std::error::Error) -> StoreError {
    StoreError::Unavailable(format!("{}: {error}", path.display()).into())
}

impl WebhookStore for EmbeddedWebhooks {
    fn list(&self) -> BoxFuture<'_, Result<Vec<StoredWebhook>, StoreError>> {
        let webhooks = self.0.lock().webhooks.values().cloned().collect();
        Box::pin(std::future::ready(Ok(webhooks)))
    }

    fn put(
        &self,
        name: String,
        settings: String,
        cursors: BTreeMap<EventName, u64>,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        self.change(move |webhooks| {
            let Some(known) = webhooks.get_mut(&name) else {
                let webhook = StoredWebhook {
                    name: name.clone(),
                    settings,
                    state: String::new(),
                    version: 1,
                    cursors,
                };
                webhooks.insert(name, webhook);
                return (true, true);
            };
            known.settings = settings;
            known.state.clear();
            known.version += 1;
            (false, true)
        })
    }

    fn delete(&self, name: String) -> BoxFuture<'_, Result<bool, StoreError>> {
        self.change(move |webhooks| {
            let existed = webhooks.remove(&name).is_some();
            (existed, existed)
        })
    }

    fn seek(
        &self,
        name: String,
        event: EventName,
        seq: u64,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        self.change(move |webhooks| {
            let Some(known) = webhooks.get_mut(&name) else { return (false, false) };
            known.cursors.insert(event, seq);
            known.state.clear();
            known.version += 1;
            (true, true)
        })
    }

    fn lease(&self, claim: Claim, _: Duration) -> BoxFuture<'_, Result<bool, StoreError>> {
        let webhooks = &self.0.lock().webhooks;
        let is_current =
            webhooks.get(&claim.name).is_some_and(|known| known.version == claim.version);
        Box::pin(std::future::ready(Ok(is_current)))
    }

    fn release(&self, _: Claim) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn advance(
        &self,
        claim: Claim,
        cursor: Option<(EventName, u64)>,
        state: String,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        self.change(move |webhooks| {
            let known =
                webhooks.get_mut(&claim.name).filter(|known| known.version == claim.version);
            let Some(known) = known else { return (false, false) };
            if let Some((event, seq)) = cursor {
                known.cursors.insert(event, seq);
            }
            known.state = state;
            (true, true)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use uuid::Uuid;

    use super::*;

    #[tokio::test]
    async fn what_is_written_is_there_after_a_start_and_for_the_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let event = EventName::new("gala").unwrap();
        let store = EmbeddedWebhooks::open(dir.path()).unwrap();
        assert!(
            store.put("shop".to_owned(), "settings".to_owned(), BTreeMap::new()).await.unwrap()
        );
        let claim = Claim { name: "shop".to_owned(), version: 1, owner: Uuid::nil() };
        assert!(store.lease(claim.clone(), Duration::ZERO).await.unwrap());
        let cursor = Some((event.clone(), 7));
        assert!(store.advance(claim.clone(), cursor, "fine".to_owned()).await.unwrap());
        let known = EmbeddedWebhooks::open(dir.path()).unwrap().list().await.unwrap();
        assert_eq!(known, store.list().await.unwrap());
        assert_eq!((known[0].cursors[&event], known[0].state.as_str()), (7, "fine"));
        let mode = fs::metadata(dir.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);

        assert!(store.seek("shop".to_owned(), event.clone(), 2).await.unwrap());
        let late = store.advance(claim.clone(), Some((event.clone(), 9)), String::new()).await;
        assert!(!late.unwrap(), "a replay is not undone by a delivery that was under way");
        assert!(!store.lease(claim, Duration::ZERO).await.unwrap());
        assert_eq!(store.list().await.unwrap()[0].cursors[&event], 2);
        assert!(store.delete("shop".to_owned()).await.unwrap());
        assert!(!store.delete("shop".to_owned()).await.unwrap());
        assert!(EmbeddedWebhooks::open(dir.path()).unwrap().list().await.unwrap().is_empty());
    }
}
