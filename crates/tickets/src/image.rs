//! Images of tickets: QR codes with the quiet zone of four modules that ISO/IEC 18004 asks for.

use png::{BitDepth, ColorType, Compression, Encoder};
use qrcode::{Color, EcLevel, QrCode, render::svg};
use thiserror::Error;

/// Modules without anything on each side.
const QUIET: usize = 4;
/// Pixels of a module's side in a PNG: at 300 dpi, a code of version 8 is 3.9 cm wide.
const MODULE_PIXELS: usize = 8;
/// Pixels of a module's side in an SVG, which has any size.
const SVG_MODULE_PIXELS: u32 = 4;

/// Why a text has no image.
#[derive(Debug, Error)]
pub enum ImageError {
    /// It is too long for a QR code.
    #[error("the text has no QR code: {0}")]
    Code(#[from] qrcode::types::QrError),
    /// The image could not be written.
    #[error("the image could not be written: {0}")]
    Png(#[from] png::EncodingError),
}

fn code(text: &str) -> Result<QrCode, ImageError> {
    Ok(QrCode::with_error_correction_level(text, EcLevel::M)?)
}

/// The QR code of `text` as SVG.
///
/// # Errors
/// [`ImageError::Code`].
pub fn svg(text: &str) -> Result<String, ImageError> {
    let code = code(text)?;
    let mut image = code.render::<svg::Color<'_>>();
    image.module_dimensions(SVG_MODULE_PIXELS, SVG_MODULE_PIXELS).quiet_zone(true);
    Ok(image.dark_color(svg::Color("#000")).light_color(svg::Color("#fff")).build())
}

/// The QR code of `text` as PNG, black and white.
///
/// # Errors
/// [`ImageError`].
pub fn png(text: &str) -> Result<Vec<u8>, ImageError> {
    let code = code(text)?;
    let modules = code.width();
    let width = (modules + 2 * QUIET) * MODULE_PIXELS;
    let row_bytes = width.div_ceil(8);
    // 1 is white.
    let mut pixels = vec![0xff_u8; row_bytes * width];
    for y in 0..modules {
        for x in (0..modules).filter(|x| code[(*x, y)] == Color::Dark) {
            for row in (QUIET + y) * MODULE_PIXELS..(QUIET + y + 1) * MODULE_PIXELS {
                for column in (QUIET + x) * MODULE_PIXELS..(QUIET + x + 1) * MODULE_PIXELS {
                    pixels[row * row_bytes + column / 8] &= !(0x80 >> (column % 8));
                }
            }
        }
    }
    let side = u32::try_from(width).unwrap_or(u32::MAX);
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, side, side);
    encoder.set_color(ColorType::Grayscale);
    encoder.set_depth(BitDepth::One);
    encoder.set_compression(Compression::Fast);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&pixels)?;
    writer.finish()?;
    Ok(file)
}
