//! Prices, payments and roles, on every store.

pub mod first;
mod formats;
mod late;
mod limits;
mod payment;
mod sellers;
pub mod shop;
mod totals;
mod twice;

/// A test of each function for each store. A function takes the kit of its store.
macro_rules! on_every_store {
    ($($test:ident),* $(,)?) => {
        mod memory {
            $(#[tokio::test]
            async fn $test() {
                super::$test(crate::conformance::Memory::new().await).await;
            })*
        }

        mod embedded {
            $(#[tokio::test]
            async fn $test() {
                super::$test(crate::conformance::Embedded::new().await).await;
            })*
        }

        mod postgres {
            $(#[tokio::test]
            async fn $test() {
                super::$test(crate::conformance::Shared::new().await).await;
            })*
        }
    };
}
use on_every_store;
