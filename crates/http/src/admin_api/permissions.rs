//! Which role may do what.

use poem_openapi::{Object, OpenApi};
use tributary_domain::staff::Role;

use super::Tag;
use super::guards::SignedIn;
use super::staff::RoleName;
use crate::json::Json;
use crate::problem::Problem;

/// The operation on roles.
pub(crate) struct PermissionsApi;

/// A role with what it grants.
#[derive(Debug, Object)]
struct RolePermissions {
    /// The role.
    role: RoleName,
    /// Whether it is a role within one tenant.
    of_tenant: bool,
    /// Whether who holds it must have a second factor.
    second_factor_required: bool,
    /// What it grants, such as `order:read`.
    permissions: Vec<String>,
}

/// Every role.
#[derive(Debug, Object)]
struct RoleList {
    /// Always `list`.
    object: String,
    /// The roles.
    data: Vec<RolePermissions>,
    /// Always false: the list is whole.
    has_more: bool,
}

#[OpenApi(tag = "Tag::Staff")]
impl PermissionsApi {
    /// List roles and permissions
    ///
    /// The whole matrix. What you may do yourself is in `GET /admin/v1/me`. Anybody who is signed in may ask.
    #[oai(
        path = "/admin/v1/permissions",
        method = "get",
        operation_id = "listPermissions"
    )]
    #[expect(clippy::unused_async, reason = "the library's operations are async")]
    async fn list_permissions(&self, auth: SignedIn) -> Result<Json<RoleList>, Problem> {
        auth.0.caller.require_enrolled()?;
        let data = Role::ALL.iter().map(|role| RolePermissions {
            role: (*role).into(),
            of_tenant: role.is_of_tenant(),
            second_factor_required: role.needs_second_factor(),
            permissions: role
                .permissions()
                .map(|permission| permission.as_str().to_owned())
                .collect(),
        });
        Ok(Json(RoleList {
            object: String::from("list"),
            data: data.collect(),
            has_more: false,
        }))
    }
}
