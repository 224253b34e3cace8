//! Compresses answers that gain from it, in an encoding the client accepts. Requests are never decompressed: a small body
//! could unfold into a huge one.

use hyper::body::{Body as _, Bytes};
use poem::{
    Body, IntoResponse, Response,
    http::{HeaderMap, HeaderValue, header},
    web::{Compress, CompressionAlgo, CompressionLevel},
};

use crate::problem::{PROBLEM_JSON, Problem};

/// Answers below this go as they are; they fit into one or two packets anyway.
const FROM_BYTES: u64 = 1024;

/// An encoding, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Coding {
    Brotli,
    Zstd,
    Gzip,
}

impl Coding {
    pub fn name(self) -> &'static str {
        match self {
            Coding::Brotli => "br",
            Coding::Zstd => "zstd",
            Coding::Gzip => "gzip",
        }
    }

    fn algorithm(self) -> CompressionAlgo {
        match self {
            Coding::Brotli => CompressionAlgo::BR,
            Coding::Zstd => CompressionAlgo::ZSTD,
            Coding::Gzip => CompressionAlgo::GZIP,
        }
    }
}

/// The encodings that a client accepts (weight above zero), best first.
fn accepted_all(headers: &HeaderMap) -> Vec<Coding> {
    let lines = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let mut codings: Vec<Coding> = lines
        .flat_map(|line| line.split(','))
        .filter_map(|part| {
            let mut pieces = part.split(';').map(str::trim);
            let name = pieces.next().unwrap_or_default();
            let refused = pieces.any(|piece| piece.strip_prefix("q=").is_some_and(|q| q.parse::<f32>() == Ok(0.0)));
            let coding =
                [Coding::Brotli, Coding::Zstd, Coding::Gzip].into_iter().find(|c| c.name().eq_ignore_ascii_case(name));
            coding.filter(|_| !refused)
        })
        .collect();
    codings.sort();
    codings
}

/// The smallest encoding for what is compressed once and sent many times.
pub fn accepted(headers: &HeaderMap) -> Option<Coding> {
    accepted_all(headers).first().copied()
}

/// The quickest encoding for what is compressed for one answer.
pub fn accepted_quick(headers: &HeaderMap) -> Option<Coding> {
    let all = accepted_all(headers);
    [Coding::Zstd, Coding::Gzip, Coding::Brotli].into_iter().find(|coding| all.contains(coding))
}

/// Whether content of this type shrinks.
pub fn worthwhile(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default();
    essence.starts_with("text/") && essence != "text/event-stream"
        || matches!(
            essence,
            "application/json" | "application/manifest+json" | "application/jsonl" | "image/svg+xml" | PROBLEM_JSON
        )
}

/// Compresses `data` as well as possible.
pub async fn once(data: Bytes, coding: Coding) -> Result<Bytes, Problem> {
    // Level 9 of brotli's 11: the last two cost ten times the time for some percent.
    let level = if coding == Coding::Brotli { CompressionLevel::Precise(9) } else { CompressionLevel::Default };
    let packed = Compress::new(Body::from_bytes(data), coding.algorithm()).with_quality(level).into_response();
    packed.into_body().into_bytes().await.map_err(Problem::internal)
}

/// Compresses an answer on its way out, when it gains and nobody did it before.
pub fn answer(mut answer: Response, coding: Option<Coding>) -> Response {
    let gains =
        answer.content_type().is_some_and(worthwhile) && !answer.headers().contains_key(header::CONTENT_ENCODING);
    if !gains {
        return answer;
    }
    answer.headers_mut().append(header::VARY, HeaderValue::from_static("accept-encoding"));
    let Some(coding) = coding else { return answer };
    let body: http_body_util::combinators::BoxBody<Bytes, std::io::Error> = answer.take_body().into();
    let small = body.size_hint().upper().is_some_and(|bytes| bytes < FROM_BYTES);
    answer.set_body(Body::from(body));
    if small {
        answer
    } else {
        Compress::new(answer, coding.algorithm()).with_quality(CompressionLevel::Fastest).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(accept: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_str(accept).unwrap())])
    }

    #[test]
    fn refused_and_unknown_encodings_are_not_used() {
        assert_eq!(accepted(&headers("gzip, deflate, br, zstd")), Some(Coding::Brotli));
        assert_eq!(accepted_quick(&headers("gzip, deflate, br, zstd")), Some(Coding::Zstd));
        assert_eq!(accepted(&headers("br;q=0, gzip;q=0.5")), Some(Coding::Gzip));
        assert_eq!(accepted(&headers("snappy")), None);
    }

    #[test]
    fn live_streams_and_pictures_stay_as_they_are() {
        assert!(worthwhile("application/json; charset=utf-8") && worthwhile("text/csv"));
        assert!(!worthwhile("text/event-stream") && !worthwhile("image/png"));
    }
}
