use super::*;

const SMALL: &str = r#"
[plugin]
id = "lead-scoring"
version = "0.1.0"
api = "0.1"
name = "Lead scoring"

[fields.people.score]
label = "Score"
kind = "integer"
computed = ["email"]
"#;

#[test]
fn a_manifest_names_what_it_adds_by_the_schemas_keys() {
    let manifest = Manifest::parse(SMALL).unwrap();
    assert_eq!(manifest.field_key("people", "score"), "lead_scoring__score");
    assert_eq!(manifest.field_key("people", "email"), "email");
    let computed: Vec<_> = manifest.computed().map(|(object, key, _)| (object, key.to_string())).collect();
    assert_eq!(computed, [("people".to_string(), "score".to_string())]);
}

#[test]
fn a_name_has_as_many_letters_in_every_script() {
    let named = |name: String| Manifest::parse(&SMALL.replace("Lead scoring", &name));
    assert!(named("Ж".repeat(100)).is_ok());
    let said = named("Ж".repeat(101)).unwrap_err().to_string();
    assert!(said.contains("name is 1 to 100 characters"), "{said}");
    assert!(named(" ".into()).is_err());
}

#[test]
fn every_mistake_is_said_with_its_section() {
    let wrong = [
        ("[http]\nallow = [\"https://api.example.com/path\"]", "[http] 'https://api.example.com/path'"),
        ("[http]\nallow = [\"settings:url\"]", "[settings] has no property 'url'"),
        ("[hooks.before-save]\nobjects = []", "[hooks.before-save] names no objects"),
        ("[hooks.before-save]\nobjects = [\"people\"]\nbudget-ms = 900", "budget-ms is 1 to 250"),
        ("[jobs.sync]\ncron = \"every day\"", "[jobs.sync] cron 'every day'"),
        ("[endpoints.a]\npath = \"feed\"", "[endpoints.a] path starts with '/'"),
        ("[secrets.key]\nlabel = \"Key\"\nallow-hosts = [\"https://a.example\"]", "is not in [http] allow"),
        ("[settings]\ntype = \"array\"", "[settings] is a JSON Schema of type object"),
        (
            "[settings]\ntype = \"object\"\n[settings.properties.n]\ntype = \"integer\"\ndefault = \"x\"",
            "a default does not satisfy",
        ),
        (
            "[objects.Bad]\nlabel = \"Bad\"\n[objects.Bad.fields.name]\nlabel = \"Name\"\nkind = \"text\"",
            "[objects.Bad]: a key is",
        ),
    ];
    for (section, said) in wrong {
        let error = Manifest::parse(&format!("{SMALL}\n{section}\n")).unwrap_err().to_string();
        assert!(error.contains(said), "{section}\n{error}");
    }
}

#[test]
fn a_misspelt_key_is_refused_where_it_stands() {
    let error = Manifest::parse(&format!("{SMALL}\n[hooks.before-save]\nobjects = [\"people\"]\non-fail = \"skip\"\n"))
        .unwrap_err();
    assert!(error.to_string().contains("on-fail"), "{error}");
}

#[test]
fn an_id_fits_the_keys_of_the_schema() {
    for good in ["a", "vat-iban", "x2"] {
        assert!(check::is_plugin_id(good), "{good}");
    }
    for bad in ["", "-a", "a-", "a--b", "a_b", "A", "1a", "a b", "abcdefghijklmnopqrstuvwxyz", "é"] {
        assert!(!check::is_plugin_id(bad), "{bad}");
    }
}

/// The manifests of everything in `plugins/`, by folder.
fn all() -> Vec<(String, String)> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins");
    let read = |path: std::path::PathBuf| {
        let text = std::fs::read_to_string(path.join("plugin.toml")).ok()?;
        Some((path.file_name()?.to_string_lossy().into_owned(), text))
    };
    let all: Vec<_> = std::fs::read_dir(folder).unwrap().flatten().filter_map(|item| read(item.path())).collect();
    assert!(all.len() >= 14, "{}", all.len());
    all
}

#[test]
fn every_plugin_of_the_tree_says_what_it_is_by_the_name_of_its_folder() {
    for (folder, text) in all() {
        let manifest = Manifest::parse(&text).unwrap_or_else(|error| panic!("{folder}: {error}"));
        assert_eq!((manifest.id(), manifest.plugin.api.as_str()), (folder.as_str(), API));
        assert!(!permissions::permissions(&manifest).iter().any(|permission| permission.text.is_empty()), "{folder}");
        // What was granted is kept as JSON, and must be the same afterwards.
        let kept = serde_json::to_string(&manifest).unwrap();
        assert_eq!(serde_json::from_str::<Manifest>(&kept).unwrap(), manifest, "{folder}");
    }
}

#[test]
fn no_section_of_any_plugin_takes_a_key_that_is_not_its_own() {
    for (folder, text) in all() {
        // Schemas of settings and inputs are JSON Schema, which may say anything.
        let ours = |header: &str| {
            !header.starts_with("[settings") && !header.contains(".input") && !header.ends_with(".config]")
        };
        for header in text.lines().filter(|line| line.starts_with('[') && ours(line)) {
            let wrong = text.replacen(&format!("{header}\n"), &format!("{header}\nprivat = true\n"), 1);
            assert!(wrong.contains("privat = true"), "{folder} {header}");
            assert!(Manifest::parse(&wrong).is_err(), "{folder}: {header} takes a misspelt key");
        }
        assert!(Manifest::parse(&format!("{text}\n[record]\n")).is_err(), "{folder}");
    }
}
