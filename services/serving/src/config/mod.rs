//! Settings from the environment and a `.env` file, declared once and documented from the same
//! declaration.

mod error;
mod render;
mod secret;
mod settings;
mod source;
mod var;

pub use error::ConfigError;
pub use render::{render_dotenv, render_help, render_markdown};
pub use secret::Secret;
pub use settings::{CorsOrigins, SERVING, ServingSettings};
pub use source::Source;
pub use var::{Group, Var};
