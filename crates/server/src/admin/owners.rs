//! The first owner of the platform, and any other that is made by whoever has the machine.

use serde_json::{Value, json};
use tributary_domain::staff::Actor;
use tributary_operations::Operations;
use tributary_operations::staff::{Acceptance, Origin};
use zeroize::Zeroizing;

use super::read_line;
use crate::cli::CreateOwner;

/// Makes an owner, who signs in with the password, or comes by the invitation that is printed.
pub(super) async fn create(
    operations: &Operations,
    by: &Actor,
    args: CreateOwner,
) -> anyhow::Result<Value> {
    let name = args.name.as_deref().unwrap_or(&args.email);
    let password = args.password_file.as_deref().map(read_line).transpose()?;
    let invitation = operations.create_owner(by, &args.email, name).await?;
    let token = invitation.token.reveal();
    let Some(password) = password else {
        return Ok(json!({
            "staff_id": invitation.member.id,
            "email": args.email,
            "invitation_token": token,
            "invitation_url": format!("{}/admin/invitation#{token}", operations.public_url()),
            "expires_at": invitation.expires_at.to_rfc3339(),
            "note": "the invitation is shown now and never again; the second factor is enrolled at the first sign-in",
        }));
    };
    let given = Acceptance {
        token: Zeroizing::new(token.to_owned()),
        password,
    };
    let owner = operations
        .accept_invitation(&given, &Origin::default())
        .await?;
    Ok(json!({
        "staff_id": owner.id,
        "email": args.email,
        "note": "the second factor is enrolled at the first sign-in",
    }))
}
