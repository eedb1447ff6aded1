//! Coming: whoever holds an invitation sets a password.

use poem_openapi::{Object, OpenApi};
use tributary_operations::Operations;
use tributary_operations::staff::Acceptance;
use zeroize::Zeroizing;

use super::Tag;
use super::guards::CallOrigin;
use super::staff::StaffMember;
use crate::completion::to_completion;
use crate::json::{Json, JsonBody};
use crate::problem::Problem;

/// The operation on invitations.
pub(crate) struct InvitationsApi;

/// An invitation that is taken up.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct InvitationAcceptance {
    /// The token of the invitation.
    token: String,
    /// The password that you choose: 12 to 128 characters.
    password: String,
}

#[OpenApi(tag = "Tag::Staff")]
impl InvitationsApi {
    /// Take up an invitation
    ///
    /// Sets your password, once; then sign in. No session is needed, only the token.
    #[oai(
        path = "/admin/v1/invitations/accept",
        method = "post",
        operation_id = "acceptInvitation"
    )]
    async fn accept_invitation(
        &self,
        operations: poem::web::Data<&Operations>,
        origin: CallOrigin,
        body: JsonBody<InvitationAcceptance>,
    ) -> Result<Json<StaffMember>, Problem> {
        let operations = operations.0.clone();
        let given = Acceptance {
            token: Zeroizing::new(body.value.token),
            password: Zeroizing::new(body.value.password),
        };
        let came =
            to_completion(async move { operations.accept_invitation(&given, &origin.0).await });
        Ok(Json(StaffMember::seen_by_itself(came.await?)))
    }
}
