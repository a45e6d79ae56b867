//! Makes and compresses the files of the documentation pages, so that the binaries hold those few
//! alone: Swagger UI comes with its scripts in four editions, and Redoc's page is a megabyte.

use std::{env, error::Error, fs::File, io::Write, path::PathBuf, sync::Arc};

use aide::redoc::Redoc;
use flate2::{Compression, write::GzEncoder};
use utoipa_swagger_ui::{Config, serve};

// Also in src/docs.
const OPENAPI_PATH: &str = "/openapi.json";
const TITLE: &str = "{{title}}";

/// The one image that Redoc's script would load from elsewhere, and what stands for it: one that
/// fails at once, which Redoc then hides.
const LOGO_URL: &str = "https://cdn.redoc.ly/redoc/logo-mini.svg";
const NO_IMAGE: &str = "data:,";

const SWAGGER_FILES: [&str; 8] = [
    "index.html",
    "swagger-ui.css",
    "index.css",
    "swagger-ui-bundle.js",
    "swagger-ui-standalone-preset.js",
    "swagger-initializer.js",
    "favicon-16x16.png",
    "favicon-32x32.png",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    let write = |name: &str, content: &[u8]| {
        let mut encoder =
            GzEncoder::new(File::create(out.join(format!("{name}.gz")))?, Compression::best());
        encoder.write_all(content)?;
        encoder.finish()
    };
    write("redoc.html", redoc()?.as_bytes())?;
    // "none": by default the page would have an outside service check the document.
    let config =
        Arc::new(Config::from(OPENAPI_PATH).validator_url("none").try_it_out_enabled(true));
    for name in SWAGGER_FILES {
        let file = serve(name, config.clone())?
            .ok_or_else(|| format!("Swagger UI has no {name} any more"))?;
        write(
            name,
            if name == "index.html" {
                absolute_links(&file.bytes)
            } else {
                file.bytes.into_owned()
            }
            .as_slice(),
        )?;
    }
    Ok(())
}

fn redoc() -> Result<String, &'static str> {
    let page = Redoc::new(OPENAPI_PATH).with_title(TITLE).html();
    if page.contains(LOGO_URL) {
        Ok(page.replace(LOGO_URL, NO_IMAGE))
    } else {
        Err("Redoc's logo is not where it was: see what the page loads from elsewhere now")
    }
}

/// The page's links are relative to `/docs/`, but it is served at `/docs` as well.
fn absolute_links(page: &[u8]) -> Vec<u8> {
    let page = String::from_utf8_lossy(page);
    page.replace("\"./", "\"/docs/").replace("\"index.css\"", "\"/docs/index.css\"").into_bytes()
}
