//! Oneself: who one is, and what one signs in with.

use poem_openapi::{Object, OpenApi};
use tributary_domain::tenant::Mode;
use tributary_operations::pages::LIMIT_MAX;
use tributary_operations::staff::MeView;
use zeroize::Zeroizing;

use super::guards::SignedIn;
use super::staff::RoleName;
use super::{Gone, Tag};
use crate::completion::to_completion;
use crate::json::{Json, JsonBody};
use crate::problem::Problem;

/// The operations on oneself.
pub(crate) struct MeApi;

/// The person who asks.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
struct StaffMe {
    /// Who you are.
    staff: MePerson,
    /// Your roles.
    roles: Vec<RoleName>,
    /// What you see: `provider`, every tenant; `tenant`, the one named.
    scope: String,
    /// Your tenant.
    tenant: Option<MeTenant>,
    /// What you may do, such as `order:read`. Empty until a required second factor is enrolled.
    permissions: Vec<String>,
    /// What this installation is for: `production` or `development`.
    environment: String,
    /// The worlds there are: `live`, `test`.
    modes: Vec<String>,
    /// The server's time (RFC 3339).
    server_time: String,
    /// What forms must know.
    limits: MeLimits,
}

/// A person, as it sees itself.
#[derive(Debug, Object)]
struct MePerson {
    /// Its id: `stf_…`.
    id: String,
    /// Its e-mail address.
    email: String,
    /// Its name.
    name: String,
    /// Its session.
    session_id: String,
    /// Whether it has a second factor.
    second_factor: bool,
    /// Whether it must enrol one before anything else.
    second_factor_enrolment_required: bool,
    /// How many recovery codes are left.
    recovery_codes_left: u64,
    /// Whether its presence was proven within the last five minutes.
    proven: bool,
}

/// The tenant of a member.
#[derive(Debug, Object)]
struct MeTenant {
    /// Its id: `ten_…`.
    id: String,
    /// Its name.
    name: String,
}

/// Limits that matter to forms.
#[derive(Debug, Object)]
struct MeLimits {
    /// Objects on a page at most.
    page: u64,
    /// A refund above this needs a second person, in fen.
    refund_without_approval: i64,
    /// A session ends when it is not renewed for so long.
    idle_seconds: i64,
    /// A session ends after so long whatever happens.
    absolute_seconds: i64,
    /// A proof of presence is good for so long.
    proof_seconds: i64,
}

/// A second factor on its way to the telephone.
#[derive(Object)]
struct TotpOffer {
    /// The secret, to type.
    secret: String,
    /// The same, to scan.
    otpauth_url: String,
}

/// A code that shows that the telephone has the secret.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct TotpConfirmation {
    /// The six digits that it shows now.
    code: String,
}

/// Recovery codes, shown this once.
#[derive(Object)]
struct RecoveryCodes {
    /// Ten codes, each good once in place of the second factor.
    recovery_codes: Vec<String>,
}

/// Another password.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct PasswordChange {
    /// The password so far.
    current_password: String,
    /// The next one: 12 to 128 characters.
    new_password: String,
}

#[OpenApi(tag = "Tag::Me")]
impl MeApi {
    /// Who am I
    ///
    /// The person, the roles, what it may see and do, and what forms must know. Any session may ask.
    #[oai(path = "/admin/v1/me", method = "get", operation_id = "getStaffMe")]
    async fn get_staff_me(&self, auth: SignedIn) -> Result<Json<StaffMe>, Problem> {
        let call = auth.0;
        let view = call.operations.staff_me(&call.caller).await?;
        Ok(Json(view.into()))
    }

    /// Enrol a second factor
    ///
    /// Offers a secret, shown this once. It takes effect when its first code is confirmed; what was there before stays
    /// until then. Who has a second factor already needs a fresh proof.
    #[oai(
        path = "/admin/v1/me/totp",
        method = "post",
        operation_id = "offerTotp"
    )]
    async fn offer_totp(&self, auth: SignedIn) -> Result<Json<TotpOffer>, Problem> {
        let call = auth.0;
        let offered = to_completion(async move { call.operations.offer_totp(&call.caller).await });
        let offered = offered.await?;
        Ok(Json(TotpOffer {
            secret: offered.secret.reveal().to_owned(),
            otpauth_url: offered.otpauth_url.reveal().to_owned(),
        }))
    }

    /// Confirm the second factor
    ///
    /// Answers ten recovery codes, shown this once; earlier ones end. Your other sessions end.
    #[oai(
        path = "/admin/v1/me/totp/confirm",
        method = "post",
        operation_id = "confirmTotp"
    )]
    async fn confirm_totp(
        &self,
        auth: SignedIn,
        body: JsonBody<TotpConfirmation>,
    ) -> Result<Json<RecoveryCodes>, Problem> {
        let (call, code) = (auth.0, body.value.code);
        let codes =
            to_completion(async move { call.operations.confirm_totp(&call.caller, &code).await });
        let codes = codes.await?;
        Ok(Json(RecoveryCodes {
            recovery_codes: codes.iter().map(|code| code.reveal().to_owned()).collect(),
        }))
    }

    /// Change your password
    ///
    /// Your other sessions end.
    #[oai(
        path = "/admin/v1/me/password",
        method = "post",
        operation_id = "changePassword"
    )]
    async fn change_password(
        &self,
        auth: SignedIn,
        body: JsonBody<PasswordChange>,
    ) -> Result<Gone, Problem> {
        let call = auth.0;
        let current = Zeroizing::new(body.value.current_password);
        let wanted = Zeroizing::new(body.value.new_password);
        let changed = to_completion(async move {
            let operations = call.operations;
            operations
                .change_password(&call.caller, &current, &wanted)
                .await
        });
        changed.await?;
        Ok(Gone::Done)
    }
}

impl From<MeView> for StaffMe {
    fn from(view: MeView) -> Self {
        let caller = view.caller;
        let scope = match caller.scope.tenant() {
            Some(_) => "tenant",
            None => "provider",
        };
        Self {
            permissions: caller
                .permissions()
                .iter()
                .map(|permission| permission.as_str().to_owned())
                .collect(),
            staff: MePerson {
                id: caller.staff_id.to_string(),
                email: caller.email.to_string(),
                name: caller.name,
                session_id: caller.session_id.to_string(),
                second_factor: caller.has_second_factor,
                second_factor_enrolment_required: caller.must_enrol,
                recovery_codes_left: view.recovery_codes_left,
                proven: caller.is_proven,
            },
            roles: caller.roles.into_iter().map(Into::into).collect(),
            scope: scope.to_owned(),
            tenant: view.tenant.map(|tenant| MeTenant {
                id: tenant.id.to_string(),
                name: tenant.name,
            }),
            environment: view.environment.as_str().to_owned(),
            modes: [Mode::Live, Mode::Test]
                .map(|mode| mode.as_str().to_owned())
                .to_vec(),
            server_time: view.now.to_rfc3339(),
            limits: MeLimits {
                page: LIMIT_MAX,
                refund_without_approval: view.refund_without_approval.as_i64(),
                idle_seconds: view.idle_seconds,
                absolute_seconds: view.absolute_seconds,
                proof_seconds: view.proof_seconds,
            },
        }
    }
}
