//! The body of a request: read within its limit, unpacked where it came compressed.

use std::io::Read;

use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};

use super::reply::Reply;

/// Reads the whole body; `Err(Some(…))` is the refusal of one that cannot be taken.
pub(super) async fn read(
    body: Incoming,
    headers: &HeaderMap,
    bytes_max: usize,
) -> Result<Bytes, Option<Reply>> {
    let announced = body.size_hint();
    let bytes = match announced.exact() {
        // The common case: the length is known before the first byte is read.
        Some(length) if length <= bytes_max as u64 => {
            body.collect().await.map_err(|_| None)?.to_bytes()
        }
        Some(_) => return Err(Some(too_large(bytes_max))),
        None => match Limited::new(body, bytes_max).collect().await {
            Ok(collected) => collected.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => return Err(Some(too_large(bytes_max))),
            // A request that the client did not finish was never received.
            Err(_) => return Err(None),
        },
    };
    match headers.get(CONTENT_ENCODING).map(|value| value.as_bytes()) {
        None | Some(b"" | b"identity") => Ok(bytes),
        Some(b"gzip") => unpack(&bytes, bytes_max).map_err(Some),
        Some(other) => {
            let text = format!(
                "Content-Encoding '{}' is not supported: gzip is",
                String::from_utf8_lossy(other)
            );
            Err(Some(Reply::text(415, text)))
        }
    }
}

/// Refuses a body that is not SQL but a form with files in it. Managed engines refuse it as well
/// (firebolt-semantics §4).
pub(super) fn refuse_upload(headers: &HeaderMap) -> Option<Reply> {
    let kind = headers.get(CONTENT_TYPE)?.as_bytes();
    kind.starts_with(b"multipart/form-data").then(|| {
        Reply::user_error("not supported by this fake of Firebolt: uploads (multipart/form-data)")
    })
}

fn too_large(bytes_max: usize) -> Reply {
    Reply::text(413, format!("The request body is larger than {bytes_max} bytes"))
}

/// A small body may unpack to more than there is memory, so the limit holds for what comes out.
pub(crate) fn unpack(packed: &[u8], bytes_max: usize) -> Result<Bytes, Reply> {
    let mut bytes = Vec::new();
    let mut reader = flate2::read::MultiGzDecoder::new(packed).take(bytes_max as u64 + 1);
    match reader.read_to_end(&mut bytes) {
        Ok(_) if bytes.len() > bytes_max => Err(too_large(bytes_max)),
        Ok(_) => Ok(Bytes::from(bytes)),
        Err(error) => {
            Err(Reply::text(400, format!("The request body is no whole gzip stream: {error}")))
        }
    }
}
