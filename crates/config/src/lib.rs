//! Settings from the environment and a `.env` file, declared once and documented from the same
//! declaration.

mod error;
mod render;
mod secret;
mod source;
mod var;

pub use error::ConfigError;
pub use render::{render_dotenv, render_help, render_markdown};
pub use secret::Secret;
pub use source::Source;
pub use var::{Group, Var};
