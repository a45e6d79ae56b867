//! Waiting lists for tickets that return, on every store.

mod crash;
pub mod desk;
mod ending;
mod join;
mod limits;
mod many;
mod offers;
mod order;
mod property;
mod returns;
mod shared;
pub mod story;
mod transfer;

/// A test of each function for each store. A function takes a desk on its store.
macro_rules! on_every_store {
    ($($test:ident),* $(,)?) => {
        mod memory {
            $(#[tokio::test]
            async fn $test() {
                super::$test($crate::waitlist::desk::Desk::<$crate::queue::host::Memory>::open().await).await;
            })*
        }

        mod embedded {
            $(#[tokio::test]
            async fn $test() {
                super::$test($crate::waitlist::desk::Desk::<$crate::queue::host::Embedded>::open().await).await;
            })*
        }

        mod postgres {
            $(#[tokio::test]
            async fn $test() {
                super::$test($crate::waitlist::desk::Desk::<$crate::queue::host::Shared>::open().await).await;
            })*
        }
    };
}
use on_every_store;
