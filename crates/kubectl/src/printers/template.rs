//! Go's text/template (being written).

use crate::env::Io;
use crate::failure::Failure;
use drydock_value::Value;

/// A parsed template.
#[derive(Debug, Clone)]
pub struct Template;

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// Go's words.
    pub fn parse(_name: &str, _text: &str) -> Result<Template, String> {
        Ok(Template)
    }

    /// Whether missing keys are `<no value>` rather than errors.
    #[must_use]
    pub fn allow_missing(self, _allow: bool) -> Template {
        self
    }
}

/// Prints.
///
/// # Errors
/// When it does not fit.
pub fn print(_template: &Template, _text: &str, _object: &Value, _io: &mut Io<'_>) -> Result<(), Failure> {
    Err("go-template is not supported yet".into())
}
