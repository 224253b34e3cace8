//! The languages that a client would like, best first, from `Accept-Language`. A wish that cannot be read is none.

use poem::{FromRequest, Request, RequestBody, Result, http::header};

/// Languages looked at; nobody speaks more.
const LANGUAGES_MAX: usize = 10;

const TAG_BYTES_MAX: usize = 35;

/// See the module. Empty: no wish.
pub struct Languages(pub Vec<String>);

impl<'a> FromRequest<'a> for Languages {
    async fn from_request(request: &'a Request, _: &mut RequestBody) -> Result<Self> {
        let header = request.headers().get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        Ok(Languages(header.map(read).unwrap_or_default()))
    }
}

fn read(header: &str) -> Vec<String> {
    let wish = |part: &str| {
        let (tag, rest) = part.split_once(';').unwrap_or((part, ""));
        let weight = rest.trim().strip_prefix("q=").map_or(Some(1.0), |q| q.trim().parse::<f32>().ok())?;
        let tag = tag.trim();
        let plain = !tag.is_empty() && tag.len() <= TAG_BYTES_MAX;
        (plain && weight > 0.0 && tag.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'))
            .then(|| (tag.to_string(), weight))
    };
    let mut wishes: Vec<(String, f32)> = header.split(',').filter_map(wish).take(LANGUAGES_MAX).collect();
    wishes.sort_by(|a, b| b.1.total_cmp(&a.1));
    wishes.into_iter().map(|(tag, _)| tag).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_are_in_their_order_and_nonsense_is_left_out() {
        assert_eq!(read("da, en-GB;q=0.8, it;q=0.9"), ["da", "it", "en-GB"]);
        assert_eq!(read("*, it;q=0, fr;q=x, <b>"), Vec::<String>::new());
        assert_eq!(read(""), Vec::<String>::new());
    }
}
