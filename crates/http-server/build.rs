//! Compresses the files of Swagger UI that the page refers to, so that the binaries hold those
//! alone: the package has its scripts in four editions.

#[cfg(feature = "swagger-ui")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    swagger_ui::build()
}

#[cfg(not(feature = "swagger-ui"))]
fn main() {}

#[cfg(feature = "swagger-ui")]
mod swagger_ui {
    use std::{env, error::Error, fs::File, io::Write, path::PathBuf, sync::Arc};

    use flate2::{Compression, write::GzEncoder};
    use utoipa_swagger_ui::{Config, serve};

    // Also in src/docs/mod.rs.
    const OPENAPI_PATH: &str = "/openapi.json";

    const FILES: [&str; 8] = [
        "index.html",
        "swagger-ui.css",
        "index.css",
        "swagger-ui-bundle.js",
        "swagger-ui-standalone-preset.js",
        "swagger-initializer.js",
        "favicon-16x16.png",
        "favicon-32x32.png",
    ];

    pub fn build() -> Result<(), Box<dyn Error>> {
        println!("cargo::rerun-if-changed=build.rs");
        let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
        // "none": by default the page sends the document to an outside service for validation.
        let config =
            Arc::new(Config::from(OPENAPI_PATH).validator_url("none").try_it_out_enabled(true));
        for name in FILES {
            let file = serve(name, config.clone())?
                .ok_or_else(|| format!("Swagger UI no longer has the file {name}"))?;
            let content = match name {
                "index.html" => absolute_links(&file.bytes),
                _ => file.bytes.into_owned(),
            };
            let out = File::create(out.join(format!("{name}.gz")))?;
            let mut encoder = GzEncoder::new(out, Compression::best());
            encoder.write_all(&content)?;
            encoder.finish()?;
        }
        Ok(())
    }

    /// The page's links are relative to `/docs/`, but it is served at `/docs` as well.
    fn absolute_links(page: &[u8]) -> Vec<u8> {
        let page = String::from_utf8_lossy(page);
        page.replace("\"./", "\"/docs/")
            .replace("\"index.css\"", "\"/docs/index.css\"")
            .into_bytes()
    }
}
