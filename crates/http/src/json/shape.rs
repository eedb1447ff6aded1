//! Checks a JSON value against the schema that the OpenAPI document publishes for it, and names every fault.
//!
//! Only the shape: types, required fields, unknown fields, closed lists of words. Limits are checked in `domain`.

use poem_openapi::registry::{MetaSchema, MetaSchemaRef, Registry};
use serde_json::{Map, Value};
use tributary_domain::field::FieldError;

use super::pointer::Pointer;

/// An answer lists at most so many faults.
pub(crate) const FAULTS_MAX: usize = 50;

/// Checks `value` against a schema whose references `registry` knows.
pub(crate) fn check(registry: &Registry, schema: &MetaSchemaRef, value: &Value) -> Vec<FieldError> {
    let mut check = Check {
        registry,
        place: Pointer::default(),
        faults: Vec::new(),
    };
    check.value(schema, value);
    check.faults
}

struct Check<'a> {
    registry: &'a Registry,
    place: Pointer,
    faults: Vec<FieldError>,
}

impl Check<'_> {
    fn fault(&mut self, reason: impl Into<String>) {
        if self.faults.len() < FAULTS_MAX {
            let place = self.place.to_string();
            self.faults.push(FieldError::new(place, reason));
        }
    }

    fn value(&mut self, schema: &MetaSchemaRef, value: &Value) {
        let registry = self.registry;
        match schema {
            MetaSchemaRef::Inline(schema) => self.inline(schema, value),
            MetaSchemaRef::Reference(name) => match registry.schemas.get(name) {
                Some(schema) => self.inline(schema, value),
                None => self.fault("has an unknown schema"),
            },
        }
    }

    fn inline(&mut self, schema: &MetaSchema, value: &Value) {
        if schema.nullable && value.is_null() {
            return;
        }
        for part in &schema.all_of {
            self.value(part, value);
        }
        match (schema.ty, value) {
            ("object", Value::Object(fields)) => self.object(schema, fields),
            ("object", _) => self.fault("must be an object"),
            ("array", Value::Array(items)) => self.array(schema, items),
            ("array", _) => self.fault("must be an array"),
            ("string", Value::String(text)) => self.text(schema, text),
            ("string", _) => self.fault("must be a string"),
            ("integer", Value::Number(number)) if number.is_i64() => {}
            ("integer", Value::Number(number)) if number.is_u64() => self.fault("is too large"),
            ("integer", _) => self.fault("must be an integer, without fraction or exponent"),
            ("boolean", Value::Bool(_)) => {}
            ("boolean", _) => self.fault("must be true or false"),
            _ => {}
        }
    }

    fn object(&mut self, schema: &MetaSchema, fields: &Map<String, Value>) {
        for name in &schema.required {
            if !fields.contains_key(*name) {
                self.at(name, |check| check.fault("is required"));
            }
        }
        for (name, value) in fields {
            let known = schema.properties.iter().find(|(known, _)| known == name);
            match (known, &schema.additional_properties) {
                (Some((_, schema)), _) => self.at(name, |check| check.value(schema, value)),
                (None, Some(schema)) => self.at(name, |check| check.value(schema, value)),
                (None, None) if schema.properties.is_empty() => {}
                (None, None) => self.at(name, |check| check.fault("is not a known field")),
            }
        }
    }

    fn array(&mut self, schema: &MetaSchema, items: &[Value]) {
        let Some(schema) = &schema.items else { return };
        for (place, item) in items.iter().enumerate() {
            self.at(&place.to_string(), |check| check.value(schema, item));
        }
    }

    fn text(&mut self, schema: &MetaSchema, text: &str) {
        // No database column takes it, and no text of a person holds it.
        if text.contains('\0') {
            self.fault("must not hold the character U+0000");
        }
        let words = &schema.enum_items;
        if !words.is_empty() && !words.iter().any(|word| word == text) {
            let list: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
            self.fault(format!("must be one of {}", list.join(", ")));
        }
    }

    fn at(&mut self, step: &str, inner: impl FnOnce(&mut Self)) {
        self.place.push(step);
        inner(self);
        self.place.pop();
    }
}
