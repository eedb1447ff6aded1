//! The routes by their templates, as the document writes them: for labels, and for `Allow`.

use std::collections::BTreeMap;

/// What stands for a route that nobody asked to exist.
pub(crate) const UNMATCHED: &str = "unmatched";

/// Every route, found by its shape: the frameworks name path parameters in their own ways.
#[derive(Debug, Default)]
pub(crate) struct RouteTable(BTreeMap<String, Entry>);

#[derive(Debug)]
struct Entry {
    template: String,
    methods: String,
}

impl RouteTable {
    /// Notes that a route takes a method.
    pub(crate) fn add(&mut self, template: &str, method: &str) {
        let entry = self.0.entry(shape(template)).or_insert_with(|| Entry {
            template: template.to_owned(),
            methods: String::new(),
        });
        if !entry.methods.is_empty() {
            entry.methods.push_str(", ");
        }
        entry.methods.push_str(method);
    }

    /// The template of a matched pattern: few values, whatever paths are asked for.
    pub(crate) fn template(&self, pattern: Option<&str>) -> &str {
        let entry = pattern.and_then(|pattern| self.0.get(&shape(pattern)));
        entry.map_or(UNMATCHED, |entry| entry.template.as_str())
    }

    /// The methods of a route, as `Allow` lists them.
    pub(crate) fn methods(&self, template: &str) -> Option<&str> {
        self.0
            .get(&shape(template))
            .map(|entry| entry.methods.as_str())
    }

    /// Every route with its methods.
    #[cfg(test)]
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .values()
            .map(|entry| (entry.template.as_str(), entry.methods.as_str()))
    }
}

/// A path with its parameters made nameless.
fn shape(pattern: &str) -> String {
    let steps = pattern.split('/').map(|step| match step.chars().next() {
        Some(':' | '{') => "{}",
        _ => step,
    });
    steps.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_is_found_by_any_names_of_its_parameters() {
        let mut table = RouteTable::default();
        table.add("/v1/orders/{order_id}/close", "POST");
        let template = table.template(Some("/v1/orders/:param0/close"));
        assert_eq!(template, "/v1/orders/{order_id}/close");
        assert_eq!(table.template(Some("/v1/orders/:param0")), UNMATCHED);
        assert_eq!(table.template(None), UNMATCHED);
    }

    #[test]
    fn methods_are_listed_as_allow_lists_them() {
        let mut table = RouteTable::default();
        table.add("/v1/orders", "POST");
        table.add("/v1/orders", "GET");
        assert_eq!(table.methods("/v1/orders"), Some("POST, GET"));
    }
}
