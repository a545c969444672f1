//! Variables and arrays, global ones and those of functions.

use super::*;
use crate::tools::Call;
use crate::tools::awk::ast::*;

impl Awk {
    pub(super) fn get(&self, name: &str) -> Value {
        if let Some(frame) = self.frames.last()
            && let Some(local) = frame.get(name)
        {
            return match local {
                Local::Value(value) => value.clone(),
                Local::Array(_) => Value::None,
            };
        }
        self.globals.get(name).cloned().unwrap_or(Value::None)
    }

    pub(super) fn set(&mut self, name: &str, value: Value) -> Run<()> {
        if let Some(local) = self.frames.last_mut().and_then(|frame| frame.get_mut(name)) {
            *local = Local::Value(value);
            return Ok(());
        }
        if name == "NF" {
            let count = to_number(&value).clamp(0.0, 10_000.0) as usize;
            self.fields.resize(count, Value::None);
            return self.rebuild();
        }
        self.globals.insert(name.to_owned(), value);
        Ok(())
    }

    /// The real name of an array: parameters lead to those of the caller.
    pub(super) fn array_name(&mut self, name: &str) -> String {
        match self.frames.last_mut().and_then(|frame| frame.get_mut(name)) {
            Some(Local::Array(name)) => name.clone(),
            Some(local @ Local::Value(Value::None)) => {
                // A local that is used as an array becomes one, with a name that no program can write.
                self.names += 1;
                let own = format!("{name} {}", self.names);
                *local = Local::Array(own.clone());
                own
            }
            _ => name.to_owned(),
        }
    }

    pub fn array(&mut self, name: &str) -> &mut Array {
        let name = self.array_name(name);
        self.arrays.entry(name).or_default()
    }

    pub(super) fn key(&mut self, index: &[Expr], call: &mut Call<'_, '_>) -> Run<String> {
        let mut parts = Vec::with_capacity(index.len());
        for expr in index {
            let value = self.eval(expr, call)?;
            parts.push(self.to_text(&value));
        }
        Ok(if parts.len() == 1 { parts.pop().unwrap_or_default() } else { parts.join(&self.text_of("SUBSEP")) })
    }

    pub fn assign(&mut self, target: &Expr, value: Value, call: &mut Call<'_, '_>) -> Run<()> {
        match target {
            Expr::Var(name) => self.set(name, value),
            Expr::Field(index) => {
                let index = self.eval(index, call)?;
                self.set_field(to_number(&index), value)
            }
            Expr::Index(name, index) => {
                let key = self.key(index, call)?;
                let array = self.array(name);
                if array.len() >= ELEMENTS_MAX && !array.contains_key(&key) {
                    return Err(Stop::Error("an array has grown too large".into()));
                }
                array.insert(key, value);
                Ok(())
            }
            Expr::Group(inner) => self.assign(inner, value, call),
            _ => Err(Stop::Error("assignment to something that is no variable".into())),
        }
    }
}
