//! Runs a tree against values. A part of something that is not set is null, so that `amount.currency == "EUR"` is false, not an
//! error, where there is no amount.

use std::sync::{Arc, LazyLock};

use cel::{
    Context, Env, Value,
    common::{
        ast::IdedExpr,
        value::{CowVal, Val},
    },
    context::VariableResolver,
};

use super::{EvalContext, ExprError, functions, names};

static ENV: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(functions::environment()));

/// The outcome of a tree or a part of one, given the value of each name.
///
/// # Errors
/// `ExprError::Evaluation`: a comparison of things that do not compare, a function that does not take what it got.
pub fn evaluate(ast: &IdedExpr, values: &dyn Fn(&str) -> Value, context: &EvalContext) -> Result<Value, ExprError> {
    let found = names::of(ast);
    let bound = found.names.into_iter().map(|name| {
        let value = match (name, context.me) {
            ("me", Some(id)) => Value::String(Arc::new(id.to_string())),
            ("me", None) => Value::Null,
            _ => values(name),
        };
        (name, value)
    });
    let bound = Bound::new(bound)?;
    let mut scope = Context::with_env(ENV.clone());
    if found.timed {
        functions::add_time(&mut scope, context);
    }
    scope.set_variable_resolver(&bound);
    Value::resolve(ast, &scope).map_err(|error| ExprError::Evaluation(clipped(&error.to_string())))
}

fn clipped(text: &str) -> String {
    text.chars().take(200).collect()
}

/// The values of the names, ready to be lent to the interpreter.
struct Bound<'n> {
    values: Vec<Named<'n>>,
}

struct Named<'n> {
    name: &'n str,
    value: Box<dyn Val>,
    /// The value again where it has parts, or could have had some.
    whole: Option<Value>,
}

impl<'n> Bound<'n> {
    fn new(values: impl Iterator<Item = (&'n str, Value)>) -> Result<Self, ExprError> {
        let made = values.map(|(name, value)| {
            let whole = matches!(value, Value::Map(_) | Value::Null).then(|| value.clone());
            match Box::<dyn Val>::try_from(value) {
                Ok(value) => Ok(Named { name, value, whole }),
                Err(error) => Err(ExprError::Evaluation(clipped(&error.to_string()))),
            }
        });
        Ok(Bound { values: made.collect::<Result<_, _>>()? })
    }

    fn named(&self, name: &str) -> Option<&Named<'n>> {
        self.values.iter().find(|named| named.name == name)
    }
}

impl VariableResolver for Bound<'_> {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        let Some((root, path)) = variable.split_once('.') else {
            return self.named(variable).map(|named| CowVal::Borrowed(named.value.as_ref()));
        };
        let mut value = self.named(root)?.whole.as_ref()?;
        for part in path.split('.') {
            value = match value {
                Value::Null => return Some(CowVal::owned(cel::common::types::CelNull)),
                Value::Map(map) => map.get(&cel::objects::Key::from(part))?,
                _ => return None,
            };
        }
        Box::<dyn Val>::try_from(value.clone()).ok().map(CowVal::Owned)
    }
}
