//! The header `Event-Seq` of a read.

use axum::extract::FromRequestParts;
use http::{HeaderMap, request::Parts};
use http_server::Problem;
use vacancy_api::EVENT_SEQ;

/// The record that a read must include, from the header `Event-Seq`: the `seq` of an answer that
/// the caller has got. Rejects with 400 when the header is malformed or repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AtLeast(pub Option<u64>);

impl AtLeast {
    /// Reads the header.
    ///
    /// # Errors
    /// A 400 problem when the header is malformed or repeated.
    pub fn from_headers(headers: &HeaderMap) -> Result<Self, Problem> {
        let mut values = headers.get_all(EVENT_SEQ).iter();
        let Some(value) = values.next() else { return Ok(Self(None)) };
        let digits = value.to_str().ok().filter(|text| {
            values.next().is_none() && text.bytes().all(|byte| byte.is_ascii_digit())
        });
        let seq = digits.and_then(|digits| digits.parse().ok());
        seq.map(|seq| Self(Some(seq))).ok_or_else(|| {
            Problem::bad_request("The header Event-Seq is not accepted: it must be a whole number.")
        })
    }

    /// Checks that a read at `seq` includes the record.
    ///
    /// # Errors
    /// A 422 problem when it does not: the event has no such record.
    pub fn check(self, seq: u64) -> Result<(), Problem> {
        match self.0 {
            Some(wanted) if wanted > seq => Err(Problem::validation(format!(
                "Event-Seq is {wanted}, but the event's ledger ends at {seq}."
            ))),
            _ => Ok(()),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for AtLeast {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::from_headers(&parts.headers)
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn parse(values: &[&'static str]) -> Result<Option<u64>, u16> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(EVENT_SEQ, HeaderValue::from_static(value));
        }
        let read = AtLeast::from_headers(&headers);
        read.map(|read| read.0).map_err(|problem| problem.status().as_u16())
    }

    #[test]
    fn a_whole_number_or_nothing() {
        assert_eq!(parse(&[]), Ok(None));
        assert_eq!(parse(&["0"]), Ok(Some(0)));
        assert_eq!(parse(&["18446744073709551615"]), Ok(Some(u64::MAX)));
        for malformed in
            [&[""][..], &["-1"], &["+1"], &["1.0"], &["18446744073709551616"], &["1", "1"]]
        {
            assert_eq!(parse(malformed), Err(400), "{malformed:?}");
        }
    }

    #[test]
    fn a_record_that_does_not_exist_cannot_be_included() {
        assert!(AtLeast(None).check(0).is_ok());
        assert!(AtLeast(Some(7)).check(7).is_ok());
        assert_eq!(AtLeast(Some(8)).check(7).unwrap_err().status().as_u16(), 422);
    }
}
