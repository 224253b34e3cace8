//! The words of the sample company: names, places, jobs. Nobody in particular; all domains end in `.example`.

pub struct Country {
    pub code: &'static str,
    pub currency: &'static str,
    pub company_form: &'static str,
    pub first: &'static [&'static str],
    pub last: &'static [&'static str],
    pub streets: &'static [&'static str],
    pub cities: &'static [(&'static str, &'static str)],
    number_first: bool,
    phone: fn(usize) -> String,
}

impl Country {
    pub fn street(&self, name: &str, number: usize) -> String {
        if self.number_first { format!("{number} {name}") } else { format!("{name} {number}") }
    }

    /// A mobile number of the country; `seed` below one million.
    pub fn phone(&self, seed: usize) -> String {
        (self.phone)(seed)
    }
}

pub const COUNTRIES: &[Country] = &[
    Country {
        code: "IT",
        currency: "EUR",
        company_form: "s.r.l.",
        first: &[
            "Giulia",
            "Marco",
            "Chiara",
            "Luca",
            "Francesca",
            "Matteo",
            "Elena",
            "Davide",
            "Niccolò",
            "Sofia",
            "Andrea",
            "Marta",
        ],
        last: &[
            "Rossi", "Ferrari", "Esposito", "Bianchi", "Romano", "Colombo", "Ricci", "Marino", "Greco", "Bruno",
            "Conti", "Gallo",
        ],
        streets: &["Via Garibaldi", "Corso Italia", "Via Roma", "Viale Europa", "Via Dante", "Piazza San Marco"],
        cities: &[
            ("Milano", "20121"),
            ("Torino", "10121"),
            ("Bologna", "40121"),
            ("Napoli", "80121"),
            ("Verona", "37121"),
        ],
        number_first: false,
        phone: |seed| format!("+39 347 {:07}", 1_000_000 + seed),
    },
    Country {
        code: "DK",
        currency: "DKK",
        company_form: "ApS",
        first: &[
            "Freja", "Søren", "Ida", "Mads", "Åse", "Lærke", "Jens", "Karen", "Mikkel", "Astrid", "Rasmus", "Signe",
        ],
        last: &[
            "Nielsen",
            "Jensen",
            "Hansen",
            "Pedersen",
            "Møller",
            "Sørensen",
            "Østergaard",
            "Kjær",
            "Lund",
            "Holm",
            "Bæk",
            "Dam",
        ],
        streets: &["Vesterbrogade", "Strandvejen", "Nørregade", "Åboulevarden", "Søndergade"],
        cities: &[
            ("København", "1620"),
            ("Aarhus", "8000"),
            ("Odense", "5000"),
            ("Aalborg", "9000"),
            ("Esbjerg", "6700"),
        ],
        number_first: false,
        phone: |seed| format!("+45 20 {:02} {:02} {:02}", seed / 10_000, seed / 100 % 100, seed % 100),
    },
    Country {
        code: "DE",
        currency: "EUR",
        company_form: "GmbH",
        first: &[
            "Anna", "Lukas", "Jürgen", "Lena", "Felix", "Katrin", "Björn", "Sabine", "Tobias", "Heike", "Jonas", "Ute",
        ],
        last: &[
            "Müller", "Schmidt", "Weber", "Wagner", "Becker", "Hoffmann", "Schäfer", "Koch", "Bauer", "Krüger",
            "Vogel", "Groß",
        ],
        streets: &["Hauptstraße", "Bahnhofstraße", "Gartenweg", "Lindenallee", "Marktplatz"],
        cities: &[
            ("Hamburg", "20095"),
            ("Berlin", "10115"),
            ("München", "80331"),
            ("Köln", "50667"),
            ("Leipzig", "04109"),
        ],
        number_first: false,
        phone: |seed| format!("+49 1512 {:07}", 1_000_000 + seed),
    },
    Country {
        code: "GB",
        currency: "GBP",
        company_form: "Ltd",
        first: &[
            "Olivia", "James", "Amelia", "Harry", "Zoë", "Oliver", "Grace", "Callum", "Imogen", "Rhys", "Fiona",
            "Nigel",
        ],
        last: &[
            "Smith", "Jones", "Taylor", "O'Hara", "Walker", "Hughes", "Patel", "Edwards", "Clarke", "Murray",
            "Bennett", "Shaw",
        ],
        streets: &["High Street", "Station Road", "Church Lane", "Victoria Road", "Mill Lane"],
        cities: &[("London", "EC1A 1BB"), ("Leeds", "LS1 4AP"), ("Bristol", "BS1 5TR"), ("Edinburgh", "EH1 1YZ")],
        number_first: true,
        phone: |seed| format!("+44 7400 {:06}", seed),
    },
    Country {
        code: "US",
        currency: "USD",
        company_form: "Inc.",
        first: &["Emma", "Liam", "Ava", "Noah", "Mia", "Ethan", "Harper", "Logan", "Ella", "Mason", "Aria", "Carlos"],
        last: &[
            "Johnson", "Williams", "Brown", "Garcia", "Miller", "Davis", "Martinez", "Lopez", "Nguyen", "Anderson",
            "Lee", "Young",
        ],
        streets: &["Main Street", "Oak Avenue", "Maple Drive", "2nd Avenue", "Lake Road"],
        cities: &[
            ("Boston", "02108"),
            ("Austin", "78701"),
            ("Denver", "80202"),
            ("Portland", "97201"),
            ("Chicago", "60601"),
        ],
        number_first: true,
        phone: |seed| format!("+1 212 {:03} {:04}", 200 + seed / 10_000 % 700, seed % 10_000),
    },
];

pub const COMPANY_FIRST: &[&str] = &[
    "North", "Blue", "Alder", "Harbour", "Stone", "Clear", "Silver", "Green", "Bright", "Iron", "Cedar", "River",
    "Summit", "Amber", "Falcon", "Granite", "Lumen", "Orbit", "Pine", "Quill",
];
pub const COMPANY_SECOND: &[&str] = &[
    "works", "field", "line", "craft", "bridge", "ware", "point", "forge", "lab", "gate", "wood", "stream", "mark",
    "house", "loop", "cast",
];
pub const INDUSTRIES: &[&str] = &[
    "manufacturing",
    "technology",
    "food",
    "retail",
    "construction",
    "health",
    "transport",
    "professional_services",
    "energy",
    "hospitality",
];
pub const JOBS: &[&str] = &[
    "Managing director",
    "Head of purchasing",
    "Buyer",
    "Production manager",
    "IT manager",
    "Marketing manager",
    "Accountant",
    "Office manager",
    "Sales director",
    "Quality engineer",
    "Project manager",
    "Operations manager",
    "Founder",
];
pub const TAGS: &[&str] = &["newsletter", "trade fair", "key account", "reseller", "press", "pilot", "renewal"];
pub const DEALS: &[&str] = &[
    "yearly supply",
    "new line",
    "pilot",
    "renewal",
    "rollout",
    "spare parts",
    "service contract",
    "office move",
    "expansion",
    "training",
];
pub const TASKS: &[(&str, &str)] = &[
    ("Call back about the offer", "call"),
    ("Send the revised quote", "email"),
    ("Prepare the demonstration", "todo"),
    ("Meet at their office", "meeting"),
    ("Ask for the delivery address", "email"),
    ("Check references", "todo"),
    ("Follow up after the fair", "call"),
    ("Draft the contract", "todo"),
];
pub const NOTE_FIRST: &[&str] = &[
    "Spoke on the phone; friendly and to the point.",
    "They compare us with one other supplier.",
    "Budget is approved for this quarter.",
    "Decision moves to the board.",
    "Visited the plant and met the whole team.",
];
pub const NOTE_SECOND: &[&str] = &[
    "Wants a shorter delivery time.",
    "Price is fine, terms of payment are not.",
    "Asked for a sample by the end of the month.",
    "Call again after the holidays.",
    "Will send the drawings by mail.",
];

/// Letters and digits only, lower case, without accents: fit for an address.
pub fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.to_lowercase().chars() {
        match c {
            'a'..='z' | '0'..='9' => out.push(c),
            'ø' | 'ö' | 'ó' | 'ò' => out.push('o'),
            'å' | 'ä' | 'á' | 'à' => out.push('a'),
            'æ' => out.push_str("ae"),
            'ü' | 'ù' => out.push('u'),
            'ë' | 'é' | 'è' => out.push('e'),
            'ß' => out.push_str("ss"),
            _ => {}
        }
    }
    out
}

pub fn domain(name: &str, number: usize) -> String {
    format!("{}{number}.example", plain(name))
}

/// A domain's name as people say it: no ending, no number, capitalised.
pub fn bare(domain: &str) -> String {
    let name = domain.trim_end_matches(".example").trim_end_matches(|c: char| c.is_ascii_digit());
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_domain_is_reserved_for_examples() {
        assert_eq!(domain("Lærke & Søn", 7), "laerkeson7.example");
        assert_eq!(bare("bluefield12.example"), "Bluefield");
    }
}
