//! The demo's owner of the platform, with a password and a second factor that were drawn for this folder alone.

use anyhow::Context;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tributary_domain::staff::Actor;
use tributary_operations::Operations;
use tributary_operations::staff::{Acceptance, Invitation, Origin, SignIn, StaffCaller, code_at};
use zeroize::Zeroizing;

use super::facts::OwnerFacts;

const EMAIL: &str = "owner@demo.example";

/// Makes the owner.
pub(super) async fn create(operations: &Operations) -> anyhow::Result<OwnerFacts> {
    let invitation = operations
        .create_owner(&Actor::system("dev"), EMAIL, "Demo owner")
        .await?;
    let (caller, facts) = come(operations, &invitation).await?;
    operations.end_session(&caller, &caller.session_id).await?;
    Ok(facts)
}

/// Comes as a person would: invited, with a password, with a second factor; answers the session of that moment.
pub(super) async fn come(
    operations: &Operations,
    invitation: &Invitation,
) -> anyhow::Result<(StaffCaller, OwnerFacts)> {
    let password = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 18]>());
    let given = Acceptance {
        token: Zeroizing::new(invitation.token.reveal().to_owned()),
        password: Zeroizing::new(password.clone()),
    };
    operations
        .accept_invitation(&given, &Origin::default())
        .await?;
    let email = invitation.member.email.to_string();
    let sign_in = SignIn {
        email: email.clone(),
        password: Zeroizing::new(password.clone()),
        second_factor: None,
    };
    let session = operations.sign_in(sign_in, Origin::default()).await?;
    let token = session.access_token.reveal();
    let caller = recognised(operations, token).await?;
    let totp_secret = operations.offer_totp(&caller).await?.secret;
    let code = code_at(totp_secret.reveal(), operations.now()).context("a code")?;
    operations.confirm_totp(&caller, &code).await?;
    let caller = recognised(operations, token).await?;
    let facts = OwnerFacts {
        email,
        password,
        totp_secret: totp_secret.reveal().to_owned(),
    };
    Ok((caller, facts))
}

async fn recognised(operations: &Operations, token: &str) -> anyhow::Result<StaffCaller> {
    let caller = operations
        .authenticate_staff(token, Origin::default())
        .await?;
    caller.context("who signed in is recognised")
}
