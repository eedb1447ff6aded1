//! What may be done with an object, as its page shows it.

use poem_openapi::Object;
use tributary_operations::actions::Action;

/// One thing that could be done with an object, and why not.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct AllowedAction {
    /// What.
    name: String,
    /// Whether you may do it now.
    allowed: bool,
    /// Why not, in a stable word.
    why_not: Option<String>,
    /// Why not, in Chinese.
    why_not_zh: Option<String>,
    /// Why not, in English.
    why_not_en: Option<String>,
}

/// Every action of an object.
pub(super) fn shown(actions: Vec<Action>) -> Vec<AllowedAction> {
    let shown = actions.into_iter().map(|action| AllowedAction {
        name: action.name.to_owned(),
        allowed: action.is_allowed(),
        why_not: action.why_not.as_ref().map(|why| why.code.to_owned()),
        why_not_zh: action.why_not.as_ref().map(|why| why.words.zh.clone()),
        why_not_en: action.why_not.map(|why| why.words.en),
    });
    shown.collect()
}
