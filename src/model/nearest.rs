//! The name somebody probably meant. Suggests nothing that is too far off.

/// The candidate closest to `name`, if it is close: what a message suggests.
pub fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    const NAME_CHARS_MAX: usize = 64;
    if name.chars().count() > NAME_CHARS_MAX {
        return None;
    }
    let name = name.to_lowercase();
    let allowed = match name.chars().count() {
        0..=2 => 0,
        3..=5 => 1,
        _ => 2,
    };
    let within = |candidate: &&'a str| candidate.len() <= NAME_CHARS_MAX;
    let (distance, found) = candidates
        .filter(within)
        .map(|candidate| {
            // `company_name` for `company` and `mail` for `emails` are further off than typing slips, and clear all the same.
            let part = candidate.len() >= 4 && name.len() >= 4 && (candidate.contains(&name) || name.contains(candidate));
            (if part { 1 } else { distance(&name, candidate) }, candidate)
        })
        .min_by_key(|(distance, _)| *distance)?;
    (distance <= allowed.max(usize::from(name.len() >= 4))).then_some(found)
}

/// Edits from one to the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_typing_find_the_name_that_was_meant() {
        let keys = ["first_name", "last_name", "emails", "company", "id"];
        let meant = |name: &str| nearest(name, keys.into_iter());
        assert_eq!(meant("fist_name"), Some("first_name"));
        assert_eq!(meant("email"), Some("emails"));
        assert_eq!(meant("Company"), Some("company"));
        assert_eq!(meant("salary"), None);
        assert_eq!(meant(""), None);
    }
}
