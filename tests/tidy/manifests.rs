//! The import table: arrows only go down, siblings meet only in `operations`, and what is not listed
//! is forbidden. Versions are chosen in the root manifest only.

use toml::{Table, Value};

use crate::{assert_none, read_text, repository_files};

/// A package and the packages of the workspace that it may import.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("tributary-domain", &[]),
    ("wechatpay", &[]),
    ("wechatpay-sim", &["wechatpay"]),
    ("tributary-vault", &["tributary-domain"]),
    ("tributary-webhooks", &[]),
    ("tributary-migrations", &[]),
    (
        "tributary-storage",
        &["tributary-domain", "tributary-migrations"],
    ),
    (
        "tributary-operations",
        &[
            "tributary-domain",
            "tributary-storage",
            "tributary-vault",
            "wechatpay",
            "tributary-webhooks",
        ],
    ),
    (
        "tributary-http",
        &["tributary-domain", "tributary-operations"],
    ),
    (
        "tributary-worker",
        &["tributary-domain", "tributary-operations"],
    ),
    ("tributary-server", ANY),
    ("tributary-tests", ANY),
];
const ANY: &[&str] = &["*"];

const SQL: &[&str] = &["sea-orm", "sea-orm-migration", "sea-query", "sqlx"];
const HTTP_SERVER: &[&str] = &["poem", "poem-openapi", "axum", "hyper"];
const HTTP_CLIENT: &[&str] = &["reqwest", "ureq"];
const RUNTIME: &[&str] = &["tokio", "async-trait", "futures"];
const COMMAND_LINE: &[&str] = &["clap", "figment"];

/// Outside crates that a package must not ship with. Its tests may use them.
const MUST_NOT_USE: &[(&str, &[&[&str]])] = &[
    (
        "tributary-domain",
        &[SQL, HTTP_SERVER, HTTP_CLIENT, RUNTIME, COMMAND_LINE],
    ),
    (
        "tributary-vault",
        &[SQL, HTTP_SERVER, HTTP_CLIENT, RUNTIME, COMMAND_LINE],
    ),
    ("wechatpay", &[SQL, HTTP_SERVER, COMMAND_LINE]),
    ("wechatpay-sim", &[SQL]),
    ("tributary-webhooks", &[SQL, HTTP_SERVER, COMMAND_LINE]),
    (
        "tributary-migrations",
        &[HTTP_SERVER, HTTP_CLIENT, COMMAND_LINE],
    ),
    (
        "tributary-storage",
        &[
            HTTP_SERVER,
            HTTP_CLIENT,
            COMMAND_LINE,
            &["aes-gcm", "rsa", "aws-lc-rs"],
        ],
    ),
    ("tributary-operations", &[SQL, HTTP_SERVER, COMMAND_LINE]),
    ("tributary-http", &[SQL, HTTP_CLIENT, COMMAND_LINE]),
    (
        "tributary-worker",
        &[SQL, HTTP_SERVER, HTTP_CLIENT, COMMAND_LINE],
    ),
    ("tributary-server", &[SQL]),
];

/// One entry of a dependency table.
struct Dependency {
    package: String,
    ships: bool,
    from_workspace: bool,
}

/// Finds every breach in one member's manifest; the root manifest tells renamed packages apart.
fn faults(root: &Table, manifest: &Table) -> Vec<String> {
    let Some(name) = package_name(manifest) else {
        return vec!["a manifest without a package name".to_owned()];
    };
    let Some(allowed) = lookup(MAY_IMPORT, name) else {
        return vec![format!("{name}: not in the import table")];
    };
    let banned = lookup(MUST_NOT_USE, name)
        .copied()
        .unwrap_or_default()
        .concat();
    let mut faults = Vec::new();
    for dependency in dependencies(root, manifest) {
        let package = dependency.package.as_str();
        if !dependency.from_workspace {
            faults.push(format!("{name}: {package} is not `.workspace = true`"));
        }
        let member = lookup(MAY_IMPORT, package).is_some();
        if member && !allowed.contains(&package) && *allowed != ANY {
            faults.push(format!("{name}: must not import {package}"));
        }
        if dependency.ships && banned.contains(&package) {
            faults.push(format!("{name}: must not use {package}"));
        }
    }
    faults
}

fn lookup<'a, T>(table: &'a [(&str, T)], name: &str) -> Option<&'a T> {
    table
        .iter()
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

fn package_name(manifest: &Table) -> Option<&str> {
    manifest.get("package")?.get("name")?.as_str()
}

/// Lists a manifest's dependencies, those of single targets included.
fn dependencies(root: &Table, manifest: &Table) -> Vec<Dependency> {
    let targets = manifest
        .get("target")
        .and_then(Value::as_table)
        .into_iter()
        .flat_map(|targets| targets.values().filter_map(Value::as_table));
    std::iter::once(manifest)
        .chain(targets)
        .flat_map(|holder| {
            ["dependencies", "build-dependencies", "dev-dependencies"]
                .into_iter()
                .filter_map(|kind| Some((kind, holder.get(kind)?.as_table()?)))
        })
        .flat_map(|(kind, table)| {
            table.iter().map(move |(key, value)| Dependency {
                package: real_name(root, key, value),
                ships: kind != "dev-dependencies",
                from_workspace: value.get("workspace").and_then(Value::as_bool) == Some(true),
            })
        })
        .collect()
}

/// Sees through `alias = { package = "name" }`, here or in the root manifest.
fn real_name(root: &Table, key: &str, value: &Value) -> String {
    let shared = root
        .get("workspace")
        .and_then(|workspace| workspace.get("dependencies")?.get(key));
    [Some(value), shared]
        .into_iter()
        .flatten()
        .find_map(|entry| entry.get("package")?.as_str())
        .unwrap_or(key)
        .to_owned()
}

fn parse(text: &str) -> Table {
    text.parse().expect("a manifest is TOML")
}

fn root_manifest() -> Table {
    parse(&read_text("Cargo.toml".as_ref()).expect("the root manifest is text"))
}

fn member_manifests() -> Vec<Table> {
    repository_files()
        .iter()
        .filter(|file| file.ends_with("Cargo.toml") && file.components().count() > 1)
        .map(|file| parse(&read_text(file).expect("a manifest is text")))
        // The fuzz targets are a workspace of their own, which nothing of this one imports.
        .filter(|manifest| !manifest.contains_key("workspace"))
        .collect()
}

#[test]
fn every_manifest_obeys_the_import_table() {
    let root = root_manifest();
    let manifests = member_manifests();
    assert!(manifests.len() >= MAY_IMPORT.len());
    let faults: Vec<String> = manifests
        .iter()
        .flat_map(|manifest| faults(&root, manifest))
        .collect();
    assert_none(&faults);
}

#[test]
fn every_row_of_the_import_table_is_a_member() {
    let manifests = member_manifests();
    let names: Vec<&str> = manifests.iter().filter_map(package_name).collect();
    for (row, _) in MAY_IMPORT {
        assert!(names.contains(row), "{row} has no manifest");
    }
    for (row, _) in MUST_NOT_USE {
        assert!(names.contains(row), "{row} has no manifest");
    }
}

/// Checks one made-up manifest against the real root.
fn faults_of(manifest: &str) -> Vec<String> {
    faults(&root_manifest(), &parse(manifest))
}

#[test]
fn forbidden_edge_is_found() {
    let faults = faults_of(
        "[package]\nname = \"tributary-http\"\n\
         [dependencies]\ntributary-storage.workspace = true\ntributary-domain.workspace = true\n",
    );
    assert_eq!(
        faults,
        ["tributary-http: must not import tributary-storage"]
    );
}

#[test]
fn forbidden_edge_is_found_in_every_kind_of_table() {
    for table in [
        "dev-dependencies",
        "build-dependencies",
        "target.'cfg(unix)'.dependencies",
    ] {
        let manifest = format!(
            "[package]\nname = \"tributary-domain\"\n[{table}]\nwechatpay.workspace = true\n"
        );
        assert_eq!(
            faults_of(&manifest),
            ["tributary-domain: must not import wechatpay"],
            "{table}"
        );
    }
}

#[test]
fn forbidden_outside_crate_is_found_even_under_another_name() {
    let root =
        parse("[workspace.dependencies]\norm = { package = \"sea-orm\", version = \"2\" }\n");
    let manifest =
        parse("[package]\nname = \"tributary-worker\"\n[dependencies]\norm.workspace = true\n");
    assert_eq!(
        faults(&root, &manifest),
        ["tributary-worker: must not use sea-orm"]
    );
}

#[test]
fn outside_crate_may_serve_tests_alone() {
    let manifest = "[package]\nname = \"wechatpay\"\n[dev-dependencies]\npoem.workspace = true\n";
    assert_none(&faults_of(manifest));
}

#[test]
fn version_outside_the_root_is_found() {
    let faults =
        faults_of("[package]\nname = \"tributary-server\"\n[dependencies]\nserde = \"1\"\n");
    assert_eq!(
        faults,
        ["tributary-server: serde is not `.workspace = true`"]
    );
}

#[test]
fn unlisted_package_is_found() {
    assert_eq!(
        faults_of("[package]\nname = \"tributary-extras\"\n"),
        ["tributary-extras: not in the import table"]
    );
}
