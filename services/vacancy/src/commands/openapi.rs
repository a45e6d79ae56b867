//! `openapi`: printing the document.

use std::{io, process::ExitCode};

use http_server::program;
use utoipa::openapi::OpenApi;

/// Prints an OpenAPI document; `name` is the program's.
pub fn print_openapi(name: &str, document: io::Result<OpenApi>) -> ExitCode {
    let text = document
        .and_then(|document| document.to_pretty_json().map_err(io::Error::from))
        .map(|text| text + "\n");
    match text {
        Ok(text) => program::print(name, &text),
        Err(error) => program::fail(name, &error),
    }
}
