//! Variables.

use drydock_sorted::SortedMap;
use std::sync::Arc;

use super::parse::is_name;
use crate::Env;

/// How many elements an array may have.
const ELEMENTS_MAX: usize = 100_000;

/// A variable's value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// Declared, but without a value.
    None,
    Text(Arc<str>),
    Array(Arc<SortedMap<i64, String>>),
    Map(Arc<SortedMap<String, String>>),
}

/// A variable.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Var {
    pub value: Value,
    pub exported: bool,
    pub readonly: bool,
    pub integer: bool,
}

impl Var {
    pub fn new(value: Value) -> Var {
        Var { value, exported: false, readonly: false, integer: false }
    }

    /// Its text; an array's first element.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::None => None,
            Value::Text(text) => Some(text),
            Value::Array(elements) => elements.get(&0).map(String::as_str),
            Value::Map(entries) => entries.get("0").map(String::as_str),
        }
    }
}

/// All variables of a shell. A clone costs a pointer, so that subshells are cheap.
#[derive(Debug, Clone, Default)]
pub(crate) struct Vars {
    map: Arc<SortedMap<String, Var>>,
}

impl Vars {
    /// Those of an environment. Most shells hand on what they have no name for; Debian's forgets it.
    pub fn from_env(env: &Env, forgets: bool) -> Vars {
        let export = |(name, value): (&String, &String)| {
            (name.clone(), Var { exported: true, ..Var::new(Value::Text(value.as_str().into())) })
        };
        Vars { map: Arc::new(env.iter().filter(|(name, _)| !forgets || is_name(name)).map(export).collect()) }
    }

    /// The environment for a command.
    pub fn environment(&self) -> Env {
        self.map
            .iter()
            .filter(|(_, var)| var.exported)
            .filter_map(|(name, var)| Some((name.clone(), var.text()?.to_owned())))
            .collect()
    }

    pub fn get(&self, name: &str) -> Option<&Var> {
        self.map.get(name)
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.map.get(name)?.text()
    }

    /// What can be named in a script.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &Var)> {
        self.map.iter().filter(|(name, _)| is_name(name))
    }

    /// The variable, made if need be.
    pub fn entry(&mut self, name: &str) -> &mut Var {
        Arc::make_mut(&mut self.map).entry(name.to_owned()).or_insert_with(|| Var::new(Value::None))
    }

    /// Puts a variable back as it was, or removes it.
    pub fn put(&mut self, name: &str, var: Option<Var>) {
        let map = Arc::make_mut(&mut self.map);
        match var {
            Some(var) => map.insert(name.to_owned(), var),
            None => map.remove(name),
        };
    }

    /// Sets a text, whatever the attributes say.
    pub fn set(&mut self, name: &str, text: &str) {
        let var = self.entry(name);
        match &mut var.value {
            Value::Array(elements) => {
                Arc::make_mut(elements).insert(0, text.to_owned());
            }
            Value::Map(entries) => {
                Arc::make_mut(entries).insert("0".into(), text.to_owned());
            }
            value => *value = Value::Text(text.into()),
        }
    }

    /// Sets an element of an array.
    pub fn set_element(&mut self, name: &str, index: i64, text: &str) -> Result<(), String> {
        let var = self.entry(name);
        if !matches!(var.value, Value::Array(_)) {
            let first = var.text().map(|text| (0, text.to_owned()));
            var.value = Value::Array(Arc::new(first.into_iter().collect()));
        }
        if let Value::Array(elements) = &mut var.value {
            let elements = Arc::make_mut(elements);
            let index = if index < 0 { elements.keys().next_back().map_or(0, |last| last + 1) + index } else { index };
            if index < 0 {
                return Err(format!("{name}[{index}]: bad array subscript"));
            }
            if elements.len() >= ELEMENTS_MAX {
                return Err(format!("{name}: array is too large"));
            }
            elements.insert(index, text.to_owned());
        }
        Ok(())
    }

    /// Sets an entry of an associative array.
    pub fn set_entry(&mut self, name: &str, key: &str, text: &str) -> Result<(), String> {
        let var = self.entry(name);
        if !matches!(var.value, Value::Map(_)) {
            var.value = Value::Map(Arc::default());
        }
        if let Value::Map(entries) = &mut var.value {
            if entries.len() >= ELEMENTS_MAX {
                return Err(format!("{name}: array is too large"));
            }
            Arc::make_mut(entries).insert(key.to_owned(), text.to_owned());
        }
        Ok(())
    }
}
