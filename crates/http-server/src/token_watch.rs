//! Follows the file of tokens while the service runs.

use std::time::Duration;

use config::{LiveTokens, Reload};
use futures::future::join3;
use tokio::{task::spawn_blocking, time::sleep};

use crate::extract::RoleTokens;

/// The time between two looks at the file. A volume of Kubernetes shows a new value within about a
/// minute, so a shorter one would gain nothing.
const INTERVAL: Duration = Duration::from_secs(1);

/// Follows the files of all roles. Without any it ends at once.
pub async fn follow_roles(RoleTokens { admin, seller, gate }: RoleTokens) {
    join3(
        follow("ADMIN_TOKEN_FILE", admin),
        follow("SELLER_TOKEN_FILE", seller),
        follow("GATE_TOKEN_FILE", gate),
    )
    .await;
}

/// Reads the file of `tokens` again and again, and logs what changes. `name` is that of its
/// setting. Without a file it ends at once.
async fn follow(name: &'static str, tokens: LiveTokens) {
    let mut is_kept = false;
    while tokens.has_file() {
        sleep(INTERVAL).await;
        let reading = tokens.clone();
        match spawn_blocking(move || reading.reload()).await {
            Ok(Reload::Unchanged) => is_kept = false,
            Ok(Reload::Changed { count }) => {
                is_kept = false;
                tracing::info!(setting = name, tokens = count, "tokens reloaded");
            }
            Ok(Reload::Kept(error)) => {
                if !is_kept {
                    tracing::warn!(
                        setting = name,
                        %error,
                        "tokens cannot be reloaded; the last ones stay valid"
                    );
                }
                is_kept = true;
            }
            Err(error) => tracing::error!(setting = name, %error, "the reload of tokens failed"),
        }
    }
}
