//! Step five of a reconciliation: say what was found, and write it only when it says something new.

mod assess;
mod conditions;
pub mod explain;
pub mod rollout;
mod write;

pub use assess::{Outlook, Verdict, assess};
pub use conditions::find as condition;
pub use write::write;

pub const READY: &str = "Ready";
pub const PROGRESSING: &str = "Progressing";
pub const DEGRADED: &str = "Degraded";
pub const PAUSED: &str = "ReconciliationPaused";
pub const STOCK_CHANGE_IGNORED: &str = "StockChangeIgnored";
/// Of kstatus: present only while true.
pub const RECONCILING: &str = "Reconciling";
/// Of kstatus: present only while true.
pub const STALLED: &str = "Stalled";
