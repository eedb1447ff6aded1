//! Reads JSON strictly: UTF-8 only, no duplicate keys, bounded depth, exact integers; each fault names its place.

use std::cell::RefCell;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use tributary_domain::field::FieldError;

use super::pointer::Pointer;

/// Deeper nesting than any body of ours needs; bounds the stack.
const DEPTH_MAX: usize = 32;

/// Reads one JSON document, or says where it stops being one.
pub(crate) fn read(bytes: &[u8]) -> Result<Value, FieldError> {
    if let Err(error) = std::str::from_utf8(bytes) {
        let reason = format!("the body is not UTF-8 at byte {}", error.valid_up_to());
        return Err(FieldError::new("", reason));
    }
    let place = RefCell::new(Pointer::default());
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let read = Node { place: &place }
        .deserialize(&mut reader)
        .and_then(|value| reader.end().map(|()| value));
    read.map_err(|error| FieldError::new(place.borrow().to_string(), error.to_string()))
}

/// One value in the document. Steps are taken back only after success, so that a fault leaves its place behind.
#[derive(Clone, Copy)]
struct Node<'a> {
    place: &'a RefCell<Pointer>,
}

impl Node<'_> {
    fn enter<E: de::Error>(self, step: &str) -> Result<(), E> {
        self.place.borrow_mut().push(step);
        if self.place.borrow().depth() > DEPTH_MAX {
            return Err(E::custom(format!("nested deeper than {DEPTH_MAX} levels")));
        }
        Ok(())
    }

    fn leave(self) {
        self.place.borrow_mut().pop();
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        loop {
            self.enter(&items.len().to_string())?;
            let item = seq.next_element_seed(self)?;
            self.leave();
            match item {
                Some(item) => items.push(item),
                None => return Ok(Value::Array(items)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            self.enter(&name)?;
            if fields.contains_key(&name) {
                return Err(A::Error::custom("the key appears twice"));
            }
            let value = map.next_value_seed(self)?;
            self.leave();
            fields.insert(name, value);
        }
        Ok(Value::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> FieldError {
        read(text.as_bytes()).unwrap_err()
    }

    #[test]
    fn a_document_reads_as_serde_json_reads_it() {
        let text = r#"{"a":[1,-2,1.5,"x",true,null,{}],"b":18446744073709551615}"#;
        let expected: Value = serde_json::from_str(text).unwrap();
        assert_eq!(read(text.as_bytes()).unwrap(), expected);
    }

    #[test]
    fn a_key_that_appears_twice_is_refused_where_it_appears() {
        let fault = fault(r#"{"amount":{"total":1,"total":2}}"#);
        assert_eq!(fault.field, "/amount/total");
        assert!(fault.reason.starts_with("the key appears twice"));
    }

    #[test]
    fn nesting_is_bounded() {
        let deep = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
        assert!(read(deep(DEPTH_MAX).as_bytes()).is_ok());
        assert!(
            fault(&deep(DEPTH_MAX + 1))
                .reason
                .starts_with("nested deeper")
        );
        assert!(
            fault(&"[".repeat(100_000))
                .reason
                .starts_with("nested deeper")
        );
    }

    #[test]
    fn what_is_not_utf8_is_refused() {
        let fault = read(b"{\"a\":\"\xff\"}").unwrap_err();
        assert_eq!(fault.reason, "the body is not UTF-8 at byte 6");
        assert!(read(br#"{"a":"\ud800"}"#).is_err());
    }

    #[test]
    fn faults_in_the_text_name_the_place() {
        assert_eq!(fault(r#"{"amount":{"total":01}}"#).field, "/amount/total");
        assert_eq!(fault(r#"{"a":[1,1e999]}"#).field, "/a/1");
        assert_eq!(fault(r#"{"a/b~":x}"#).field, "/a~1b~0");
        assert_eq!(fault("").field, "");
        assert_eq!(fault("{} {}").field, "");
        assert!(read(b"NaN").is_err());
    }
}
