//! Follows the file of signing keys while the service runs.

use std::time::Duration;

use signing::LiveKeys;
use tokio::{task::spawn_blocking, time::sleep};

/// The time between two looks at the file.
const INTERVAL: Duration = Duration::from_secs(1);

/// Reads the file of `keys` again and again, and logs what changes. Without a file it ends at once.
pub async fn follow(keys: LiveKeys) {
    let mut is_kept = false;
    while keys.file().is_some() {
        sleep(INTERVAL).await;
        let reading = keys.clone();
        match spawn_blocking(move || reading.reload()).await {
            Ok(Ok(false)) => is_kept = false,
            Ok(Ok(true)) => {
                is_kept = false;
                tracing::info!("signing keys reloaded");
            }
            Ok(Err(error)) => {
                if !is_kept {
                    tracing::warn!(%error, "signing keys cannot be reloaded; the last ones stay valid");
                }
                is_kept = true;
            }
            Err(error) => tracing::error!(%error, "the reload of signing keys failed"),
        }
    }
}
