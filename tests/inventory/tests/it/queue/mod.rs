//! Waiting rooms, on every store.

mod calls;
pub mod commands;
pub mod crash;
mod draw;
mod ending;
mod formats;
mod freeze;
pub mod host;
mod join;
mod passes;
pub mod room;
pub mod story;
mod transfer;

/// A test of each function for each store. A function takes a room on its store.
macro_rules! on_every_store {
    ($($test:ident),* $(,)?) => {
        mod memory {
            $(#[tokio::test]
            async fn $test() {
                super::$test($crate::queue::room::Room::<$crate::queue::host::Memory>::open().await).await;
            })*
        }

        mod embedded {
            $(#[tokio::test]
            async fn $test() {
                super::$test($crate::queue::room::Room::<$crate::queue::host::Embedded>::open().await).await;
            })*
        }

        mod postgres {
            $(#[tokio::test]
            async fn $test() {
                super::$test($crate::queue::room::Room::<$crate::queue::host::Shared>::open().await).await;
            })*
        }
    };
}
use on_every_store;
