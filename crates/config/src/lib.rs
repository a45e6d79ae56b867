//! Settings of a binary, from the environment and a `.env` file.
//!
//! A setting is one field of a `#[derive(clap::Args)]` struct. Its attributes are the only place
//! that names the variable, its default and the accepted values; its doc comment is its help:
//!
//! ```
//! use config::{Source, accept};
//!
//! #[derive(Debug, clap::Args)]
//! #[command(next_help_heading = "Limits")]
//! struct Limits {
//!     /// Maximum quantity of one request.
//!     #[arg(env = "MAX_QTY", default_value = "100", value_parser = accept::range(1..=500_u64))]
//!     max_qty: u64,
//! }
//!
//! let source = Source::from_pairs([("max_qty", "20")]);
//! assert_eq!(config::read::<Limits>(&source)?.max_qty, 20);
//!
//! let error = config::read::<Limits>(&Source::from_pairs([("MAX_QTY", "0")])).unwrap_err();
//! assert_eq!(error.to_string(), "MAX_QTY: \"0\" is not accepted; expected 1 to 500");
//! # Ok::<(), config::ConfigError>(())
//! ```
//!
//! The same declaration renders `--help`, the reference table and `.env.example`. Secrets carry
//! `hide_env_values = true`.
//!
//! [`parse`] reads a command line with such arguments: there each of them needs `long`, and the
//! flag wins over the environment. Secrets do not belong there, because other users of the machine
//! can read command lines.

pub mod accept;
mod dotenv;
mod error;
mod http_url;
mod misspelt;
mod read;
mod render;
mod secret;
mod setting;
mod source;
mod tokens;

pub use error::ConfigError;
pub use http_url::{http_path, is_host};
pub use misspelt::warnings;
pub use read::{defaults, parse, read};
pub use render::{render_dotenv, render_help, render_markdown};
pub use secret::Secret;
pub use source::Source;
pub use tokens::{LiveTokens, Reload, TokenFileError, Tokens, tokens};
