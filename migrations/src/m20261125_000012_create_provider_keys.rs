//! Key rings of providers: their keys, what each was used for hour by hour, and the self-tests.
//!
//! What providers have in their own columns and in `platform_keys` becomes rows of the ring. Sealed secrets are bound
//! to the place they were sealed for, so they stay there, and the row says in which column.

use sea_orm_migration::prelude::*;

use crate::columns::{
    add_columns, bytes_null, create_index, create_table, create_unique, drop_columns, drop_index,
    drop_tables, id, id_null, number, number_null, number_zero, short, short_null, text_null, word,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const TABLES: [&str; 3] = ["provider_keys", "key_usage", "key_tests"];
/// Rows read in one statement.
const PAGE: u64 = 500;
const ADDED_BY: &str = "before key rings";
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create_keys(manager).await?;
        let columns = vec![
            id("provider_id"),
            number("hour"),
            word("purpose"),
            short("serial"),
            number("passed"),
            number("failed"),
        ];
        let key = ["provider_id", "hour", "purpose", "serial"];
        create_table(manager, "key_usage", columns, &key).await?;
        create_index(manager, "key_usage", &["hour"]).await?;
        create_tests(manager).await?;
        let columns = vec![
            short_null("preferred_serial"),
            number_zero("keys_version"),
            number_zero("keys_changed_at"),
            number_zero("certificates_due_at"),
            number_zero("keys_test_due_at"),
        ];
        add_columns(manager, "providers", columns).await?;
        for column in ["keys_changed_at", "certificates_due_at", "keys_test_due_at"] {
            create_index(manager, "providers", &[column]).await?;
        }
        adopt_merchant_keys(manager).await?;
        adopt_platform_keys(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in ["keys_changed_at", "certificates_due_at", "keys_test_due_at"] {
            drop_index(manager, "providers", &[column]).await?;
        }
        let columns = [
            "preferred_serial",
            "keys_version",
            "keys_changed_at",
            "certificates_due_at",
            "keys_test_due_at",
        ];
        drop_columns(manager, "providers", &columns).await?;
        drop_tables(manager, &TABLES).await
    }
}

async fn create_keys(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let columns = vec![
        id("id"),
        id("provider_id"),
        word("kind"),
        word("state"),
        short("serial"),
        short_null("fingerprint"),
        text_null("pem"),
        bytes_null("secret"),
        // The column of `providers` that holds the secret, for what was sealed before there were rings.
        short_null("held_in"),
        number_null("not_before"),
        number_null("not_after"),
        number("added_at"),
        short("added_by"),
        number_null("approved_at"),
        short_null("approved_by"),
        number("changed_at"),
        number("signed"),
        number("verified"),
        number("failed"),
        number_null("last_seen_at"),
        number_null("warned_days"),
    ];
    create_table(manager, "provider_keys", columns, &["id"]).await?;
    create_unique(manager, "provider_keys", &["provider_id", "kind", "serial"]).await?;
    create_index(manager, "provider_keys", &["not_after", "id"]).await
}

async fn create_tests(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let columns = vec![
        id("id"),
        id("provider_id"),
        word("key_mode"),
        id("merchant_key_id"),
        id("platform_key_id"),
        id_null("api_key_id"),
        word("state"),
        short_null("failed_step"),
        text_null("detail"),
        number("started_at"),
        number_null("answered_at"),
        number_null("called_back_at"),
        number_null("finished_at"),
        number("deadline"),
    ];
    create_table(manager, "key_tests", columns, &["id"]).await?;
    create_index(manager, "key_tests", &["provider_id", "id"]).await?;
    create_index(manager, "key_tests", &["state", "deadline"]).await?;
    create_index(manager, "key_tests", &["started_at"]).await
}

/// The keys that a provider's own columns hold.
async fn adopt_merchant_keys(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut after = String::new();
    loop {
        let page = Query::select()
            .columns(["id", "merchant_serial", "created_at"])
            .expr(Expr::col("api_v3_key_previous").is_not_null())
            .from("providers")
            .and_where(Expr::col("id").gt(after.as_str()))
            .order_by("id", Order::Asc)
            .limit(PAGE)
            .to_owned();
        let rows = manager.get_connection().query_all(&page).await?;
        if rows.is_empty() {
            return Ok(());
        }
        for row in rows {
            after = row.try_get_by_index(0)?;
            let serial: String = row.try_get_by_index(1)?;
            let added_at: i64 = row.try_get_by_index(2)?;
            let has_previous: bool = row.try_get_by_index(3)?;
            let of = Adopted {
                provider: &after,
                added_at,
            };
            let merchant = ("merchant_certificate", "active", serial.as_str());
            let held = Some("merchant_private_key");
            of.insert(manager, 0, merchant, (held, None)).await?;
            let present = ("api_v3_key", "active", "present");
            of.insert(manager, 1, present, (Some("api_v3_key"), None))
                .await?;
            if has_previous {
                let previous = ("api_v3_key", "retiring", "previous");
                let held = Some("api_v3_key_previous");
                of.insert(manager, 2, previous, (held, None)).await?;
            }
        }
    }
}

/// WeChat's keys. Where there is a public key, requests go on naming it, as they did.
async fn adopt_platform_keys(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut after = (String::new(), String::new());
    let mut number = 3_u32;
    loop {
        let behind = Cond::any()
            .add(Expr::col("provider_id").gt(after.0.as_str()))
            .add(
                Cond::all()
                    .add(Expr::col("provider_id").eq(after.0.as_str()))
                    .add(Expr::col("serial").gt(after.1.as_str())),
            );
        let page = Query::select()
            .columns(["provider_id", "serial", "kind", "pem", "added_at"])
            .columns(["not_before", "not_after"])
            .from("platform_keys")
            .cond_where(behind)
            .order_by("provider_id", Order::Asc)
            .order_by("serial", Order::Asc)
            .limit(PAGE)
            .to_owned();
        let rows = manager.get_connection().query_all(&page).await?;
        if rows.is_empty() {
            return Ok(());
        }
        for row in rows {
            let provider: String = row.try_get_by_index(0)?;
            number = if provider == after.0 { number + 1 } else { 3 };
            after = (provider, row.try_get_by_index(1)?);
            let kind: String = row.try_get_by_index(2)?;
            let pem: String = row.try_get_by_index(3)?;
            let of = Adopted {
                provider: &after.0,
                added_at: row.try_get_by_index(4)?,
            };
            let validity = (row.try_get_by_index(5)?, row.try_get_by_index(6)?);
            let serial = after.1.as_str();
            let kind = if kind == "public_key" {
                prefer(manager, &after.0, serial).await?;
                "wechat_public_key"
            } else {
                "platform_certificate"
            };
            let key = (kind, "active", serial);
            of.insert(manager, number, key, (None, Some((pem, validity))))
                .await?;
        }
    }
}

/// The last public key by its id is the one that requests named before.
async fn prefer(manager: &SchemaManager<'_>, provider: &str, serial: &str) -> Result<(), DbErr> {
    let preferred = Query::update()
        .table("providers")
        .value("preferred_serial", serial)
        .and_where(Expr::col("id").eq(provider))
        .to_owned();
    manager.execute(preferred).await
}

/// Validity of a certificate.
type Validity = (Option<i64>, Option<i64>);

struct Adopted<'a> {
    provider: &'a str,
    added_at: i64,
}

impl Adopted<'_> {
    async fn insert(
        &self,
        manager: &SchemaManager<'_>,
        number: u32,
        (kind, state, serial): (&str, &str, &str),
        (held_in, public): (Option<&str>, Option<(String, Validity)>),
    ) -> Result<(), DbErr> {
        let (pem, (not_before, not_after)) = match public {
            Some((pem, validity)) => (Some(pem), validity),
            None => (None, (None, None)),
        };
        let columns = [
            "id",
            "provider_id",
            "kind",
            "state",
            "serial",
            "pem",
            "held_in",
            "not_before",
            "not_after",
            "added_at",
            "added_by",
            "changed_at",
            "signed",
            "verified",
            "failed",
        ];
        let values: [SimpleExpr; 15] = [
            key_id(self.provider, number).into(),
            self.provider.into(),
            kind.into(),
            state.into(),
            serial.into(),
            pem.into(),
            held_in.map(str::to_owned).into(),
            not_before.into(),
            not_after.into(),
            self.added_at.into(),
            ADDED_BY.into(),
            self.added_at.into(),
            0_i64.into(),
            0_i64.into(),
            0_i64.into(),
        ];
        let mut insert = Query::insert();
        insert
            .into_table("provider_keys")
            .columns(columns)
            .values(values)
            .map_err(|error| DbErr::Custom(error.to_string()))?;
        manager.execute(insert).await
    }
}

/// An id of the ring's form: the provider's own with its last three characters counted through.
fn key_id(provider: &str, number: u32) -> String {
    let body = provider.trim_start_matches("prv_");
    let kept: String = body.chars().take(body.len().saturating_sub(3)).collect();
    let digit = |place: u32| {
        let at = usize::try_from((number >> (5 * place)) & 31).unwrap_or_default();
        DIGITS.get(at).map_or('0', |digit| char::from(*digit))
    };
    format!("pky_{kept}{}{}{}", digit(2), digit(1), digit(0))
}
