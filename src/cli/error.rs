//! What a command says when it cannot do its work: one sentence with the next step, and a stable code.

use kith_backup::BackupError;
use kith_engine::EngineError;
use kith_server::{client::ClientError, serve::ServeError};
use kith_store::{StoreError, VaultError};
use serde_json::json;

#[derive(Debug)]
pub struct CliError {
    code: String,
    message: String,
    /// What is wrong field by field, where the API said so.
    details: Option<Box<serde_json::Value>>,
    wrong_use: bool,
}

impl CliError {
    pub fn failed(code: &str, message: impl Into<String>) -> Self {
        CliError { code: code.into(), message: message.into(), details: None, wrong_use: false }
    }

    /// The command was typed wrongly, or a file it needs was not named.
    pub fn wrong_use(message: impl Into<String>) -> Self {
        CliError { wrong_use: true, ..CliError::failed("cli.wrong_use", message) }
    }

    pub fn message(&self) -> &str {
        &self.message
    }

    pub fn exit_code(&self) -> u8 {
        if self.wrong_use { 2 } else { 1 }
    }

    pub fn print(&self, as_json: bool) {
        if as_json {
            let mut shown = json!({"code": self.code, "message": self.message});
            if let Some(details) = &self.details {
                shown["errors"] = (**details).clone();
            }
            eprintln!("{shown}");
        } else {
            eprintln!("kith: {}", self.message);
        }
    }
}

impl From<ClientError> for CliError {
    fn from(error: ClientError) -> Self {
        let details = match &error {
            ClientError::Refused { body, .. } if body["errors"].is_array() => Some(Box::new(body["errors"].clone())),
            _ => None,
        };
        CliError { details, ..CliError::failed(error.code(), error.to_string()) }
    }
}

impl From<EngineError> for CliError {
    fn from(error: EngineError) -> Self {
        CliError::failed(error.code(), error.to_string())
    }
}

impl From<StoreError> for CliError {
    fn from(error: StoreError) -> Self {
        CliError::failed(error.code(), error.to_string())
    }
}

impl From<VaultError> for CliError {
    fn from(error: VaultError) -> Self {
        CliError::failed(error.code(), error.to_string())
    }
}

impl From<BackupError> for CliError {
    fn from(error: BackupError) -> Self {
        CliError::failed(error.code(), error.to_string())
    }
}

impl From<ServeError> for CliError {
    fn from(error: ServeError) -> Self {
        CliError::failed(error.code(), error.to_string())
    }
}
