//! Credentials as headers carry them: a bearer token, a cookie. Text only; knows no request and looks nobody up.

/// The token in `Authorization: Bearer TOKEN`.
pub fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// The first cookie of that name in the `Cookie` headers.
pub fn cookie<'a>(mut headers: impl Iterator<Item = &'a str>, name: &str) -> Option<&'a str> {
    headers.find_map(|line| {
        line.split(';').find_map(|pair| {
            let (key, value) = pair.split_once('=')?;
            (key.trim() == name).then(|| value.trim())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_among_others() {
        let lines = ["theme=dark; kith_session=abc; x=y", "kith_session=later"];
        assert_eq!(cookie(lines.into_iter(), "kith_session"), Some("abc"));
        assert_eq!(cookie(lines.into_iter(), "session"), None);
        assert_eq!(cookie(["kith_session"].into_iter(), "kith_session"), None);
    }

    #[test]
    fn a_token_needs_its_scheme() {
        assert_eq!(bearer("bEARER  kith_1 "), Some("kith_1"));
        for header in ["", "Bearer", "Bearer ", "Basic eDp5", "kith_1", "Bearerkith_1"] {
            assert_eq!(bearer(header), None, "{header}");
        }
    }
}
