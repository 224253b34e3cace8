//! The panel's words. Labels of the manifest are in texts.json.

use crate::rules::{Rule, Test};

pub struct Words {
    pub score: &'static str,
    pub hot: &'static str,
    pub cold: &'static str,
    pub because: &'static str,
    pub points: &'static str,
    pub none: &'static str,
    tests: [&'static str; 5],
}

const EN: Words = Words {
    score: "Score",
    hot: "hot",
    cold: "not hot yet",
    because: "Because",
    points: "Points",
    none: "No rule fits this person.",
    tests: ["is filled in", "is empty", "is", "contains", "is at least"],
};

const IT: Words = Words {
    score: "Punteggio",
    hot: "caldo",
    cold: "non ancora caldo",
    because: "Perché",
    points: "Punti",
    none: "Nessuna regola vale per questa persona.",
    tests: ["è compilato", "è vuoto", "è", "contiene", "è almeno"],
};

const DA: Words = Words {
    score: "Score",
    hot: "varm",
    cold: "endnu ikke varm",
    because: "Fordi",
    points: "Point",
    none: "Ingen regel passer på denne person.",
    tests: ["er udfyldt", "er tom", "er", "indeholder", "er mindst"],
};

pub fn of(locale: &str) -> &'static Words {
    match locale.get(..2) {
        Some("it") => &IT,
        Some("da") => &DA,
        _ => &EN,
    }
}

impl Words {
    /// `job_title contains head`
    pub fn rule(&self, rule: &Rule) -> String {
        let test = match rule.test {
            Test::Filled => self.tests[0],
            Test::Empty => self.tests[1],
            Test::Is => self.tests[2],
            Test::Contains => self.tests[3],
            Test::AtLeast => self.tests[4],
        };
        format!("{} {test} {}", rule.field, rule.value).trim_end().to_string()
    }
}
