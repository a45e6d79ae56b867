//! `openapi`: printing the document.

use std::process::ExitCode;

use utoipa::openapi::OpenApi;

/// Prints an OpenAPI document.
#[allow(clippy::print_stdout)] // its purpose
pub fn print_openapi(document: std::io::Result<OpenApi>) -> ExitCode {
    match document.map(|document| document.to_pretty_json()) {
        Ok(Ok(text)) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Ok(Err(error)) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
