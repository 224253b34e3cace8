//! Reads Connections.csv: some lines of notes, an empty line, then a table. Pure.

use serde::Deserialize;

#[derive(Debug, PartialEq, Deserialize)]
pub struct Connection {
    #[serde(rename = "First Name")]
    pub first_name: String,
    #[serde(rename = "Last Name")]
    pub last_name: String,
    #[serde(rename = "URL", default)]
    pub url: String,
    #[serde(rename = "Email Address", default)]
    pub email: String,
    #[serde(rename = "Company", default)]
    pub company: String,
    #[serde(rename = "Position", default)]
    pub position: String,
    #[serde(rename = "Connected On", default)]
    pub connected_on: String,
}

impl Connection {
    /// Members who left have neither a name nor an address.
    fn is_somebody(&self) -> bool {
        [&self.first_name, &self.last_name, &self.email, &self.url].iter().any(|text| !text.trim().is_empty())
    }

    /// What stays the same when the file is exported again.
    pub fn key(&self) -> String {
        let or = |text: &str, other: String| if text.trim().is_empty() { other } else { text.trim().to_lowercase() };
        or(&self.url, or(&self.email, format!("{} {}", self.first_name.trim(), self.last_name.trim())))
    }

    /// `12 Jan 2024` as `2024-01-12`.
    pub fn day(&self) -> Option<String> {
        const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
        let mut parts = self.connected_on.split_whitespace();
        let day: u8 = parts.next()?.parse().ok()?;
        let month = parts.next()?.to_lowercase();
        let month = MONTHS.iter().position(|name| month.get(..3) == Some(name))? + 1;
        let year: u16 = parts.next()?.parse().ok()?;
        ((1..=31).contains(&day) && (1900..=2200).contains(&year)).then(|| format!("{year}-{month:02}-{day:02}"))
    }
}

/// All connections, or why the file is none of LinkedIn's.
pub fn read(content: &[u8]) -> Result<Vec<Connection>, String> {
    let text = String::from_utf8_lossy(content);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let head = text.lines().take(20).find(|line| line.trim_start_matches('"').starts_with("First Name"));
    let Some(from) = head.and_then(|line| text.find(line)) else {
        return Err(
            "this is no Connections.csv: no line begins with 'First Name'; ask LinkedIn for a copy of your data and \
                    choose that file"
                .into(),
        );
    };
    let mut reader =
        csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(&text.as_bytes()[from..]);
    let mut found = Vec::new();
    for (place, row) in reader.deserialize::<Connection>().enumerate() {
        let connection = row.map_err(|error| format!("row {} of the table cannot be read: {error}", place + 1))?;
        if connection.is_somebody() {
            found.push(connection);
        }
    }
    Ok(found)
}
