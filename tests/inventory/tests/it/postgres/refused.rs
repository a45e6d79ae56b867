//! Data that the database refuses: they fail their own request, and no other.

use std::time::Duration;

use inventory::CommandKind;
use inventory_engine::{EngineError, Request};
use inventory_postgres::{Postgres, PostgresOptions};
use inventory_store::StoreError;
use test_postgres::Server;

use super::replica::{Replica, sold_by_ledger};
use crate::support::{Database, customer, event, items, key};

const REFUSED: &str = "mallory";

fn buy(name: &str, number: usize) -> Request {
    let kind = CommandKind::Reserve {
        event: event("default"),
        items: items(&[("general", 1)]),
        customer: Some(customer(name)),
        by_seller: false,
        pass: None,
    };
    Request { key: Some(key(&format!("{name}-{number}"))), ..Request::new(kind) }
}

/// Many buyers at once, a tenth of whom a rule of the administrator refuses, on each of two
/// processes.
async fn only_the_culprits_fail(rule: impl Fn(&str) -> String) {
    const BUYERS: usize = 200;
    let database = Database::with(|_| {}).await;
    let replicas =
        [Replica::start(&database.options).await, Replica::start(&database.options).await];
    replicas[0].created("default", 1_000).await;
    // The rule refuses the customer from the second ticket on, where it refuses by uniqueness.
    replicas[0].engine.submit(buy("first", 0)).await.unwrap().result.unwrap();
    Server::common().run("postgres", &rule(&database.options.schema)).await;
    let buyers = (0..BUYERS).map(|number| {
        let engine = replicas[number % 2].engine.clone();
        tokio::spawn(async move {
            let is_culprit = number % 10 == 3;
            let name = if is_culprit { REFUSED.to_owned() } else { format!("buyer-{number}") };
            (is_culprit, engine.submit(buy(&name, number)).await)
        })
    });
    for buyer in buyers.collect::<Vec<_>>() {
        let (is_culprit, reply) = buyer.await.unwrap();
        match reply {
            Err(EngineError::Store(error @ StoreError::Refused(_))) => {
                assert!(is_culprit && error.is_without_effect() && !error.is_fatal(), "{error}");
            }
            Ok(reply) => {
                reply.result.unwrap();
                assert!(!is_culprit, "the rule was not applied");
            }
            Err(error) => panic!("{error}, culprit: {is_culprit}"),
        }
    }
    assert_eq!(sold_by_ledger(&database.postgres, "default").await.0, 1 + 180);
    for replica in &replicas {
        replica.engine.check().unwrap();
        replica.engine.submit(buy("later", 1)).await.unwrap().result.unwrap();
    }
}

fn trigger(schema: &str, raise: &str, kind: &str, timing: &str) -> String {
    format!(
        "CREATE FUNCTION {schema}.rule() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         IF NEW.customer = '{REFUSED}' THEN {raise}; END IF; RETURN NEW; END $$; \
         CREATE {kind} rule {timing} EXECUTE FUNCTION {schema}.rule()"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn check_constraint_fails_only_its_customer() {
    only_the_culprits_fail(|schema| {
        format!("ALTER TABLE {schema}.holds ADD CHECK (customer <> '{REFUSED}')")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trigger_fails_only_its_customer() {
    only_the_culprits_fail(|schema| {
        let on = format!("BEFORE INSERT ON {schema}.customers FOR EACH ROW");
        trigger(schema, "RAISE EXCEPTION 'not this one'", "TRIGGER", &on)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trigger_with_the_code_of_a_missing_right_fails_only_its_customer() {
    only_the_culprits_fail(|schema| {
        let on = format!("BEFORE INSERT ON {schema}.holds FOR EACH ROW");
        trigger(schema, "RAISE insufficient_privilege", "TRIGGER", &on)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deferred_constraint_fails_only_its_customer() {
    only_the_culprits_fail(|schema| {
        let on =
            format!("AFTER INSERT ON {schema}.holds DEFERRABLE INITIALLY DEFERRED FOR EACH ROW");
        trigger(schema, "RAISE check_violation", "CONSTRAINT TRIGGER", &on)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unique_index_of_an_administrator_fails_only_its_customer() {
    only_the_culprits_fail(|schema| {
        format!(
            "CREATE UNIQUE INDEX one ON {schema}.holds ((1)) WHERE customer IN ('{REFUSED}', 'first')"
        )
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn too_narrow_column_fails_only_its_customer() {
    only_the_culprits_fail(|schema| {
        // As an index on an expression: one that cannot be computed refuses the row.
        format!(
            "CREATE INDEX narrow ON {schema}.holds ((CASE WHEN customer = '{REFUSED}' THEN customer ELSE '1' END::int))"
        )
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn database_in_another_encoding_is_refused() {
    let server = tokio::task::spawn_blocking(Server::common).await.unwrap();
    for (encoding, accepted) in
        [("LATIN1", false), ("SQL_ASCII", false), ("EUC_JP", false), ("UTF8", true)]
    {
        let name = format!("encoded_{}", encoding.to_lowercase());
        let create =
            format!("CREATE DATABASE {name} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0");
        server.run("postgres", &create).await;
        let postgres = Postgres::open(PostgresOptions::new(server.url(&name).parse().unwrap()));
        assert_eq!(
            postgres.ready(Duration::from_secs(if accepted { 20 } else { 2 })).await,
            accepted
        );
        match postgres.check() {
            Ok(()) => assert!(accepted),
            Err(error) => {
                assert!(error.to_string().contains("encoding is not UTF8"), "{error}");
                let tables = "SELECT count(*) FROM pg_namespace WHERE nspname = 'ticket_system'";
                assert_eq!(server.ask(&name, tables).await, "0", "nothing was created in it");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pooler_in_front_does_not_hide_the_encoding() {
    let server = tokio::task::spawn_blocking(Server::common).await.unwrap();
    server
        .run("postgres", "CREATE DATABASE pooled ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
        .await;
    let (_bouncer, port, _dir) =
        tokio::task::spawn_blocking(|| test_postgres::bouncer(Server::common())).await.unwrap();
    let url = format!("postgres://postgres@127.0.0.1:{port}/pooled");
    let postgres = Postgres::open(PostgresOptions::new(url.parse().unwrap()));
    assert!(!postgres.ready(Duration::from_secs(2)).await);
    let error = postgres.check().unwrap_err().to_string();
    assert!(error.contains("encoding is not UTF8"), "{error}");
}
