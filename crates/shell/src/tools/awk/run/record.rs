//! The current line and its fields.

use super::*;

impl Awk {
    pub(super) fn set_record(&mut self, line: &str) -> Run<()> {
        self.record = line.to_owned();
        let separator = self.text_of("FS");
        self.fields = self.split(line, &separator)?.iter().map(|field| Value::Input(field.as_str().into())).collect();
        self.set_number("NF", self.fields.len() as f64);
        Ok(())
    }

    /// Splits a text as fields are split.
    pub fn split(&mut self, text: &str, separator: &str) -> Run<Vec<String>> {
        if text.is_empty() {
            return Ok(Vec::new());
        }
        if separator == " " {
            return Ok(text.split_whitespace().map(str::to_owned).collect());
        }
        if separator.is_empty() {
            return Ok(text.chars().map(String::from).collect());
        }
        if separator.chars().count() == 1 && separator != "\\" {
            return Ok(text.split(separator).map(str::to_owned).collect());
        }
        let regex = self.regex(separator)?;
        let mut parts = Vec::new();
        let mut at = 0;
        for found in regex.find_iter(text).filter(|found| !found.is_empty()) {
            parts.push(text.get(at..found.start()).unwrap_or("").to_owned());
            at = found.end();
        }
        parts.push(text.get(at..).unwrap_or("").to_owned());
        Ok(parts)
    }

    /// Puts the record together again after a field was changed.
    pub(super) fn rebuild(&mut self) -> Run<()> {
        let separator = self.text_of("OFS");
        let fields: Vec<String> = self.fields.clone().iter().map(|field| self.to_text(field)).collect();
        self.record = fields.join(&separator);
        self.check(self.record.len())?;
        self.set_number("NF", self.fields.len() as f64);
        Ok(())
    }

    pub(super) fn field(&mut self, index: f64) -> Run<Value> {
        if index < 0.0 {
            return Err(Stop::Error(format!("trying to access out of range field {index}")));
        }
        if index < 1.0 {
            return Ok(Value::Input(self.record.as_str().into()));
        }
        Ok(self.fields.get(index as usize - 1).cloned().unwrap_or(Value::None))
    }

    pub(super) fn set_field(&mut self, index: f64, value: Value) -> Run<()> {
        if !(0.0..10_000.0).contains(&index) {
            return Err(Stop::Error(format!("trying to access out of range field {index}")));
        }
        if index < 1.0 {
            let text = self.to_text(&value);
            return self.set_record(&text);
        }
        let place = index as usize - 1;
        if self.fields.len() <= place {
            self.fields.resize(place + 1, Value::None);
        }
        if let Some(field) = self.fields.get_mut(place) {
            *field = value;
        }
        self.rebuild()
    }
}
