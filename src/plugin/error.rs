//! Why a plugin is not installed, changed or found. Each case says what to do next.

use kith_engine::EngineError;
use kith_store::StoreError;

use crate::{compile::CompileError, inspect::InspectError, package::PackageError};

#[derive(Debug, thiserror::Error)]
pub enum PluginError {
    #[error("there is no plugin '{0}'; GET /api/v1/plugins lists them")]
    NotFound(String),
    #[error(transparent)]
    Package(#[from] PackageError),
    #[error(transparent)]
    Compile(#[from] CompileError),
    #[error("the plugin cannot be installed: {0}")]
    Inspect(#[from] InspectError),
    #[error("the plugin cannot be installed: {0}")]
    Forbidden(String),
    #[error(
        "'{0}' was signed by another key before ({1}); install it only when its author says that the key changed, and then allow a new author"
    )]
    Author(String, String),
    #[error("'{id}' is installed as {now}, and this is {older}; allow a downgrade, or roll back")]
    Downgrade { id: String, now: String, older: String },
    #[error("'{0}' waits for a grant; look at its permissions and grant them first")]
    Ungranted(String),
    #[error("'{0}' has no version waiting for a grant")]
    NothingPending(String),
    #[error("'{0}' has no earlier version to go back to")]
    NoPrevious(String),
    #[error("'{0}' is not enabled; enable it first")]
    Disabled(String),
    #[error("'{plugin}' has no secret '{name}'; it asks for: {known}")]
    NoSecret { plugin: String, name: String, known: String },
    #[error("plugins cannot run here: {0}")]
    Runtime(String),
    #[error("'{0}' is installed, and did not set itself up: {1}")]
    SetUp(String, String),
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl From<StoreError> for PluginError {
    fn from(error: StoreError) -> Self {
        PluginError::Engine(error.into())
    }
}

impl PluginError {
    /// Stable, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            PluginError::NotFound(_) => "plugin.not_found",
            PluginError::Package(PackageError::TooLarge(_)) => "plugin.too_large",
            PluginError::Package(PackageError::Signature) => "plugin.signature",
            PluginError::Package(_) => "plugin.package",
            PluginError::Compile(_) => "plugin.compile",
            PluginError::Inspect(_) => "plugin.misfit",
            PluginError::Forbidden(_) => "plugin.forbidden",
            PluginError::Author(..) => "plugin.author",
            PluginError::Downgrade { .. } => "plugin.downgrade",
            PluginError::Ungranted(_) => "plugin.ungranted",
            PluginError::NothingPending(_) => "plugin.nothing_pending",
            PluginError::NoPrevious(_) => "plugin.no_previous",
            PluginError::Disabled(_) => "plugin.disabled",
            PluginError::NoSecret { .. } => "plugin.no_secret",
            PluginError::SetUp(..) => "plugin.set_up",
            PluginError::Runtime(_) => "plugin.runtime",
            PluginError::Engine(error) => error.code(),
        }
    }
}
