//! The domain: people, companies, leads, deals, tasks, notes … as values for the engine. The files do not know each other: they
//! meet through object names and engine commands. Adding an object is one file and one line in `OBJECTS`.

pub mod companies;
mod convert_lead;
pub mod deals;
pub mod demo;
pub mod files;
pub mod leads;
pub mod notes;
pub mod people;
pub mod pipelines;
mod seed;
pub mod stages;
pub mod tasks;
pub mod timeline;

use std::sync::Arc;

use kith_engine::{Action, DomainHook, Seed};
use kith_model::ObjectDef;

/// Every object of the domain, in the order of the navigation.
const OBJECTS: &[fn() -> ObjectDef] = &[
    people::object,
    companies::object,
    leads::object,
    deals::object,
    tasks::object,
    notes::object,
    files::object,
    pipelines::object,
    stages::object,
];

/// The definitions of all objects.
pub fn objects() -> Vec<ObjectDef> {
    OBJECTS.iter().map(|object| object()).collect()
}

/// What can be done to their records beyond writing fields.
pub fn actions() -> Vec<Arc<dyn Action>> {
    vec![
        Arc::new(convert_lead::ConvertLead),
        Arc::new(deals::MarkWon),
        Arc::new(deals::MarkLost),
        Arc::new(deals::Reopen),
        Arc::new(tasks::Complete),
    ]
}

/// Rules that a field definition cannot express.
pub fn hooks() -> Vec<Arc<dyn DomainHook>> {
    vec![
        Arc::new(deals::StageRules),
        Arc::new(stages::StageOrder),
        Arc::new(tasks::Completion),
        Arc::new(leads::LeadRules),
        Arc::new(notes::TitleFromBody),
        Arc::new(seed::NeedsName { object: people::KEY, fields: &["first_name", "last_name", "emails"] }),
    ]
}

/// What a new vault starts with: one pipeline with its stages, and a few shared views.
pub fn seeds() -> Vec<Seed> {
    let mut seeds = pipelines::seeds();
    seeds.extend(stages::seeds());
    seeds.extend(seed::views());
    seeds
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn numbers_and_keys_are_used_once() {
        let objects = objects();
        let numbers: HashSet<u32> = objects.iter().map(|o| o.id).collect();
        assert_eq!(numbers.len(), objects.len());
        for object in &objects {
            assert!((100..1000).contains(&object.id), "{}", object.key);
            let keys: HashSet<&str> = object.fields.iter().map(|f| f.key.as_str()).collect();
            let fields: HashSet<u32> = object.fields.iter().map(|f| f.id).collect();
            assert_eq!((keys.len(), fields.len()), (object.fields.len(), object.fields.len()), "{}", object.key);
            assert!(object.field(&object.title).is_some(), "{} has no field '{}'", object.key, object.title);
        }
    }
}
