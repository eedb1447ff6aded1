//! People with accounts, what they sign in with, and their recovery codes.

use sea_orm::sea_query::{Expr, LockType};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, UpdateMany,
};
use tributary_domain::clock::Timestamp;
use tributary_domain::ids::{StaffId, TenantId};
use tributary_domain::staff::Role;
use tributary_domain::staff_member::{Email, StaffMember, StaffScope, StaffState};

use crate::entities::recovery_codes;
use crate::entities::staff::{ActiveModel, Column, Entity, Model};
use crate::error::{StorageError, column, database, expect_one, inserting};
use crate::{Access, Tx};

const TABLE: &str = "staff";

/// A person with what it signs in with: hashes and sealed secrets only.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// The person.
    pub member: StaffMember,
    /// The password, as Argon2id keeps it.
    pub password: Option<String>,
    /// The secret of the second factor, sealed.
    pub totp_secret: Option<Vec<u8>>,
    /// A secret that was offered and is not confirmed, sealed.
    pub totp_offered: Option<Vec<u8>>,
    /// No code of this step or an earlier one is taken again.
    pub totp_step: i64,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account")
            .field("member", &self.member)
            .finish_non_exhaustive()
    }
}

/// Records a new person with the hash of its invitation. `Duplicate` when the e-mail address is taken.
pub async fn insert(
    tx: &Tx,
    member: &StaffMember,
    invitation_hash: &str,
) -> Result<(), StorageError> {
    let row = ActiveModel {
        id: Set(member.id.to_string()),
        tenant_id: Set(member.scope.tenant().map(ToString::to_string)),
        email: Set(member.email.to_string()),
        name: Set(member.name.clone()),
        state: Set(member.state.as_str().to_owned()),
        roles: Set(roles_text(&member.roles)),
        password: Set(None),
        totp_secret: Set(None),
        totp_offered: Set(None),
        totp_enrolled_at: Set(None),
        totp_step: Set(0),
        invitation_hash: Set(Some(invitation_hash.to_owned())),
        invitation_expires_at: Set(member.invitation_expires_at.map(Timestamp::as_millis)),
        invited_by: Set(member.invited_by.clone()),
        last_sign_in_at: Set(None),
        version: Set(member.version),
        created_at: Set(member.created_at.as_millis()),
        updated_at: Set(member.updated_at.as_millis()),
    };
    Entity::insert(row)
        .exec_without_returning(tx.connection())
        .await
        .map_err(inserting(TABLE))?;
    Ok(())
}

/// Finds a person that `viewer` may see: the provider's staff see everybody, members of a tenant see its members.
pub async fn find(
    at: &impl Access,
    viewer: &StaffScope,
    id: &StaffId,
) -> Result<Option<StaffMember>, StorageError> {
    let mut wanted = Entity::find_by_id(id.as_str());
    if let Some(tenant) = viewer.tenant() {
        wanted = wanted.filter(Column::TenantId.eq(tenant.as_str()));
    }
    let row = wanted
        .one(at.connection())
        .await
        .map_err(database("reading a person"))?;
    row.map(|row| Ok(to_account(row)?.member)).transpose()
}

/// Lists the people of one scope, the newest first.
pub async fn list(
    at: &impl Access,
    of: &StaffScope,
    state: Option<StaffState>,
    before: Option<&StaffId>,
    limit: u64,
) -> Result<Vec<StaffMember>, StorageError> {
    let mut wanted = Entity::find().filter(match of.tenant() {
        Some(tenant) => Column::TenantId.eq(tenant.as_str()),
        None => Column::TenantId.is_null(),
    });
    if let Some(state) = state {
        wanted = wanted.filter(Column::State.eq(state.as_str()));
    }
    if let Some(before) = before {
        wanted = wanted.filter(Column::Id.lt(before.as_str()));
    }
    let rows = wanted
        .order_by_desc(Column::Id)
        .limit(limit)
        .all(at.connection())
        .await
        .map_err(database("listing people"))?;
    let accounts = rows.into_iter().map(to_account);
    accounts.map(|account| Ok(account?.member)).collect()
}

/// Finds an account by the name that somebody signs in with: whose it is shows only then, so it spans tenants.
pub async fn find_by_email_all_tenants(
    at: &impl Access,
    email: &Email,
) -> Result<Option<Account>, StorageError> {
    let row = Entity::find()
        .filter(Column::Email.eq(email.as_str()))
        .one(at.connection())
        .await
        .map_err(database("reading an account"))?;
    row.map(to_account).transpose()
}

/// Finds an account by the invitation that somebody holds.
pub async fn find_by_invitation_all_tenants(
    at: &impl Access,
    hash: &str,
) -> Result<Option<Account>, StorageError> {
    let row = Entity::find()
        .filter(Column::InvitationHash.eq(hash))
        .one(at.connection())
        .await
        .map_err(database("reading an invitation"))?;
    row.map(to_account).transpose()
}

/// Finds the account of a person who is signed in.
pub async fn find_account_all_tenants(
    at: &impl Access,
    id: &StaffId,
) -> Result<Option<Account>, StorageError> {
    let row = Entity::find_by_id(id.as_str())
        .one(at.connection())
        .await
        .map_err(database("reading an account"))?;
    row.map(to_account).transpose()
}

/// Locks the owners who may sign in until the transaction ends, so that two cannot remove each other at once.
pub async fn lock_active_owners_all_tenants(tx: &Tx) -> Result<Vec<StaffId>, StorageError> {
    let rows = Entity::find()
        .filter(Column::TenantId.is_null())
        .filter(Column::State.eq(StaffState::Active.as_str()))
        .filter(Column::Roles.contains(Role::PlatformOwner.as_str()))
        .order_by_asc(Column::Id)
        .lock(LockType::Update)
        .all(tx.connection())
        .await
        .map_err(database("locking the owners"))?;
    let ids = rows.into_iter().map(|row| Ok(to_account(row)?.member.id));
    ids.collect()
}

/// Writes what changed of a person, provided that nobody changed it since it was read.
pub async fn update(
    tx: &Tx,
    before: &StaffMember,
    after: &StaffMember,
) -> Result<(), StorageError> {
    let changed = of(&before.id)
        .col_expr(Column::Name, Expr::value(after.name.clone()))
        .col_expr(Column::State, Expr::value(after.state.as_str()))
        .col_expr(Column::Roles, Expr::value(roles_text(&after.roles)))
        .col_expr(Column::Version, Expr::value(before.version + 1))
        .col_expr(Column::UpdatedAt, Expr::value(after.updated_at.as_millis()))
        .filter(Column::Version.eq(before.version))
        .filter(Column::State.eq(before.state.as_str()))
        .exec(tx.connection())
        .await
        .map_err(database("updating a person"))?;
    expect_one(TABLE, changed.rows_affected)
}

/// Replaces the invitation of a person who has not come yet.
pub async fn set_invitation(
    tx: &Tx,
    id: &StaffId,
    (hash, invited_by): (&str, &str),
    expires_at: Timestamp,
) -> Result<(), StorageError> {
    let expires_at = expires_at.as_millis();
    let changed = of(id)
        .col_expr(Column::InvitationHash, Expr::value(hash))
        .col_expr(Column::InvitationExpiresAt, Expr::value(expires_at))
        .col_expr(Column::InvitedBy, Expr::value(invited_by))
        .filter(Column::State.eq(StaffState::Invited.as_str()))
        .exec(tx.connection())
        .await
        .map_err(database("writing an invitation"))?;
    expect_one(TABLE, changed.rows_affected)
}

/// Invites an active person anew, provided that nobody changed it since it was read: what it signed in with is gone.
pub async fn reinvite(
    tx: &Tx,
    before: &StaffMember,
    after: &StaffMember,
    hash: &str,
) -> Result<(), StorageError> {
    update(tx, before, after).await?;
    let changed = of(&before.id)
        .col_expr(Column::Password, Expr::value(None::<String>))
        .exec(tx.connection())
        .await
        .map_err(database("forgetting a password"))?;
    expect_one(TABLE, changed.rows_affected)?;
    remove_totp(tx, &before.id).await?;
    let invited_by = after.invited_by.as_deref().unwrap_or_default();
    let expires_at = after.invitation_expires_at.unwrap_or(after.updated_at);
    set_invitation(tx, &before.id, (hash, invited_by), expires_at).await
}

/// Takes an invitation up, once: the person has a password and may sign in.
pub async fn accept_invitation(
    tx: &Tx,
    id: &StaffId,
    hash: &str,
    password: &str,
    now: Timestamp,
) -> Result<(), StorageError> {
    let changed = of(id)
        .col_expr(Column::Password, Expr::value(password))
        .col_expr(Column::State, Expr::value(StaffState::Active.as_str()))
        .col_expr(Column::InvitationHash, Expr::value(None::<String>))
        .col_expr(Column::InvitationExpiresAt, Expr::value(None::<i64>))
        .col_expr(Column::UpdatedAt, Expr::value(now.as_millis()))
        .filter(Column::InvitationHash.eq(hash))
        .filter(Column::State.eq(StaffState::Invited.as_str()))
        .exec(tx.connection())
        .await
        .map_err(database("taking up an invitation"))?;
    expect_one(TABLE, changed.rows_affected)
}

/// Writes a password, provided that it is still the one that was read.
pub async fn set_password(
    tx: &Tx,
    id: &StaffId,
    before: &str,
    after: &str,
) -> Result<(), StorageError> {
    let changed = of(id)
        .col_expr(Column::Password, Expr::value(after))
        .filter(Column::Password.eq(before))
        .exec(tx.connection())
        .await
        .map_err(database("writing a password"))?;
    expect_one(TABLE, changed.rows_affected)
}

/// Keeps a second factor's secret until its first code confirms it.
pub async fn offer_totp(tx: &Tx, id: &StaffId, sealed: Vec<u8>) -> Result<(), StorageError> {
    let changed = of(id)
        .col_expr(Column::TotpOffered, Expr::value(sealed))
        .exec(tx.connection())
        .await
        .map_err(database("offering a second factor"))?;
    expect_one(TABLE, changed.rows_affected)
}

/// Makes the offered secret the second factor, in place of what was there; it is sealed anew for its place.
pub async fn enrol_totp(
    tx: &Tx,
    id: &StaffId,
    (offered, sealed): (&[u8], Vec<u8>),
    step: i64,
    now: Timestamp,
) -> Result<(), StorageError> {
    let changed = of(id)
        .col_expr(Column::TotpSecret, Expr::value(sealed))
        .col_expr(Column::TotpOffered, Expr::value(None::<Vec<u8>>))
        .col_expr(Column::TotpEnrolledAt, Expr::value(now.as_millis()))
        .col_expr(Column::TotpStep, Expr::value(step))
        .filter(Column::TotpOffered.eq(offered.to_vec()))
        .exec(tx.connection())
        .await
        .map_err(database("enrolling a second factor"))?;
    expect_one(TABLE, changed.rows_affected)
}

/// Takes the second factor away: the person enrols another at the next sign-in.
pub async fn remove_totp(tx: &Tx, id: &StaffId) -> Result<(), StorageError> {
    let changed = of(id)
        .col_expr(Column::TotpSecret, Expr::value(None::<Vec<u8>>))
        .col_expr(Column::TotpOffered, Expr::value(None::<Vec<u8>>))
        .col_expr(Column::TotpEnrolledAt, Expr::value(None::<i64>))
        .exec(tx.connection())
        .await
        .map_err(database("removing a second factor"))?;
    expect_one(TABLE, changed.rows_affected)?;
    replace_recovery_codes(tx, id, &[]).await
}

/// Uses a code of this step up; false when one of it, or of a later one, was used before.
pub async fn take_totp_step(tx: &Tx, id: &StaffId, step: i64) -> Result<bool, StorageError> {
    let changed = of(id)
        .col_expr(Column::TotpStep, Expr::value(step))
        .filter(Column::TotpStep.lt(step))
        .exec(tx.connection())
        .await
        .map_err(database("using a code up"))?;
    Ok(changed.rows_affected == 1)
}

/// Notes that a person signed in.
pub async fn signed_in(tx: &Tx, id: &StaffId, now: Timestamp) -> Result<(), StorageError> {
    let changed = of(id)
        .col_expr(Column::LastSignInAt, Expr::value(now.as_millis()))
        .filter(Column::State.eq(StaffState::Active.as_str()))
        .exec(tx.connection())
        .await
        .map_err(database("noting a sign-in"))?;
    expect_one(TABLE, changed.rows_affected)
}

/// Replaces a person's recovery codes.
pub async fn replace_recovery_codes(
    tx: &Tx,
    id: &StaffId,
    hashes: &[String],
) -> Result<(), StorageError> {
    recovery_codes::Entity::delete_many()
        .filter(recovery_codes::Column::StaffId.eq(id.as_str()))
        .exec(tx.connection())
        .await
        .map_err(database("removing recovery codes"))?;
    for hash in hashes {
        let row = recovery_codes::ActiveModel {
            staff_id: Set(id.to_string()),
            hash: Set(hash.clone()),
            used_at: Set(None),
        };
        recovery_codes::Entity::insert(row)
            .exec_without_returning(tx.connection())
            .await
            .map_err(inserting("recovery_codes"))?;
    }
    Ok(())
}

/// Uses a recovery code up; false when there is none like it, or it was used before.
pub async fn take_recovery_code(
    tx: &Tx,
    id: &StaffId,
    hash: &str,
    now: Timestamp,
) -> Result<bool, StorageError> {
    let changed = recovery_codes::Entity::update_many()
        .col_expr(recovery_codes::Column::UsedAt, Expr::value(now.as_millis()))
        .filter(recovery_codes::Column::StaffId.eq(id.as_str()))
        .filter(recovery_codes::Column::Hash.eq(hash))
        .filter(recovery_codes::Column::UsedAt.is_null())
        .exec(tx.connection())
        .await
        .map_err(database("using a recovery code up"))?;
    Ok(changed.rows_affected == 1)
}

/// How many recovery codes a person has left.
pub async fn count_recovery_codes(at: &impl Access, id: &StaffId) -> Result<u64, StorageError> {
    recovery_codes::Entity::find()
        .filter(recovery_codes::Column::StaffId.eq(id.as_str()))
        .filter(recovery_codes::Column::UsedAt.is_null())
        .count(at.connection())
        .await
        .map_err(database("counting recovery codes"))
}

fn of(id: &StaffId) -> UpdateMany<Entity> {
    Entity::update_many().filter(Column::Id.eq(id.as_str()))
}

fn roles_text(roles: &[Role]) -> String {
    let words: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
    words.join(" ")
}

fn to_account(row: Model) -> Result<Account, StorageError> {
    let id = row.id.as_str();
    let tenant: Option<Result<TenantId, _>> = row.tenant_id.as_deref().map(str::parse);
    let roles = row.roles.split_whitespace().map(|word| {
        let role = Role::parse(word).ok_or(());
        column(TABLE, "roles", id, role)
    });
    let state = StaffState::parse(&row.state).ok_or(());
    let member = StaffMember {
        id: column(TABLE, "id", id, id.parse())?,
        scope: StaffScope::of_row(column(TABLE, "tenant_id", id, tenant.transpose())?),
        email: column(TABLE, "email", id, Email::parse(&row.email))?,
        state: column(TABLE, "state", id, state)?,
        roles: roles.collect::<Result<_, _>>()?,
        name: row.name,
        second_factor_at: row.totp_enrolled_at.map(Timestamp::from_millis),
        last_sign_in_at: row.last_sign_in_at.map(Timestamp::from_millis),
        invitation_expires_at: row.invitation_expires_at.map(Timestamp::from_millis),
        invited_by: row.invited_by,
        version: row.version,
        created_at: Timestamp::from_millis(row.created_at),
        updated_at: Timestamp::from_millis(row.updated_at),
    };
    Ok(Account {
        member,
        password: row.password,
        totp_secret: row.totp_secret,
        totp_offered: row.totp_offered,
        totp_step: row.totp_step,
    })
}
