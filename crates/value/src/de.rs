//! Typed views: any `Deserialize` type read straight off a [`Value`], without text in between.

use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use crate::{Error, Value};

/// Reads a typed view off a value. Null reads as `None`, and as the default of a `#[serde(default)]` struct field only
/// when the field is absent, as serde has it.
///
/// # Errors
/// When the value does not have the shape of `T`.
pub fn from_value<T: DeserializeOwned>(value: &Value) -> Result<T, Error> {
    T::deserialize(Reader(value))
}

struct Reader<'a>(&'a Value);

impl serde::de::Error for Error {
    fn custom<T: std::fmt::Display>(message: T) -> Error {
        Error(message.to_string())
    }
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(b) => visitor.visit_bool(*b),
            Value::Int(i) => visitor.visit_i64(*i),
            Value::Float(f) => visitor.visit_f64(*f),
            Value::String(s) => visitor.visit_str(s),
            Value::Array(items) => visitor.visit_seq(Items(items.iter())),
            Value::Object(map) => visitor.visit_map(Pairs { pairs: map.into_iter(), value: None }),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.0 {
            Value::String(s) => visitor.visit_enum(s.as_str().into_deserializer()),
            Value::Object(map) if map.len() == 1 => {
                visitor.visit_enum(serde::de::value::MapAccessDeserializer::new(Pairs {
                    pairs: map.into_iter(),
                    value: None,
                }))
            }
            _ => Err(Error(format!("expected one of {variants:?} for {name}"))),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}

struct Items<'a>(std::slice::Iter<'a, Value>);

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        self.0.next().map(|item| seed.deserialize(Reader(item))).transpose()
    }
}

struct Pairs<'a, I> {
    pairs: I,
    value: Option<&'a Value>,
}

impl<'a, 'de, I: Iterator<Item = (&'a crate::Key, &'a Value)>> MapAccess<'de> for Pairs<'a, I> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let Some((key, value)) = self.pairs.next() else { return Ok(None) };
        self.value = Some(value);
        seed.deserialize(key.as_str().into_deserializer()).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(Reader(self.value.take().unwrap_or(&Value::Null)))
    }
}

#[cfg(test)]
mod tests {
    use crate::{from_value, value};

    #[derive(serde::Deserialize, Debug, PartialEq)]
    #[serde(rename_all = "camelCase", default)]
    #[derive(Default)]
    struct Spec {
        node_name: Option<String>,
        replicas: i32,
        policy: Policy,
        ports: Vec<u16>,
    }

    #[derive(serde::Deserialize, Debug, PartialEq, Default)]
    enum Policy {
        #[default]
        Always,
        Never,
    }

    #[test]
    fn reads_the_fields_that_a_view_names() {
        let object = value!({"nodeName": "n1", "replicas": 3, "policy": "Never", "ports": [80], "other": {"x": 1}});
        let spec: Spec = from_value(&object).unwrap();
        assert_eq!(spec, Spec { node_name: Some("n1".into()), replicas: 3, policy: Policy::Never, ports: vec![80] });
        assert_eq!(from_value::<Spec>(&value!({})).unwrap(), Spec::default());
        assert!(from_value::<Spec>(&value!({"replicas": "three"})).is_err());
    }
}
