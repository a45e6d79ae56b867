//! The seller's token is rotated while ticket and vacancy read their files at different times.

use std::{fs, path::Path, time::Duration};

use reqwest::Method;
use serde_json::json;
use system_tests::{Client, Process};

const OLD: &str = "the-old-token-of-the-seller";
const NEW: &str = "the-new-token-of-the-seller";
/// Longer than the time between two looks at the file.
const RELOAD: Duration = Duration::from_millis(2_500);

/// ticket and vacancy, each with a file of its own, and an event that the seller alone sells.
struct Shop {
    dir: tempfile::TempDir,
    ticket: Process,
    _vacancy: Process,
}

impl Shop {
    async fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for name in ["ticket", "vacancy"] {
            fs::write(dir.path().join(name), OLD).unwrap();
        }
        let file = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
        let (of_ticket, of_vacancy) = (file("ticket"), file("vacancy"));
        let env = |file| [("SELLER_TOKEN", ""), ("SELLER_TOKEN_FILE", file)];
        let vacancy = Process::vacancy(&dir.path().join("data"), &env(&of_vacancy)).await;
        let put = json!({"stocks": {"general": 100}, "sell_by": "seller"});
        assert_eq!(vacancy.client().put_event("default", put).await.status, 200);
        let ticket = Process::ticket(vacancy.base(), &env(&of_ticket)).await;
        Self { dir, ticket, _vacancy: vacancy }
    }

    /// Gives `tokens` to one service after the other, and buys with `token` at each moment.
    async fn store(&self, tokens: &str, order: [&str; 2], token: &str) -> Vec<u16> {
        let mut seen = Vec::new();
        for name in order {
            replace(&self.dir.path().join(name), tokens);
            tokio::time::sleep(RELOAD).await;
            seen.push(buy(&self.ticket.client(), token).await);
        }
        seen
    }
}

/// A reader never sees a part of the file.
fn replace(file: &Path, content: &str) {
    let next = file.with_extension("next");
    fs::write(&next, content).unwrap();
    fs::rename(next, file).unwrap();
}

async fn buy(client: &Client, token: &str) -> u16 {
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str())];
    let body = Some(json!({"qty": 1}));
    client.call(Method::POST, "/api/v1/purchase", &headers, body).await.unwrap().status
}

/// The steps of docs/operator.md, whichever service reads its file first.
#[tokio::test]
async fn documented_steps_refuse_no_call() {
    let both = |one: &str, two: &str| format!("{one},{two}");
    let rotate = |order: [&'static str; 2]| async move {
        let shop = Shop::open().await;
        assert_eq!(buy(&shop.ticket.client(), OLD).await, 200);
        for (tokens, token) in [(both(OLD, NEW), OLD), (both(NEW, OLD), NEW), (NEW.to_owned(), NEW)]
        {
            assert_eq!(shop.store(&tokens, order, token).await, [200, 200], "{tokens} {order:?}");
        }
        assert_eq!(buy(&shop.ticket.client(), OLD).await, 403, "the old one is worthless");
    };
    tokio::join!(rotate(["ticket", "vacancy"]), rotate(["vacancy", "ticket"]));
}

/// Why NEW,OLD comes before NEW: ticket calls vacancy with the first token of its file.
#[tokio::test]
async fn skipped_step_refuses_calls_until_ticket_follows() {
    let shop = Shop::open().await;
    let both = format!("{OLD},{NEW}");
    assert_eq!(shop.store(&both, ["ticket", "vacancy"], OLD).await, [200, 200]);
    assert_eq!(shop.store(NEW, ["vacancy", "ticket"], NEW).await, [403, 200]);
}
