//! A component that is compiled and linked: ready to be instantiated for each call. Knows which capabilities it has by looking, not by what it
//! says.

use std::sync::Arc;

use wasmtime::{
    Store,
    component::{Component, HasSelf, InstancePre, Linker},
};

use super::{
    Runtime,
    call::{CallState, Capability},
};
use crate::contract::{self, host::Host_};

macro_rules! code {
    ($($field:ident: $indices:ident -> $bindings:ident, $capability:ident;)*) => {
        /// See the module.
        pub struct Code {
            runtime: Arc<Runtime>,
            pre: InstancePre<CallState>,
            $($field: Option<contract::$field::$indices>,)*
        }

        impl Code {
            /// Links a component. What it does not export is none.
            ///
            /// # Errors
            /// When it imports what the host does not have.
            pub fn link(runtime: &Arc<Runtime>, component: &Component) -> wasmtime::Result<Code> {
                let mut linker = Linker::new(&runtime.engine);
                Host_::add_to_linker::<_, HasSelf<CallState>>(&mut linker, |state| state)?;
                let pre = linker.instantiate_pre(component)?;
                Ok(Code {
                    runtime: runtime.clone(),
                    $($field: contract::$field::$indices::new(&pre).ok(),)*
                    pre,
                })
            }

            /// What it exports, by name.
            pub fn capabilities(&self) -> Vec<Capability> {
                let mut found = Vec::new();
                $(if self.$field.is_some() { found.push(Capability::$capability); })*
                found
            }

            /// Instantiates it once and takes hold of every capability, so that a function of another type shows now and not in use.
            ///
            /// # Errors
            /// What kept it from starting, or the capability that does not fit.
            pub(crate) fn probe(&self, store: &mut Store<CallState>) -> wasmtime::Result<()> {
                let instance = self.pre.instantiate(&mut *store)?;
                $(if let Some(indices) = &self.$field {
                    indices.load(&mut *store, &instance).map_err(|e| {
                        let name = Capability::$capability.name();
                        wasmtime::Error::msg(format!("its {name} does not fit the contract: {}", e.root_cause()))
                    })?;
                })*
                Ok(())
            }

            $(
                /// A fresh instance, as this capability.
                pub(crate) fn $field(&self, store: &mut Store<CallState>) -> wasmtime::Result<contract::$field::$bindings> {
                    let indices = self.$field.as_ref().ok_or_else(|| missing(Capability::$capability))?;
                    let instance = self.pre.instantiate(&mut *store)?;
                    indices.load(&mut *store, &instance)
                }
            )*
        }
    };
}

code! {
    lifecycle: PLifecycleIndices -> PLifecycle, Lifecycle;
    before_save: PBeforeSaveIndices -> PBeforeSave, BeforeSave;
    after_commit: PAfterCommitIndices -> PAfterCommit, AfterCommit;
    computed: PComputedIndices -> PComputed, Computed;
    actions: PActionsIndices -> PActions, Actions;
    conditions: PConditionsIndices -> PConditions, Conditions;
    endpoint: PEndpointIndices -> PEndpoint, Endpoints;
    jobs: PJobsIndices -> PJobs, Jobs;
    ui: PUiIndices -> PUi, Panels;
    importer: PImporterIndices -> PImporter, Importers;
}

impl Code {
    pub fn runtime(&self) -> &Arc<Runtime> {
        &self.runtime
    }

    pub fn has(&self, capability: Capability) -> bool {
        self.capabilities().contains(&capability)
    }
}

fn missing(capability: Capability) -> wasmtime::Error {
    wasmtime::Error::msg(format!("it has no {}; its manifest and its code do not fit", capability.name()))
}
