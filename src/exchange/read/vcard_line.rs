//! One logical line of a vCard: unfolding, group, parameters, escapes, quoted-printable and character sets. Knows no property's meaning.

use encoding_rs::Encoding;

/// A property as written, its value decoded and still escaped.
#[derive(Debug)]
pub struct Property {
    /// `item1` of `item1.EMAIL`, lower case.
    pub group: Option<String>,
    /// Upper case.
    pub name: String,
    /// Names in upper case; parameters without a name (2.1) are types.
    parameters: Vec<(String, String)>,
    value: String,
}

/// Logical lines with the number of the physical line each starts on.
pub fn unfold(text: &str) -> Vec<(u64, String)> {
    let mut lines: Vec<(u64, String)> = Vec::new();
    let mut soft = false;
    for (at, line) in text.lines().enumerate() {
        let folded = line.starts_with([' ', '\t']) && !soft;
        match lines.last_mut() {
            Some((_, last)) if soft => last.push_str(line.trim_start()),
            Some((_, last)) if folded => last.push_str(&line[1..]),
            _ => lines.push((at as u64 + 1, line.to_string())),
        }
        soft = false;
        if let Some((_, last)) = lines.last_mut()
            && last.ends_with('=')
            && is_quoted_printable(last)
        {
            last.pop();
            soft = true;
        }
    }
    lines
}

fn is_quoted_printable(line: &str) -> bool {
    line.split_once(':').is_some_and(|(head, _)| head.to_ascii_uppercase().contains("QUOTED-PRINTABLE"))
}

impl Property {
    /// None where the line is no property.
    pub fn parse(line: &str) -> Option<Property> {
        let colon = outside_quotes(line, ':')?;
        let (head, value) = (&line[..colon], &line[colon + 1..]);
        let mut parts = split_outside_quotes(head, ';').into_iter();
        let full = parts.next()?.trim().to_string();
        let (group, name) = match full.split_once('.') {
            Some((group, name)) => (Some(group.to_lowercase()), name.to_uppercase()),
            None => (None, full.to_uppercase()),
        };
        if name.is_empty() {
            return None;
        }
        let mut parameters = Vec::new();
        for part in parts {
            let (key, values) = match part.split_once('=') {
                Some((key, values)) => (key.trim().to_uppercase(), values.to_string()),
                None if part.eq_ignore_ascii_case("QUOTED-PRINTABLE") || part.eq_ignore_ascii_case("BASE64") => {
                    ("ENCODING".into(), part.clone())
                }
                None => ("TYPE".into(), part.clone()),
            };
            for value in values.trim_matches('"').split(',') {
                parameters.push((key.clone(), value.trim().trim_matches('"').to_string()));
            }
        }
        let mut property = Property { group, name, parameters, value: value.to_string() };
        if property.parameter("ENCODING").is_some_and(|e| e.eq_ignore_ascii_case("QUOTED-PRINTABLE")) {
            property.value = property.unquoted();
        }
        Some(property)
    }

    fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn types(&self) -> impl Iterator<Item = String> {
        self.parameters.iter().filter(|(key, _)| key == "TYPE").map(|(_, value)| value.to_lowercase())
    }

    /// The preferred one of several sorts first.
    pub fn preference(&self) -> u32 {
        if self.types().any(|kind| kind == "pref") {
            return 0;
        }
        self.parameter("PREF").and_then(|n| n.parse().ok()).unwrap_or(101)
    }

    /// What kind of address or number it is: `work`, `home`, `mobile` …
    pub fn label(&self) -> String {
        let plain = ["internet", "voice", "pref", "x400", "text", "msg"];
        let types: Vec<String> = self.types().filter(|kind| !plain.contains(&kind.as_str())).collect();
        for (kind, label) in [("cell", "mobile"), ("iphone", "mobile"), ("fax", "fax"), ("pager", "pager")] {
            if types.iter().any(|t| t == kind) {
                return label.into();
            }
        }
        types.first().cloned().unwrap_or_default()
    }

    /// The whole value, unescaped.
    pub fn text(&self) -> String {
        unescape(&self.value)
    }

    /// The components of a structured value, each unescaped.
    pub fn parts(&self) -> Vec<String> {
        split_unescaped(&self.value, ';').iter().map(|part| unescape(part).trim().to_string()).collect()
    }

    /// The items of a list value, each unescaped.
    pub fn list(&self) -> Vec<String> {
        split_unescaped(&self.value, ',').iter().map(|part| unescape(part).trim().to_string()).collect()
    }

    fn unquoted(&self) -> String {
        let mut bytes = Vec::with_capacity(self.value.len());
        let mut rest = self.value.bytes();
        while let Some(byte) = rest.next() {
            let pair = rest.as_slice_pair(byte);
            match pair {
                Some(decoded) => {
                    bytes.push(decoded);
                    rest.next();
                    rest.next();
                }
                None => bytes.push(byte),
            }
        }
        let charset = self.parameter("CHARSET").and_then(|label| Encoding::for_label(label.as_bytes()));
        match charset {
            Some(encoding) => encoding.decode_without_bom_handling(&bytes).0.into_owned(),
            None => String::from_utf8_lossy(&bytes).into_owned(),
        }
    }
}

trait HexPair {
    /// The byte that `=XX` stands for, where `first` is the `=` and the two digits come next.
    fn as_slice_pair(&self, first: u8) -> Option<u8>;
}

impl HexPair for std::str::Bytes<'_> {
    fn as_slice_pair(&self, first: u8) -> Option<u8> {
        let mut ahead = self.clone();
        let digit = |byte: u8| char::from(byte).to_digit(16).map(|d| d as u8);
        let (high, low) = (digit(ahead.next()?)?, digit(ahead.next()?)?);
        (first == b'=').then_some(high * 16 + low)
    }
}

fn outside_quotes(line: &str, wanted: char) -> Option<usize> {
    let mut quoted = false;
    for (at, c) in line.char_indices() {
        match c {
            '"' => quoted = !quoted,
            c if c == wanted && !quoted => return Some(at),
            _ => {}
        }
    }
    // A quote left open in a parameter: take the first one there is.
    line.find(wanted)
}

fn split_outside_quotes(text: &str, at: char) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut quoted = false;
    for c in text.chars() {
        quoted ^= c == '"';
        match parts.last_mut() {
            Some(last) if c != at || quoted => last.push(c),
            _ => parts.push(String::new()),
        }
    }
    parts
}

fn split_unescaped(text: &str, at: char) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut escaped = false;
    for c in text.chars() {
        match parts.last_mut() {
            Some(last) if c != at || escaped => last.push(c),
            _ => parts.push(String::new()),
        }
        escaped = c == '\\' && !escaped;
    }
    parts
}

fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            plain.push(c);
            continue;
        }
        match chars.next() {
            Some('n' | 'N') => plain.push('\n'),
            Some(other) => plain.push(other),
            None => plain.push('\\'),
        }
    }
    plain
}
