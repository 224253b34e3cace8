//! Code made from `wit/plugin.wit`: the host's functions, and one module per capability, so that a component exports only what it has.
//! Authors do not meet any of it.

pub mod host {
    wit_bindgen::generate!({ world: "host", path: "wit", additional_derives: [PartialEq], generate_all });
}

macro_rules! capability {
    ($module:ident, $world:literal, $export:literal, $bindings:literal $(, $used:literal: $at:path)*) => {
        pub mod $module {
            wit_bindgen::generate!({
                world: $world,
                path: "wit",
                additional_derives: [PartialEq],
                with: { "kith:plugin/types@0.1.0": crate::bindings::host::kith::plugin::types $(, $used: $at)* },
                pub_export_macro: true,
                export_macro_name: $export,
                default_bindings_module: $bindings,
            });
        }
    };
}

capability!(lifecycle, "p-lifecycle", "export_lifecycle", "kith_plugin::bindings::lifecycle");
capability!(before_save, "p-before-save", "export_before_save", "kith_plugin::bindings::before_save");
capability!(after_commit, "p-after-commit", "export_after_commit", "kith_plugin::bindings::after_commit");
capability!(computed, "p-computed", "export_computed", "kith_plugin::bindings::computed");
capability!(actions, "p-actions", "export_actions", "kith_plugin::bindings::actions");
capability!(conditions, "p-conditions", "export_conditions", "kith_plugin::bindings::conditions");
capability!(endpoint, "p-endpoint", "export_endpoint", "kith_plugin::bindings::endpoint", "kith:plugin/web@0.1.0": crate::bindings::host::kith::plugin::web);
capability!(jobs, "p-jobs", "export_jobs", "kith_plugin::bindings::jobs");
capability!(ui, "p-ui", "export_ui", "kith_plugin::bindings::ui");
capability!(importer, "p-importer", "export_importer", "kith_plugin::bindings::importer");
