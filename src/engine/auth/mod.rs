//! Who someone is: passwords, sessions, tokens, and the actors they lead to. Decides nothing about records: that is `access`.

pub mod by_user;
pub mod challenge;
pub mod directory;
pub mod otp;
pub mod password;
mod places;
pub mod policy;
pub mod recovery;
mod second_factor;
mod session;
mod sessions;
pub mod slow_down;
mod ticket;
mod token;
mod user;

pub use second_factor::{Challenge, Enrolment, SecondFactorState};
pub use session::{Client, Session, SignedIn};
pub use sessions::SessionView;
pub use token::NewToken;
pub use user::NewUser;

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod second_factor_tests;
#[cfg(test)]
mod session_tests;
#[cfg(test)]
mod tests;
