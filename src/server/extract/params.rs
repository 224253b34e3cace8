//! Query parameters and path pieces: every route names those it knows, and a misspelt one is refused instead of ignored.

use std::{ops::RangeInclusive, str::FromStr};

use kith_base::RecordId;
use poem::Request;

use crate::problem::Problem;

/// The query of one request.
pub struct Params(Vec<(String, String)>);

impl Params {
    /// Reads the query; anything that is not in `known`, or comes twice, is refused.
    pub fn of(request: &Request, known: &[&str]) -> Result<Params, Problem> {
        let pairs: Vec<(String, String)> =
            request.params().map_err(|_| Problem::request("the query cannot be read; escape it as a form would"))?;
        for (at, (name, _)) in pairs.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                let shown: String = name.chars().take(40).collect();
                let offer = if known.is_empty() {
                    "none are known here".into()
                } else {
                    format!("known are: {}", known.join(", "))
                };
                return Err(Problem::request(format!("there is no query parameter '{shown}'; {offer}")));
            }
            if pairs[..at].iter().any(|(earlier, _)| earlier == name) {
                return Err(Problem::request(format!("the query parameter '{name}' is given twice")));
            }
        }
        Ok(Params(pairs))
    }

    /// The text of a parameter; an empty one counts as absent.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    pub fn string(&self, name: &str) -> Option<String> {
        self.text(name).map(str::to_string)
    }

    /// A whole number within `range`.
    pub fn number<N: FromStr + PartialOrd + std::fmt::Display>(
        &self,
        name: &str,
        range: RangeInclusive<N>,
    ) -> Result<Option<N>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let number = text.parse::<N>().ok().filter(|number| range.contains(number));
        number.map(Some).ok_or_else(|| {
            let shown: String = text.chars().take(40).collect();
            let (from, to) = range.into_inner();
            Problem::request(format!("'{name}' must be a whole number from {from} to {to}; got '{shown}'"))
        })
    }

    /// `true` or `false`.
    pub fn flag(&self, name: &str, default: bool) -> Result<bool, Problem> {
        match self.text(name) {
            None => Ok(default),
            Some("true" | "1") => Ok(true),
            Some("false" | "0") => Ok(false),
            Some(other) => {
                let shown: String = other.chars().take(40).collect();
                Err(Problem::request(format!("'{name}' must be true or false; got '{shown}'")))
            }
        }
    }

    /// Comma-separated names; none when absent.
    pub fn list(&self, name: &str) -> Option<Vec<String>> {
        let text = self.text(name)?;
        Some(text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_string).collect())
    }
}

/// A record id out of a path or body. An id that cannot exist is simply not found.
pub fn record_id(object: &str, text: &str) -> Result<RecordId, Problem> {
    text.parse().map_err(|error: kith_base::id::BadRecordId| {
        Problem::new("record.not_found", format!("there is no such record in '{object}': {error}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(query: &str) -> Result<Params, Problem> {
        Params::of(&Request::builder().uri_str(format!("/x?{query}")).finish(), &["limit", "q", "total"])
    }

    #[test]
    fn misspelt_and_doubled_parameters_are_refused() {
        let said = params("limti=5").err().unwrap().to_string();
        assert!(said.contains("limti") && said.contains("limit"), "{said}");
        assert!(params("limit=5&limit=6").is_err());
    }

    #[test]
    fn numbers_and_flags_name_what_is_right() {
        let params = params("limit=501&total=maybe&q=a%20b").unwrap();
        assert!(params.number("limit", 1..=500).unwrap_err().to_string().contains("1 to 500"));
        assert!(params.flag("total", true).is_err());
        assert_eq!(params.text("q"), Some("a b"));
    }
}
