//! What happens after the call: mails, notices, and jobs for later. Outside of saving.

pub use crate::bindings::host::kith::plugin::outbox::{Mail, Notice};
use crate::{Result, host};
use serde::Serialize;

impl Mail {
    pub fn new(to: impl Into<String>, subject: impl Into<String>, text: impl Into<String>) -> Mail {
        Mail {
            to: vec![to.into()],
            subject: subject.into(),
            text: text.into(),
            html: None,
            attachments: Vec::new(),
            about: None,
        }
    }

    /// Hangs the mail on a record.
    pub fn about(mut self, record: impl Into<String>) -> Mail {
        self.about = Some(record.into());
        self
    }
}

impl Notice {
    /// For a user, by id.
    pub fn new(user: impl Into<String>, title: impl Into<String>, body: impl Into<String>) -> Notice {
        Notice { user: user.into(), title: title.into(), body: body.into(), link: None }
    }

    /// Id of a record, or a path of the web app.
    pub fn link(mut self, link: impl Into<String>) -> Notice {
        self.link = Some(link.into());
        self
    }
}

/// Sends a mail once per key, however often the call is repeated.
pub fn send_mail(mail: &Mail, key: &str) -> Result<String> {
    host::outbox::send_mail(mail, key)
}

/// Shows a notice to a user.
pub fn notify(notice: &Notice) -> Result<()> {
    host::outbox::notify(notice)
}

/// Runs a job of the manifest after some seconds (at most 400 days), once per key. The id to cancel it by.
pub fn run_later(job: &str, input: &impl Serialize, delay_s: u32, key: &str) -> Result<String> {
    host::outbox::run_later(job, &serde_json::to_string(input)?, delay_s, key)
}

/// False: it ran already, or never was.
pub fn cancel(id: &str) -> Result<bool> {
    host::outbox::cancel(id)
}
