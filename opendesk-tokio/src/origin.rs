//! Whom a request to a server of the loopback interface comes from.
//!
//! Any page of the web can have a browser send requests to 127.0.0.1, and a name that points there makes them look like
//! its own. `Host` tells the second, `Origin` and `Sec-Fetch-Site` the first; a browser lets no page choose them.

use axum::http::{HeaderMap, HeaderName, Uri, header};

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Why a request is not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Foreign {
    /// It is for somebody of another name.
    Name,
    /// It is for two names.
    TwoNames,
    /// Another page asked for it.
    Page,
    /// It came from another page, as by a link in it.
    Site,
}

/// Whether a request is for one of our names, and not from another page. A page of ours has one of `schemes`, such as `http://`.
///
/// # Errors
/// The first thing that is foreign.
pub(crate) fn check(
    uri: &Uri,
    headers: &HeaderMap,
    schemes: &[&str],
    is_ours: impl Fn(&str) -> bool,
) -> Result<(), Foreign> {
    let host = match one(headers, &header::HOST) {
        Ok(Some(host)) if is_ours(host) => host,
        _ => return Err(Foreign::Name),
    };
    if uri.authority().is_some_and(|authority| authority.as_str() != host) {
        return Err(Foreign::TwoNames);
    }
    match one(headers, &header::ORIGIN) {
        Ok(None) => {}
        Ok(Some(origin)) if schemes.iter().any(|scheme| origin.strip_prefix(scheme) == Some(host)) => {}
        _ => return Err(Foreign::Page),
    }
    match one(headers, &FETCH_SITE) {
        Ok(None | Some("same-origin" | "none")) => Ok(()),
        _ => Err(Foreign::Site),
    }
}

/// The token that a request brings.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = one(headers, &header::AUTHORIZATION).ok()??.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The header's one value; `Err` for several of them, and for what is no text.
fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, ()> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(only), None) => only.to_str().map(Some).map_err(drop),
        (Some(_), Some(_)) => Err(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_that_of_the_one_header() {
        let mut headers = HeaderMap::new();
        assert_eq!(bearer(&headers), None);
        for (value, token) in
            [("Bearer abc", Some("abc")), ("bearer abc", Some("abc")), ("Basic abc", None), ("Bearer", None)]
        {
            headers.insert(header::AUTHORIZATION, value.parse().unwrap());
            assert_eq!(bearer(&headers), token, "{value}");
        }
        headers.append(header::AUTHORIZATION, "Bearer abc".parse().unwrap());
        assert_eq!(bearer(&headers), None);
    }
}
