//! Types that hold secrets: nobody derives for them what prints or serialises.

use std::path::Path;

use crate::{assert_none, read_text};

/// A file and the types in it that hold a secret in the clear.
const SECRET_TYPES: &[(&str, &[&str])] = &[
    (
        "crates/vault/src/key_source.rs",
        &["Kek", "EnvironmentValue"],
    ),
    ("crates/vault/src/data_key.rs", &["DataKey"]),
    ("crates/vault/src/lib.rs", &["Vault"]),
    ("crates/server/src/config/redacted.rs", &["Secret"]),
    (
        "crates/operations/src/providers/create.rs",
        &["NewProvider"],
    ),
    (
        "crates/operations/src/endpoints/secrets.rs",
        &["IssuedSecret"],
    ),
    (
        "crates/operations/src/staff/sign_in.rs",
        &["SignIn", "SecondFactor"],
    ),
    (
        "crates/operations/src/staff/sessions.rs",
        &["Proof", "Renewal"],
    ),
    (
        "crates/operations/src/staff/invitations.rs",
        &["Acceptance"],
    ),
    ("crates/operations/src/staff/tokens.rs", &["TokenKeys"]),
    ("crates/storage/src/staff.rs", &["Account"]),
    ("crates/wechatpay/src/credentials/api_key.rs", &["ApiV3Key"]),
    (
        "crates/wechatpay/src/credentials/private_key.rs",
        &["PrivateKey"],
    ),
    ("crates/wechatpay/src/miniprogram.rs", &["AppSecret"]),
    ("crates/webhooks/src/signature.rs", &["Secret"]),
    ("crates/webhooks/src/custom_headers.rs", &["CustomHeaders"]),
];
const FORBIDDEN: &[&str] = &["Debug", "Serialize", "Display"];

fn faults(file: &str, text: &str, types: &[&str]) -> Vec<String> {
    let mut faults = Vec::new();
    for name in types {
        let lines: Vec<&str> = text.lines().collect();
        let declares = |line: &&str| {
            ["struct ", "enum "].iter().any(|kind| {
                let rest = line.split_once(kind).map(|(_, rest)| rest);
                rest.is_some_and(|rest| {
                    rest.strip_prefix(name)
                        .is_some_and(|rest| rest.starts_with([' ', '(', '<', ';']))
                })
            })
        };
        let Some(at) = lines.iter().position(declares) else {
            faults.push(format!("{file}: there is no type {name}"));
            continue;
        };
        let attributes = lines.iter().take(at).rev();
        let attributes =
            attributes.take_while(|line| line.starts_with("#[") || line.starts_with("///"));
        for line in attributes.filter(|line| line.starts_with("#[derive")) {
            for word in FORBIDDEN.iter().filter(|word| line.contains(**word)) {
                faults.push(format!("{file}: {name} derives {word}"));
            }
        }
        let serialised = format!("impl Serialize for {name}");
        if text.contains(&serialised) {
            faults.push(format!("{file}: {name} can be serialised"));
        }
    }
    faults
}

#[test]
fn no_type_that_holds_a_secret_derives_what_shows_it() {
    let mut all = Vec::new();
    for (file, types) in SECRET_TYPES {
        let text = read_text(Path::new(file)).expect("Rust is UTF-8");
        all.extend(faults(file, &text, types));
    }
    assert_none(&all);
}

#[test]
fn the_vault_cannot_serialise_because_it_does_not_know_how() {
    let manifest = read_text(Path::new("crates/vault/Cargo.toml")).expect("a manifest is text");
    assert!(!manifest.contains("serde"));
}

#[test]
fn a_derived_debug_is_found() {
    let text = "/// A key.\n#[derive(Clone, Debug)]\npub struct Key(String);\n";
    assert_eq!(faults("x.rs", text, &["Key"]), ["x.rs: Key derives Debug"]);
    assert_eq!(
        faults("x.rs", "struct Keys;", &["Key"]),
        ["x.rs: there is no type Key"]
    );
    let serialised = "pub struct Key(String);\nimpl Serialize for Key {}\n";
    assert_eq!(faults("x.rs", serialised, &["Key"]).len(), 1);
}
