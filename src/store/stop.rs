//! The store's one-way switch: after a write error nothing more is accepted. Decides nothing, remembers the first cause.

use parking_lot::Mutex;

use crate::StoreError;

#[derive(Default)]
pub(crate) struct Stop(Mutex<Option<StoreError>>);

impl Stop {
    /// Stops for `cause`, unless stopped before, and hands it back.
    pub fn stop(&self, cause: StoreError) -> StoreError {
        let mut first = self.0.lock();
        if first.is_none() {
            tracing::error!(code = cause.code(), "the store stops: {cause}");
            *first = Some(cause.clone());
        }
        cause
    }

    /// Stops without a word: somebody asked for it.
    pub fn stop_quietly(&self, cause: StoreError) {
        self.0.lock().get_or_insert(cause);
    }

    pub fn check(&self) -> Result<(), StoreError> {
        match &*self.0.lock() {
            None => Ok(()),
            // A full disk and a closed store keep their own names: what to do about them is known.
            Some(cause @ (StoreError::DiskFull(_) | StoreError::Closed)) => Err(cause.clone()),
            Some(cause) => Err(StoreError::Stopped(cause.to_string())),
        }
    }
}
