//! What can be wrong with an expression, said so that the person who wrote it can mend it.

use kith_base::limits::FILTER_CHARS_MAX;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExprError {
    #[error("the expression is empty; write a condition such as amount > 1000")]
    Empty,
    #[error("the expression has {0} characters; at most {FILTER_CHARS_MAX} are read, so split it")]
    TooLong(usize),
    #[error("the expression is nested too deeply at character {0}; split it or use 'in [...]'")]
    TooDeep(usize),
    #[error("the expression cannot be read at character {at}: {said}")]
    Syntax { at: usize, said: String },
    #[error("there is no field '{name}' (character {at}){hint}")]
    UnknownName { name: String, at: usize, hint: String },
    #[error("there is no function '{name}' (character {at}); {hint}")]
    UnknownFunction { name: String, at: usize, hint: String },
    #[error("at character {at}: {said}")]
    Unusable { at: usize, said: String },
    #[error("the expression cannot be evaluated here: {0}")]
    Evaluation(String),
}

impl ExprError {
    pub fn code(&self) -> &'static str {
        "filter.invalid"
    }
}
