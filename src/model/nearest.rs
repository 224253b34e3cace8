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
            let part =
                candidate.len() >= 4 && name.len() >= 4 && (candidate.contains(&name) || name.contains(candidate));
            let slips = distance(&name, candidate);
            // A slip of one letter is the likelier story where both would do.
            if part && slips > 1 { (1, 1, candidate) } else { (slips, 0, candidate) }
        })
        .min_by_key(|(distance, part, _)| (*distance, *part))
        .map(|(distance, _, found)| (distance, found))?;
    (distance <= allowed.max(usize::from(name.len() >= 4))).then_some(found)
}

/// Edits from one to the other; two neighbours swapped are one edit.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let same = usize::from(a[i - 1] != b[j - 1]);
            let mut least = (rows[i - 1][j - 1] + same).min(row[j - 1] + 1).min(rows[i - 1][j] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_wins_over_a_part_of_the_name() {
        assert_eq!(nearest("frist_name", ["name", "first_name"].into_iter()), Some("first_name"));
    }

    #[test]
    fn slips_of_typing_find_the_name_that_was_meant() {
        let keys = ["first_name", "last_name", "emails", "company", "id"];
        let meant = |name: &str| nearest(name, keys.into_iter());
        assert_eq!(meant("fist_name"), Some("first_name"));
        assert_eq!(meant("email"), Some("emails"));
        assert_eq!(meant("last_naem"), Some("last_name"));
        assert_eq!(meant("Company"), Some("company"));
        assert_eq!(meant("salary"), None);
        assert_eq!(meant(""), None);
    }
}
