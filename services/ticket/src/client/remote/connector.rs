//! The interface that opens connections to one endpoint of vacancy.

use std::net::IpAddr;

use public_api::BoxFuture;

use super::transport::Transport;

/// Opens connections to endpoints.
pub trait Connector: Send + Sync + 'static {
    /// Returns the connections to the endpoint at `ip`. None is opened yet.
    ///
    /// # Errors
    /// The reason in words.
    fn open(&self, ip: IpAddr) -> Result<Box<dyn Transport>, String>;

    /// Checks whether the endpoint at `ip` accepts a connection, within a time of its own.
    fn accepts(&self, ip: IpAddr) -> BoxFuture<'_, bool>;
}
