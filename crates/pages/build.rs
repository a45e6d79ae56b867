//! Compresses the assets ahead of time, and names them by their content.

use std::{
    env, fs,
    io::{self, Write},
    path::Path,
};

use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};

/// The assets: the constant, the file, the content type.
const ASSETS: [(&str, &str, &str); 3] = [
    ("ICON", "icon.svg", "image/svg+xml"),
    ("STYLE", "style.css", "text/css; charset=utf-8"),
    ("SCRIPT", "page.js", "text/javascript; charset=utf-8"),
];

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=assets");
    let out = env::var("OUT_DIR").map_err(io::Error::other)?;
    let mut table = String::new();
    for (constant, file, content_type) in ASSETS {
        let plain = fs::read(Path::new("assets").join(file))?;
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&plain)?;
        let gzip = Path::new(&out).join(format!("{file}.gz"));
        fs::write(&gzip, encoder.finish()?)?;
        fs::write(Path::new(&out).join(file), &plain)?;
        let hash = const_hex::encode(&Sha256::digest(&plain)[..8]);
        let (stem, ending) = file.split_once('.').unwrap_or((file, ""));
        table += &format!(
            "pub const {constant}: Asset = Asset {{\n\
             \x20   path: \"/assets/{stem}.{hash}.{ending}\",\n\
             \x20   tag: \"\\\"{hash}\\\"\",\n\
             \x20   content_type: \"{content_type}\",\n\
             \x20   plain: include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{file}\")),\n\
             \x20   gzip: include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{file}.gz\")),\n\
             }};\n"
        );
    }
    fs::write(Path::new(&out).join("assets.rs"), table)
}
