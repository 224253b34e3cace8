//! One piece of damage to a folder at rest: it is refused, found, healed or harmless, and never silent.

use kith_store::Storage;

use crate::{
    common::{Random, content, try_open},
    image::Disk,
    model::Model,
    world::World,
};

/// Damages a copy of the folder and says what became of it.
pub fn strike(world: &mut World, model: &Model, random: &mut Random) -> &'static str {
    let mut disk = Disk::read(&world.data);
    // What the vault and the lock file are worth is tested where they are made.
    let kept_apart = ["vault.age", "vault.age.new", "kith.lock", "cursors", "cursors.before"];
    let files: Vec<_> = disk
        .known()
        .into_iter()
        .filter(|(path, file)| !disk.files[file].is_empty() && !kept_apart.iter().any(|name| path.ends_with(name)))
        .collect();
    let Some((path, file)) = files.get(random.below(files.len())).cloned() else { return "nothing to damage" };
    let bytes = disk.files.get_mut(&file).unwrap();
    let used = bytes.iter().rposition(|byte| *byte != 0).unwrap_or(0) + 1;
    let at = random.below(used);
    match random.below(4) {
        0 | 1 => bytes[at] ^= 1 << random.below(8),
        2 => {
            let end = bytes.len().min(at + 512);
            bytes[at..end].fill(0);
        }
        _ => bytes.truncate(at),
    }
    let what = format!("{path:?} at {at}");
    let folder = world.fresh_folder();
    disk.write(&folder);
    let outcome = look(&folder, world, model, &what);
    std::fs::remove_dir_all(&folder).unwrap();
    outcome
}

fn look(folder: &std::path::Path, world: &World, model: &Model, what: &str) -> &'static str {
    let (store, report) = match try_open(folder, &world.vault(folder)) {
        Ok(opened) => opened,
        Err(error) => {
            let codes = ["store.damaged", "store.newer_format", "store.other_vault"];
            assert!(codes.contains(&error.code()), "{what}: {} {error}", error.code());
            return "damage refused";
        }
    };
    let verified = store.verify(&mut |_, _| {}).unwrap();
    if verified.findings.iter().any(|finding| finding.place.starts_with("journal")) {
        return "damage found";
    }
    let shown = content(&store);
    // The end of a journal that was cut looks like a torn write, and is told as one.
    if store.head() < model.head() {
        assert!(!report.notes.is_empty(), "{what}: entries vanished without a word");
        return "damage told as a torn end";
    }
    let right = model.now();
    assert_eq!(store.head(), model.head(), "{what}");
    assert_eq!(shown.len(), right.len(), "{what}: other records than before, without a word; {report:?}");
    for (id, (version, seq, value)) in &right {
        let same = shown.get(id).is_some_and(|found| (found.0, found.1) == (*version, *seq) && found.2 == **value);
        assert!(same, "{what}: another value of {id}, without a word; {report:?}");
    }
    assert!(store.verify(&mut |_, _| {}).unwrap().is_clean(), "{what}: not healed");
    if report.notes.is_empty() && verified.is_clean() { "damage harmless" } else { "damage healed" }
}
