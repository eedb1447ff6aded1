//! A small language for request bodies: which members there are, of what type and length, which must be present.
//!
//! Lengths are bytes of UTF-8. Unknown members, nulls and characters of four bytes are refused, as WeChat does.

use serde_json::{Map, Value};

use crate::refusal::Refusal;

/// What a member of a body may hold.
pub(crate) enum Kind {
    /// Text of `min..=max` bytes.
    Text(usize, usize),
    /// Text of at most so many bytes, of letters, digits and the named characters, at least so long.
    Token {
        min: usize,
        max: usize,
        extra: &'static str,
    },
    /// One of the listed words.
    Word(&'static [&'static str]),
    /// An integer of at least so much.
    Integer(i64),
    Boolean,
    Object(&'static [Member]),
    /// An array of `min..=max` entries.
    Array(&'static Kind, usize, usize),
}

/// One member of an object.
pub(crate) struct Member {
    name: &'static str,
    required: bool,
    kind: Kind,
}

pub(crate) const fn required(name: &'static str, kind: Kind) -> Member {
    Member {
        name,
        required: true,
        kind,
    }
}

pub(crate) const fn optional(name: &'static str, kind: Kind) -> Member {
    Member {
        name,
        required: false,
        kind,
    }
}

/// Parses a body and holds it against its members.
pub(crate) fn parse(bytes: &[u8], members: &'static [Member]) -> Result<Value, Refusal> {
    let value: Value = serde_json::from_slice(bytes).map_err(|_| {
        Refusal::new(
            400,
            "PARAM_ERROR",
            "请求体不是合法的JSON，请按照API文档中的要求传参",
        )
    })?;
    check_object("", &value, members)?;
    Ok(value)
}

fn check(pointer: &str, value: &Value, kind: &Kind) -> Result<(), Refusal> {
    match kind {
        Kind::Text(min, max) => check_text(pointer, value, *min, *max).map(|_| ()),
        Kind::Token { min, max, extra } => check_token(pointer, value, *min..=*max, extra),
        Kind::Word(words) => check_word(pointer, value, words),
        Kind::Integer(min) => check_integer(pointer, value, *min),
        Kind::Boolean if value.is_boolean() => Ok(()),
        Kind::Boolean => Err(Refusal::body(pointer, value, "应为布尔类型")),
        Kind::Object(members) => check_object(pointer, value, members),
        Kind::Array(entry, min, max) => check_array(pointer, value, entry, *min..=*max),
    }
}

fn check_object(pointer: &str, value: &Value, members: &[Member]) -> Result<(), Refusal> {
    let object: &Map<String, Value> = value.as_object().ok_or_else(|| {
        Refusal::body(
            if pointer.is_empty() { "/" } else { pointer },
            value,
            "应为对象类型",
        )
    })?;
    for name in object.keys() {
        if !members.iter().any(|member| member.name == name) {
            let field = format!("{pointer}/{name}");
            let issue = "请求中含有未在API文档中定义的参数";
            return Err(Refusal::body(&field, &Value::Null, issue));
        }
    }
    for member in members {
        let field = format!("{pointer}/{}", member.name);
        match object.get(member.name) {
            Some(found) => check(&field, found, &member.kind)?,
            None if member.required => {
                return Err(Refusal::body(&field, &Value::Null, "必填字段缺失"));
            }
            None => {}
        }
    }
    Ok(())
}

fn check_array(
    pointer: &str,
    value: &Value,
    entry: &Kind,
    sizes: std::ops::RangeInclusive<usize>,
) -> Result<(), Refusal> {
    let entries = value
        .as_array()
        .ok_or_else(|| Refusal::body(pointer, value, "应为数组类型"))?;
    if !sizes.contains(&entries.len()) {
        let issue = format!("数组长度应在{}到{}之间", sizes.start(), sizes.end());
        return Err(Refusal::body(pointer, &Value::from(entries.len()), issue));
    }
    entries
        .iter()
        .enumerate()
        .try_for_each(|(index, found)| check(&format!("{pointer}/{index}"), found, entry))
}

fn check_text<'v>(
    pointer: &str,
    value: &'v Value,
    min: usize,
    max: usize,
) -> Result<&'v str, Refusal> {
    let text = value
        .as_str()
        .ok_or_else(|| Refusal::body(pointer, value, "应为字符串类型"))?;
    if text.len() > max {
        return Err(Refusal::body(
            pointer,
            value,
            format!("字符串长度大于最大值{max}字节"),
        ));
    }
    if text.len() < min {
        return Err(Refusal::body(
            pointer,
            value,
            format!("字符串长度小于最小值{min}字节"),
        ));
    }
    if text.chars().any(|character| character.len_utf8() > 3) {
        return Err(Refusal::body(pointer, value, "含有4字节的UTF-8字符"));
    }
    Ok(text)
}

fn check_token(
    pointer: &str,
    value: &Value,
    sizes: std::ops::RangeInclusive<usize>,
    extra: &str,
) -> Result<(), Refusal> {
    let text = check_text(pointer, value, *sizes.start(), *sizes.end())?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || extra.contains(c);
    if text.chars().all(allowed) {
        return Ok(());
    }
    Err(Refusal::body(
        pointer,
        value,
        format!("只能包含数字、大小写字母及 {extra}"),
    ))
}

fn check_word(pointer: &str, value: &Value, words: &[&str]) -> Result<(), Refusal> {
    let text = value
        .as_str()
        .ok_or_else(|| Refusal::body(pointer, value, "应为字符串类型"))?;
    if words.contains(&text) {
        return Ok(());
    }
    Err(Refusal::body(
        pointer,
        value,
        format!("不在枚举值{}之中", words.join("、")),
    ))
}

fn check_integer(pointer: &str, value: &Value, min: i64) -> Result<(), Refusal> {
    let number = value
        .as_i64()
        .ok_or_else(|| Refusal::body(pointer, value, "应为整数类型"))?;
    if number < min {
        return Err(Refusal::body(pointer, value, format!("值低于最小值 {min}")));
    }
    // WeChat's amounts are 32-bit; anything above is refused rather than wrapped.
    if number > i64::from(i32::MAX) {
        return Err(Refusal::body(
            pointer,
            value,
            format!("值高于最大值 {}", i32::MAX),
        ));
    }
    Ok(())
}
