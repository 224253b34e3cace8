//! Who someone is: passwords, sessions, tokens, and the actors they lead to. Decides nothing about records: that is `access`.

pub mod directory;
pub mod password;
mod session;
pub mod slow_down;
mod ticket;
mod token;
mod user;

pub use session::{Client, Session, SignedIn};
pub use token::NewToken;
pub use user::NewUser;

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;
