//! Checks a tree against an object and brings it into the form that is evaluated. Evaluates nothing that depends on a record.

use cel::common::ast::{
    CallExpr, ComprehensionExpr, EntryExpr, Expr as Ast, IdedExpr, LiteralValue, SourceInfo, operators,
};

use super::{
    ExprError, RECORD_NAMES, build,
    functions::{self, DATE_MOMENT, DATE_TIME, KNOWN, MATCHES, TODAY_MOMENT},
};
use crate::{Column, FieldDef, ObjectDef, kinds, nearest::nearest};

pub fn resolve(ast: &IdedExpr, source: &SourceInfo, object: &ObjectDef) -> Result<IdedExpr, ExprError> {
    Resolver { source, object, bound: Vec::new() }.tree(ast.clone())
}

struct Resolver<'a> {
    source: &'a SourceInfo,
    object: &'a ObjectDef,
    /// Loop variables in scope.
    bound: Vec<String>,
}

/// What is known of a tree's type before it runs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Number {
    Int,
    Double,
    Other,
}

impl Resolver<'_> {
    fn at(&self, ast: &IdedExpr) -> usize {
        let byte = self.source.offset_for(ast.id).map_or(0, |(start, _)| start as usize);
        self.source.source.char_indices().take_while(|(at, _)| *at < byte).count() + 1
    }

    fn tree(&mut self, mut ast: IdedExpr) -> Result<IdedExpr, ExprError> {
        let at = self.at(&ast);
        ast.expr = match ast.expr {
            Ast::Ident(name) => {
                self.known(&name, at)?;
                if self.field(&name).is_some_and(is_money) {
                    return Ok(build::part(build::node(Ast::Ident(name)), "amount"));
                }
                Ast::Ident(name)
            }
            Ast::Select(select) => return self.select(select, ast.id, at),
            Ast::Call(call) => return self.call(call, ast.id, at),
            Ast::Comprehension(each) => Ast::Comprehension(Box::new(self.each(*each, at)?)),
            Ast::List(mut list) => {
                list.elements = self.all(list.elements)?;
                Ast::List(list)
            }
            Ast::Map(mut map) => {
                for entry in &mut map.entries {
                    if let EntryExpr::MapEntry(pair) = &mut entry.expr {
                        pair.key = self.tree(std::mem::take(&mut pair.key))?;
                        pair.value = self.tree(std::mem::take(&mut pair.value))?;
                    }
                }
                Ast::Map(map)
            }
            Ast::Struct(_) => return Err(unusable(at, "objects with a type name cannot be made here")),
            same @ (Ast::Literal(_) | Ast::Unspecified) => same,
        };
        Ok(ast)
    }

    fn all(&mut self, items: Vec<IdedExpr>) -> Result<Vec<IdedExpr>, ExprError> {
        items.into_iter().map(|item| self.tree(item)).collect()
    }

    /// The field of this name, unless a loop variable hides it.
    fn field(&self, name: &str) -> Option<&FieldDef> {
        if self.bound.iter().any(|bound| bound == name) { None } else { self.object.field(name) }
    }

    fn field_in(&self, ast: &IdedExpr) -> Option<&FieldDef> {
        match &ast.expr {
            Ast::Ident(name) => self.field(name),
            _ => None,
        }
    }

    fn known(&self, name: &str, at: usize) -> Result<(), ExprError> {
        let known = name.starts_with('@')
            || name == "me"
            || RECORD_NAMES.contains(&name)
            || self.bound.iter().any(|bound| bound == name)
            || self.object.field(name).is_some();
        if known {
            return Ok(());
        }
        let candidates = self.object.fields.iter().map(|f| f.key.as_str()).chain(RECORD_NAMES).chain(["me"]);
        let hint = match nearest(name, candidates) {
            Some(meant) => format!("; did you mean '{meant}'?"),
            None => format!("; '{}' has other fields, and texts go in quotes", self.object.key),
        };
        Err(ExprError::UnknownName { name: kinds::shared::clip(name), at, hint })
    }

    fn select(&mut self, mut select: cel::common::ast::SelectExpr, id: u64, at: usize) -> Result<IdedExpr, ExprError> {
        let root = self.field_in(&select.operand).cloned();
        if let Some(field) = &root {
            self.part_known(field, &select.field, at)?;
        } else {
            select.operand = Box::new(self.tree(*select.operand)?);
        }
        if select.test && root.is_some() {
            // `has(address.city)`: whether it is set. A part that is not there reads as null.
            select.test = false;
            let part = IdedExpr { id, expr: Ast::Select(select) };
            return Ok(build::call(operators::NOT_EQUALS, vec![part, build::null()]));
        }
        Ok(IdedExpr { id, expr: Ast::Select(select) })
    }

    /// Composed kinds have the parts that their JSON has.
    fn part_known(&self, field: &FieldDef, part: &str, at: usize) -> Result<(), ExprError> {
        let schema = field.kind().json_schema(field);
        let Some(parts) = schema.get("properties").and_then(serde_json::Value::as_object) else {
            if matches!(field.kind().column(), Column::Other) {
                return Ok(());
            }
            return Err(unusable(at, &format!("field '{}' has no parts; leave out '.{part}'", field.key)));
        };
        if parts.contains_key(part) {
            return Ok(());
        }
        let known: Vec<&str> = parts.keys().map(String::as_str).collect();
        let shown = kinds::shared::clip(part);
        Err(unusable(at, &format!("field '{}' has no part '{shown}'; parts: {}", field.key, known.join(", "))))
    }

    fn call(&mut self, call: CallExpr, id: u64, at: usize) -> Result<IdedExpr, ExprError> {
        let CallExpr { mut func_name, target, args } = call;
        let is_operator = func_name.starts_with(['_', '@', '!', '-']);
        if !is_operator && func_name != DATE_TIME && !KNOWN.contains(&func_name.as_str()) {
            let hint = match nearest(&func_name, KNOWN.iter().copied()) {
                Some(meant) => format!("did you mean '{meant}'?"),
                None => format!("functions: {}", KNOWN[..functions::USUAL].join(", ")),
            };
            return Err(ExprError::UnknownFunction { name: kinds::shared::clip(&func_name), at, hint });
        }
        let is_equality = matches!(func_name.as_str(), operators::EQUALS | operators::NOT_EQUALS);
        if is_equality && args.iter().any(|arg| matches!(arg.expr, Ast::Literal(LiteralValue::Null))) {
            // `amount == null` asks for the money as a whole.
            for arg in &args {
                if let Ast::Ident(name) = &arg.expr {
                    self.known(name, at)?;
                }
            }
            let args = args.into_iter().map(|arg| match arg.expr {
                Ast::Ident(_) => Ok(arg),
                _ => self.tree(arg),
            });
            let args = args.collect::<Result<_, _>>()?;
            return Ok(IdedExpr { id, expr: Ast::Call(CallExpr { func_name, target: None, args }) });
        }
        let args = self.dated(&func_name, args, at)?;
        let held = match (func_name.as_str(), args.as_slice()) {
            (operators::IN, [_, list]) if self.field_in(list).is_some_and(is_list) => Some(list.clone()),
            _ => None,
        };
        let args = if func_name == "size" && target.is_none() {
            args.into_iter().map(|arg| self.or_empty(arg)).collect::<Result<_, _>>()?
        } else {
            self.all(args)?
        };
        let args = self.same_numbers(&func_name, args);
        let target = match target {
            Some(target) if func_name == "size" => Some(Box::new(self.or_empty(*target)?)),
            Some(target) => Some(Box::new(self.tree(*target)?)),
            None => None,
        };
        self.constants(&func_name, &args, at)?;
        if func_name == "matches" {
            func_name = MATCHES.to_string();
        }
        let call = IdedExpr { id, expr: Ast::Call(CallExpr { func_name, target, args }) };
        Ok(match held {
            // Nothing is in a list that is not set.
            Some(list) => {
                let set = build::call(operators::NOT_EQUALS, vec![list, build::null()]);
                build::call(operators::LOGICAL_AND, vec![set, call])
            }
            None => call,
        })
    }

    /// A list field that is not set counts as an empty list.
    fn or_empty(&mut self, ast: IdedExpr) -> Result<IdedExpr, ExprError> {
        if !self.field_in(&ast).is_some_and(is_list) {
            return self.tree(ast);
        }
        let unset = build::call(operators::EQUALS, vec![ast.clone(), build::null()]);
        Ok(build::call(operators::CONDITIONAL, vec![unset, build::list(Vec::new()), ast]))
    }

    /// Texts compared with dates and times are dates and times.
    fn dated(&self, name: &str, args: Vec<IdedExpr>, at: usize) -> Result<Vec<IdedExpr>, ExprError> {
        let compares = matches!(
            name,
            operators::EQUALS
                | operators::NOT_EQUALS
                | operators::LESS
                | operators::LESS_EQUALS
                | operators::GREATER
                | operators::GREATER_EQUALS
        );
        if !compares || !args.iter().any(|arg| self.is_time(arg)) {
            return Ok(args);
        }
        let moments = args.iter().any(|arg| self.time_format(arg) == Some("date-time"))
            && !args.iter().any(|arg| self.time_format(arg) == Some("date"));
        let args = if moments { args.into_iter().map(from_midnight).collect() } else { args };
        let wrap = |arg: IdedExpr| match &arg.expr {
            Ast::Literal(LiteralValue::String(text)) => match functions::date_ms(text) {
                Some(_) => Ok(build::call(if moments { DATE_MOMENT } else { DATE_TIME }, vec![arg])),
                None => {
                    let shown = kinds::shared::clip(text);
                    Err(unusable(at, &format!("'{shown}' is no date; write one such as date(\"2026-03-01\")")))
                }
            },
            _ => Ok(arg),
        };
        args.into_iter().map(wrap).collect()
    }

    fn is_time(&self, ast: &IdedExpr) -> bool {
        self.time_format(ast).is_some()
    }

    /// `date` or `date-time` for a name that is one.
    fn time_format(&self, ast: &IdedExpr) -> Option<&'static str> {
        let Ast::Ident(name) = &ast.expr else { return None };
        match self.field(name) {
            Some(field) => match field.kind().json_schema(field)["format"].as_str() {
                Some("date") => Some("date"),
                Some("date-time") => Some("date-time"),
                _ => None,
            },
            None => matches!(name.as_str(), "created_at" | "updated_at").then_some("date-time"),
        }
    }

    /// `amount * 2`: CEL does not mix whole and decimal numbers, people do.
    fn same_numbers(&self, name: &str, args: Vec<IdedExpr>) -> Vec<IdedExpr> {
        let arithmetic = [operators::ADD, operators::SUBSTRACT, operators::MULTIPLY, operators::DIVIDE].contains(&name);
        if !arithmetic || !args.iter().any(|arg| self.number(arg) == Number::Double) {
            return args;
        }
        let double = |arg: IdedExpr| match (self.number(&arg), &arg.expr) {
            (Number::Int, Ast::Literal(LiteralValue::Int(n))) => {
                build::node(Ast::Literal(LiteralValue::Double((*n.inner() as f64).into())))
            }
            (Number::Int, _) => build::call("double", vec![arg]),
            _ => arg,
        };
        args.into_iter().map(double).collect()
    }

    fn number(&self, ast: &IdedExpr) -> Number {
        match &ast.expr {
            Ast::Literal(LiteralValue::Int(_)) => Number::Int,
            Ast::Literal(LiteralValue::Double(_)) => Number::Double,
            Ast::Ident(name) => self.field(name).map_or(Number::Other, |field| match field.kind().column() {
                Column::Decimal => Number::Double,
                Column::Int if field.kind().json_schema(field)["type"][0] == "integer" && !is_duration(field) => {
                    Number::Int
                }
                _ => Number::Other,
            }),
            Ast::Select(select) if select.field == "amount" && self.field_in(&select.operand).is_some_and(is_money) => {
                Number::Double
            }
            Ast::Call(call) => match (call.func_name.as_str(), call.args.as_slice()) {
                ("double", _) => Number::Double,
                ("int" | "size" | "years_since", _) => Number::Int,
                (operators::NEGATE, [inner]) => self.number(inner),
                (operators::CONDITIONAL, [_, a, b]) | ("coalesce", [a, b]) => match (self.number(a), self.number(b)) {
                    (Number::Double, _) | (_, Number::Double) => Number::Double,
                    (a, b) if a == b => a,
                    _ => Number::Other,
                },
                (operators::ADD | operators::SUBSTRACT | operators::MULTIPLY | operators::DIVIDE, [a, b]) => {
                    match (self.number(a), self.number(b)) {
                        (Number::Double, _) | (_, Number::Double) => Number::Double,
                        (Number::Int, Number::Int) => Number::Int,
                        _ => Number::Other,
                    }
                }
                _ => Number::Other,
            },
            _ => Number::Other,
        }
    }

    /// Constants that can only fail are refused now, not row by row.
    fn constants(&self, name: &str, args: &[IdedExpr], at: usize) -> Result<(), ExprError> {
        let [IdedExpr { expr: Ast::Literal(LiteralValue::String(text)), .. }] = args else { return Ok(()) };
        let shown = kinds::shared::clip(text);
        match name {
            "date" | DATE_MOMENT if functions::date_ms(text).is_none() => {
                Err(unusable(at, &format!("'{shown}' is no date; write one such as date(\"2026-03-01\")")))
            }
            "timestamp" if crate::local::times::strict(text, "UTC").is_none() => {
                let right = "write a time such as timestamp(\"2026-03-01T10:00:00Z\")";
                Err(unusable(at, &format!("'{shown}' is no time; {right}")))
            }
            "matches" => {
                functions::pattern(text).map(|_| ()).map_err(|said| unusable(at, &format!("'{shown}': {said}")))
            }
            _ => Ok(()),
        }
    }

    fn each(&mut self, mut each: ComprehensionExpr, at: usize) -> Result<ComprehensionExpr, ExprError> {
        // Loops within loops multiply, and a filter runs them for every record.
        if !self.bound.is_empty() {
            return Err(unusable(at, "loops cannot stand within loops; compare with one list at a time"));
        }
        each.iter_range = self.or_empty(each.iter_range)?;
        each.accu_init = self.tree(each.accu_init)?;
        self.bound = [each.iter_var.clone(), each.accu_var.clone()].into_iter().chain(each.iter_var2.clone()).collect();
        let inner = (|| {
            each.loop_cond = self.tree(std::mem::take(&mut each.loop_cond))?;
            each.loop_step = self.tree(std::mem::take(&mut each.loop_step))?;
            each.result = self.tree(std::mem::take(&mut each.result))?;
            Ok(each)
        })();
        self.bound.clear();
        inner
    }
}

/// `today()` and `date("…")`, also as part of a sum, as the moment at which that day began.
fn from_midnight(mut ast: IdedExpr) -> IdedExpr {
    if let Ast::Call(call) = &mut ast.expr {
        match call.func_name.as_str() {
            "today" if call.target.is_none() && call.args.is_empty() => call.func_name = TODAY_MOMENT.to_string(),
            "date" if call.target.is_none() => call.func_name = DATE_MOMENT.to_string(),
            operators::ADD | operators::SUBSTRACT => {
                call.args = std::mem::take(&mut call.args).into_iter().map(from_midnight).collect();
            }
            _ => {}
        }
    }
    ast
}

fn unusable(at: usize, said: &str) -> ExprError {
    ExprError::Unusable { at, said: said.to_string() }
}

fn is_money(field: &FieldDef) -> bool {
    field.kind().column() == Column::Money
}

fn is_list(field: &FieldDef) -> bool {
    matches!(field.kind().column(), Column::Options | Column::Links) || field.many
}

fn is_duration(field: &FieldDef) -> bool {
    matches!(field.kind().to_cel(field, &crate::Value::Int(0)), cel::Value::Duration(_))
}
