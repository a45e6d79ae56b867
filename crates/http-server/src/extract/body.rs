//! Whole bodies.

use std::error::Error;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;

use crate::{middleware::BodyError, problem::Problem};

/// Of UTF-8 and UTF-16.
const BYTE_ORDER_MARKS: [&[u8]; 3] = [b"\xef\xbb\xbf", b"\xfe\xff", b"\xff\xfe"];

/// Reads the whole body, without a copy when it arrives in one piece. The middleware limits its
/// size and time.
///
/// # Errors
/// A 413 or 408 problem by these limits, 400 when it cannot be read.
pub async fn read_body(mut body: Body) -> Result<Bytes, Problem> {
    let mut first = Bytes::new();
    let mut rest: Option<BytesMut> = None;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|error| problem(&error))?.into_data() else { continue };
        match &mut rest {
            Some(rest) => rest.extend_from_slice(&data),
            None if first.is_empty() => first = data,
            None => {
                let mut all = BytesMut::with_capacity(first.len() + data.len());
                all.extend_from_slice(&first);
                all.extend_from_slice(&data);
                rest = Some(all);
            }
        }
    }
    Ok(rest.map_or(first, BytesMut::freeze))
}

/// As [`read_body`], for JSON.
pub(super) async fn read_json(body: Body) -> Result<Bytes, Problem> {
    let bytes = read_body(body).await?;
    if BYTE_ORDER_MARKS.iter().any(|mark| bytes.starts_with(mark)) {
        return Err(Problem::malformed_json(
            "The body begins with a byte order mark; send JSON in UTF-8 without one.",
        ));
    }
    Ok(bytes)
}

fn problem(error: &axum::Error) -> Problem {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(known) = error.downcast_ref::<BodyError>() {
            return Problem::from(*known);
        }
        cause = error.source();
    }
    Problem::bad_request("The body could not be read.")
}
