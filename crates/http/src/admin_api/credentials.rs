//! What tenants prove themselves with: API keys and certificates, made, shown once, rolled, withdrawn.

mod objects;

use poem::Request;
use poem_openapi::OpenApi;
use poem_openapi::param::Path;
use tributary_domain::ids::TenantId;
use tributary_domain::staff::Permission;

use super::guards::{May, StaffCall};
use super::once::{Made, once};
use super::{Gone, Tag};
use crate::completion::to_completion;
use crate::idempotency_key::IdempotencyKey;
use crate::json::{Json, JsonBody};
use crate::problem::Problem;
use crate::tenant_api::path_id;

use objects::{
    ApiKey, ApiKeyList, ApiKeyRoll, Certificate, CertificateList, NewApiKey, NewCertificate,
    NewPublicKey, ShownApiKey,
};

const KEYS_ROUTE: &str = "/admin/v1/tenants/{tenant_id}/api-keys";
const ROLL_ROUTE: &str = "/admin/v1/tenants/{tenant_id}/api-keys/{key_id}/roll";

type Reader = May<{ Permission::CredentialRead as usize }>;
type Writer = May<{ Permission::CredentialWrite as usize }>;

/// The operations on credentials.
pub(crate) struct CredentialsApi;

#[OpenApi(tag = "Tag::Credentials")]
impl CredentialsApi {
    /// List API keys
    ///
    /// All of a tenant's, the newest first, those that have ended among them. Needs the permission `credential:read`.
    #[oai(
        path = "/admin/v1/tenants/:tenant_id/api-keys",
        method = "get",
        operation_id = "listApiKeys"
    )]
    async fn list_api_keys(
        &self,
        auth: Reader,
        /// The id of the tenant.
        tenant_id: Path<String>,
    ) -> Result<Json<ApiKeyList>, Problem> {
        let (call, tenant) = read_of(auth.0, &tenant_id)?;
        let keys = call.operations.list_api_keys(&call.caller, &tenant).await?;
        let now = call.operations.now();
        Ok(Json(ApiKeyList::new(
            keys.into_iter().map(|key| ApiKey::new(key, now)).collect(),
        )))
    }

    /// Make an API key
    ///
    /// The key is shown this once. A live one gets no scope whose permission you lack, such as `refunds:write` without
    /// `refund:create`. Needs the permission `credential:write` and a fresh proof.
    #[oai(
        path = "/admin/v1/tenants/:tenant_id/api-keys",
        method = "post",
        operation_id = "createApiKey"
    )]
    async fn create_api_key(
        &self,
        auth: Writer,
        /// The id of the tenant.
        tenant_id: Path<String>,
        /// Chosen by you, one per key; the same for every retry.
        #[oai(name = "Idempotency-Key")]
        key: IdempotencyKey,
        body: JsonBody<NewApiKey>,
        request: &Request,
    ) -> Result<Made<ShownApiKey>, Problem> {
        let key = key.of(request, &body.raw, KEYS_ROUTE);
        let (call, tenant) = change_of(auth.0, &tenant_id)?;
        let wish = body.value.into_wish()?;
        let made = once(call, key, async move |call| {
            let made = call
                .operations
                .create_api_key(&call.caller, &tenant, wish)
                .await?;
            Ok(ShownApiKey::new(made, call.operations.now()))
        });
        Ok(Made::from(made.await?))
    }

    /// Roll an API key
    ///
    /// Makes the key that takes its place, shown this once: the same in everything but its secret and its time. The old
    /// one works on for the overlap. Needs the permission `credential:write` and a fresh proof.
    #[oai(
        path = "/admin/v1/tenants/:tenant_id/api-keys/:key_id/roll",
        method = "post",
        operation_id = "rollApiKey"
    )]
    #[expect(
        clippy::too_many_arguments,
        reason = "one argument per documented parameter"
    )]
    async fn roll_api_key(
        &self,
        auth: Writer,
        /// The id of the tenant.
        tenant_id: Path<String>,
        /// The id of the key.
        key_id: Path<String>,
        /// Chosen by you, one per roll; the same for every retry.
        #[oai(name = "Idempotency-Key")]
        key: IdempotencyKey,
        body: JsonBody<ApiKeyRoll>,
        request: &Request,
    ) -> Result<Made<ShownApiKey>, Problem> {
        let key = key.of(request, &body.raw, ROLL_ROUTE);
        let (call, tenant) = change_of(auth.0, &tenant_id)?;
        let (id, overlap) = (path_id(&key_id)?, body.value.overlap()?);
        let made = once(call, key, async move |call| {
            let operations = &call.operations;
            let made = operations
                .roll_api_key(&call.caller, &tenant, &id, overlap)
                .await?;
            Ok(ShownApiKey::new(made, operations.now()))
        });
        Ok(Made::from(made.await?))
    }

    /// Withdraw an API key
    ///
    /// It and every token that it fetched end within five seconds on every node. Needs the permission `credential:write`
    /// and a fresh proof.
    #[oai(
        path = "/admin/v1/tenants/:tenant_id/api-keys/:key_id/revoke",
        method = "post",
        operation_id = "revokeApiKey"
    )]
    async fn revoke_api_key(
        &self,
        auth: Writer,
        /// The id of the tenant.
        tenant_id: Path<String>,
        /// The id of the key.
        key_id: Path<String>,
    ) -> Result<Gone, Problem> {
        let (call, tenant) = change_of(auth.0, &tenant_id)?;
        let id = path_id(&key_id)?;
        let revoked = to_completion(async move {
            call.operations
                .revoke_api_key(&call.caller, &tenant, &id)
                .await
        });
        revoked.await?;
        Ok(Gone::Done)
    }

    /// List certificates
    ///
    /// All certificates and public keys of a tenant, the newest first, those that have ended among them. Needs the
    /// permission `credential:read`.
    #[oai(
        path = "/admin/v1/tenants/:tenant_id/certificates",
        method = "get",
        operation_id = "listCertificates"
    )]
    async fn list_certificates(
        &self,
        auth: Reader,
        /// The id of the tenant.
        tenant_id: Path<String>,
    ) -> Result<Json<CertificateList>, Problem> {
        let (call, tenant) = read_of(auth.0, &tenant_id)?;
        let found = call
            .operations
            .list_certificates(&call.caller, &tenant)
            .await?;
        let now = call.operations.now();
        let shown = found.into_iter().map(|one| Certificate::new(one, now));
        Ok(Json(CertificateList::new(shown.collect())))
    }

    /// Read a certificate
    ///
    /// `pem` is what the tenant downloads. Needs the permission `credential:read`.
    #[oai(
        path = "/admin/v1/tenants/:tenant_id/certificates/:certificate_id",
        method = "get",
        operation_id = "getCertificate"
    )]
    async fn get_certificate(
        &self,
        auth: Reader,
        /// The id of the tenant.
        tenant_id: Path<String>,
        /// The id of the certificate.
        certificate_id: Path<String>,
    ) -> Result<Json<Certificate>, Problem> {
        let (call, tenant) = read_of(auth.0, &tenant_id)?;
        let id = path_id(&certificate_id)?;
        let found = call
            .operations
            .certificate(&call.caller, &tenant, &id)
            .await?;
        Ok(Json(Certificate::new(found, call.operations.now())))
    }

    /// Issue a certificate
    ///
    /// For a request (PKCS#10) that the tenant made of a key pair of its own: RSA of at least 2048 bits, signed with
    /// SHA-256. The same key is certified once. Needs the permission `credential:write` and a fresh proof.
    #[oai(
        path = "/admin/v1/tenants/:tenant_id/certificates",
        method = "post",
        operation_id = "issueCertificate"
    )]
    async fn issue_certificate(
        &self,
        auth: Writer,
        /// The id of the tenant.
        tenant_id: Path<String>,
        body: JsonBody<NewCertificate>,
    ) -> Result<Json<Certificate>, Problem> {
        let (call, tenant) = change_of(auth.0, &tenant_id)?;
        let (wish, request) = body.value.into_wish()?;
        to_completion(async move {
            let operations = &call.operations;
            let issued = operations
                .issue_certificate(&call.caller, &tenant, wish, &request)
                .await;
            issued.map(|one| Json(Certificate::new(one, operations.now())))
        })
        .await
    }

    /// Register a public key
    ///
    /// An RSA key of at least 2048 bits that the tenant signs its requests with, under an id that it gets here. The same
    /// key is registered once. Needs the permission `credential:write` and a fresh proof.
    #[oai(
        path = "/admin/v1/tenants/:tenant_id/public-keys",
        method = "post",
        operation_id = "registerPublicKey"
    )]
    async fn register_public_key(
        &self,
        auth: Writer,
        /// The id of the tenant.
        tenant_id: Path<String>,
        body: JsonBody<NewPublicKey>,
    ) -> Result<Json<Certificate>, Problem> {
        let (call, tenant) = change_of(auth.0, &tenant_id)?;
        let (wish, key) = body.value.into_wish()?;
        to_completion(async move {
            let operations = &call.operations;
            let kept = operations
                .register_public_key(&call.caller, &tenant, wish, &key)
                .await;
            kept.map(|one| Json(Certificate::new(one, operations.now())))
        })
        .await
    }

    /// Withdraw a certificate
    ///
    /// A certificate or a public key; it ends within five seconds on every node. Needs the permission `credential:write`
    /// and a fresh proof.
    #[oai(
        path = "/admin/v1/tenants/:tenant_id/certificates/:certificate_id/revoke",
        method = "post",
        operation_id = "revokeCertificate"
    )]
    async fn revoke_certificate(
        &self,
        auth: Writer,
        /// The id of the tenant.
        tenant_id: Path<String>,
        /// The id of the certificate.
        certificate_id: Path<String>,
    ) -> Result<Gone, Problem> {
        let (call, tenant) = change_of(auth.0, &tenant_id)?;
        let id = path_id(&certificate_id)?;
        let revoked = to_completion(async move {
            call.operations
                .revoke_certificate(&call.caller, &tenant, &id)
                .await
        });
        revoked.await?;
        Ok(Gone::Done)
    }
}

/// The tenant in a path, when the person may see it.
fn read_of(call: StaffCall, tenant_id: &str) -> Result<(StaffCall, TenantId), Problem> {
    let tenant: TenantId = path_id(tenant_id)?;
    call.caller.tenant(Some(&tenant))?;
    Ok((call, tenant))
}

/// The same for a change, which takes a fresh proof.
fn change_of(call: StaffCall, tenant_id: &str) -> Result<(StaffCall, TenantId), Problem> {
    let found = read_of(call, tenant_id)?;
    found.0.caller.require_proof()?;
    Ok(found)
}
