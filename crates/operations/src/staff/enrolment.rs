//! What a person signs in with, changed by the person: password and second factor.

use rand::Rng as _;
use serde_json::json;
use tributary_domain::staff_member::StaffMember;
use tributary_storage::sealed_columns::PLATFORM;
use tributary_storage::staff::{self, Account};
use tributary_storage::staff_sessions;
use tributary_vault::Place;
use zeroize::Zeroizing;

use super::caller::StaffCaller;
use super::passwords::{self, Compared};
use super::{recovery, scope_of, totp};
use crate::audit::{self, Act};
use crate::credentials::ShownOnce;
use crate::{OperationError, Operations};

/// Where a second factor's secret lives.
pub(crate) const fn totp_place<'a>(column: &'static str, row: &'a str) -> Place<'a> {
    Place {
        table: "staff",
        column,
        row,
    }
}

/// A second factor on its way to the telephone.
#[derive(Debug)]
pub struct OfferedTotp {
    /// The secret, as people type it.
    pub secret: ShownOnce,
    /// The same, as telephones scan it.
    pub otpauth_url: ShownOnce,
}

impl Operations {
    /// Offers a second factor. It takes effect with its first code; until then what was there stays.
    ///
    /// Whoever has one already proves its presence first.
    pub async fn offer_totp(&self, caller: &StaffCaller) -> Result<OfferedTotp, OperationError> {
        if caller.has_second_factor {
            caller.require_proof()?;
        }
        let now = self.now();
        let mut secret = Zeroizing::new([0_u8; totp::SECRET_BYTES]);
        rand::rng().fill_bytes(secret.as_mut_slice());
        let sealed = self
            .seal_totp("totp_offered", caller, secret.as_slice())
            .await?;
        let tx = self.storage().begin().await?;
        staff::offer_totp(&tx, &caller.staff_id, sealed).await?;
        let act = Act::new(
            scope_of(&caller.scope),
            "staff.second_factor.offered",
            caller.staff_id.as_str(),
        );
        audit::record(&tx, &caller.actor(), act, now).await?;
        tx.commit().await?;
        let text = totp::base32(secret.as_slice());
        Ok(OfferedTotp {
            otpauth_url: ShownOnce::new(totp::otpauth_url(&caller.email, &text)),
            secret: ShownOnce::new(text),
        })
    }

    /// Makes the offered second factor the one in force, and answers new recovery codes.
    pub async fn confirm_totp(
        &self,
        caller: &StaffCaller,
        code: &str,
    ) -> Result<Vec<ShownOnce>, OperationError> {
        let now = self.now();
        let account = self.own_account(caller).await?;
        let Some(offered) = &account.totp_offered else {
            let state = "no second factor is offered".to_owned();
            return Err(OperationError::StateConflict { state });
        };
        let place = totp_place("totp_offered", caller.staff_id.as_str());
        let secret = self
            .sealing()
            .open(self.storage(), PLATFORM, &place, offered)
            .await?;
        let step = totp::step_of(&secret, code, now);
        let step = step.ok_or_else(|| OperationError::invalid("/code", "is not the code"))?;
        let sealed = self.seal_totp("totp_secret", caller, &secret).await?;
        let codes = recovery::new_codes();
        let hashes: Vec<String> = codes
            .iter()
            .map(|code| recovery::hash_of_code(&caller.staff_id, code.reveal()))
            .collect();
        let tx = self.storage().begin().await?;
        staff::enrol_totp(&tx, &caller.staff_id, (offered, sealed), step, now).await?;
        staff::replace_recovery_codes(&tx, &caller.staff_id, &hashes).await?;
        staff_sessions::end_all(&tx, &caller.staff_id, Some(&caller.session_id), now).await?;
        let act = Act::new(
            scope_of(&caller.scope),
            "staff.second_factor.enrolled",
            caller.staff_id.as_str(),
        );
        audit::record(&tx, &caller.actor(), act, now).await?;
        tx.commit().await?;
        Ok(codes)
    }

    /// Changes the password of the person who asks; its other sessions end.
    pub async fn change_password(
        &self,
        caller: &StaffCaller,
        current: &str,
        wanted: &str,
    ) -> Result<(), OperationError> {
        passwords::check("/new_password", wanted, &caller.email)?;
        let tried = self.begin_try(caller.email.as_str(), caller.ip).await?;
        let now = self.now();
        let account = self.own_account(caller).await?;
        let kept = account.password.as_deref().unwrap_or_default();
        let compared = self.inner.passwords.compare(current, Some(kept)).await?;
        if compared == Compared::Wrong {
            return Err(OperationError::InvalidCredentials);
        }
        let next = self.inner.passwords.keep(wanted).await?;
        let tx = self.storage().begin().await?;
        staff::set_password(&tx, &caller.staff_id, kept, &next).await?;
        let ended =
            staff_sessions::end_all(&tx, &caller.staff_id, Some(&caller.session_id), now).await?;
        tributary_storage::sign_in_failures::clear(&tx, &tried.subject).await?;
        let act = Act {
            after: Some(json!({ "sessions_ended": ended })),
            ..Act::new(
                scope_of(&caller.scope),
                "staff.password.changed",
                caller.staff_id.as_str(),
            )
        };
        audit::record(&tx, &caller.actor(), act, now).await?;
        Ok(tx.commit().await?)
    }

    /// How many recovery codes the person has left.
    pub async fn recovery_codes_left(&self, caller: &StaffCaller) -> Result<u64, OperationError> {
        Ok(staff::count_recovery_codes(self.storage(), &caller.staff_id).await?)
    }

    async fn own_account(&self, caller: &StaffCaller) -> Result<Account, OperationError> {
        let account = staff::find_account_all_tenants(self.storage(), &caller.staff_id).await?;
        account.ok_or(OperationError::SignedOut)
    }

    async fn seal_totp(
        &self,
        column: &'static str,
        caller: &StaffCaller,
        secret: &[u8],
    ) -> Result<Vec<u8>, OperationError> {
        let place = totp_place(column, caller.staff_id.as_str());
        self.sealing()
            .seal(self.storage(), PLATFORM, &place, secret, self.now())
            .await
    }
}

/// A person as the log shows it: no secret, and what others may know.
pub(super) fn logged(member: &StaffMember) -> serde_json::Value {
    let roles: Vec<&str> = member.roles.iter().map(|role| role.as_str()).collect();
    json!({
        "email": member.email.as_str(),
        "name": member.name,
        "state": member.state.as_str(),
        "roles": roles,
    })
}
