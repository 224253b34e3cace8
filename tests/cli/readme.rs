//! What README says of tests is true: the ones that its table of attackers names are there.

use std::{fs, path::Path};

/// Every Rust source below a folder, in one text.
fn sources(folder: &Path, into: &mut String) {
    for item in fs::read_dir(folder).unwrap().flatten() {
        let path = item.path();
        if path.is_dir() && !path.ends_with("target") {
            sources(&path, into);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            into.push_str(&fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn every_attacker_in_the_readme_has_the_tests_it_names() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let table: Vec<&str> = readme
        .lines()
        .skip_while(|line| !line.ends_with("| shown by |"))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .collect();
    assert!(table.len() >= 6, "the table of attackers is gone");
    let mut all = String::new();
    sources(&root.join("src"), &mut all);
    sources(&root.join("tests"), &mut all);
    for line in table {
        let last = line.trim_end_matches(['|', ' ']).rsplit('|').next().unwrap();
        let named: Vec<&str> = last.split('`').skip(1).step_by(2).collect();
        assert!(!named.is_empty() || last.trim() == "nothing can", "no test is named: {line}");
        for name in named {
            assert!(all.contains(&format!("fn {name}(")), "README names the test {name}, which is not there");
        }
    }
}
