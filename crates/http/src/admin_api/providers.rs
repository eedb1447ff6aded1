//! Providers and their key rings: imported, tested, activated, watched, retired. Secrets go in and never come out.

mod objects;
mod provider_objects;

use poem::Request;
use poem_openapi::OpenApi;
use poem_openapi::param::{Path, Query};
use tributary_domain::ids::{ProviderId, ProviderKeyId};
use tributary_domain::provider_key;
use tributary_domain::staff::Permission;

use super::Tag;
use super::guards::{May, StaffCall};
use super::once::{Made, once};
use crate::completion::to_completion;
use crate::idempotency_key::IdempotencyKey;
use crate::json::{Json, JsonBody};
use crate::problem::Problem;
use crate::tenant_api::path_id;

use objects::{
    KeyActivation, KeyReason, KeyShareList, KeyTestList, NewProviderKey, PreferredKey, ProviderKey,
    ProviderKeyList, ShareHours,
};
use provider_objects::{NewProvider, Provider, ProviderList};

const CREATE_ROUTE: &str = "/admin/v1/providers";
const IMPORT_ROUTE: &str = "/admin/v1/providers/{provider_id}/keys";

type ProviderReader = May<{ Permission::ProviderRead as usize }>;
type ProviderWriter = May<{ Permission::ProviderWrite as usize }>;
type KeyImporter = May<{ Permission::KeyImport as usize }>;

type KeyApprover = May<{ Permission::KeyApprove as usize }>;

/// The operations on providers and their keys.
pub(crate) struct ProvidersApi;

#[OpenApi(tag = "Tag::Providers")]
impl ProvidersApi {
    /// List providers
    ///
    /// Without secrets. Needs the permission `provider:read`.
    #[oai(
        path = "/admin/v1/providers",
        method = "get",
        operation_id = "listProviders"
    )]
    async fn list_providers(&self, auth: ProviderReader) -> Result<Json<ProviderList>, Problem> {
        let providers = auth.0.operations.list_providers().await?;
        Ok(Json(ProviderList::new(providers)))
    }

    /// Create a provider
    ///
    /// Its first keys come with it; what does not belong together is named. In test mode they are in use at once. In live
    /// mode they are staged: somebody else approves each key before it can be activated. Needs the permissions
    /// `provider:write` and `key:import` and a fresh proof.
    #[oai(
        path = "/admin/v1/providers",
        method = "post",
        operation_id = "createProvider"
    )]
    async fn create_provider(
        &self,
        auth: ProviderWriter,
        /// Chosen by you, one per provider; the same for every retry.
        #[oai(name = "Idempotency-Key")]
        key: IdempotencyKey,
        body: JsonBody<NewProvider>,
        request: &Request,
    ) -> Result<Made<Provider>, Problem> {
        auth.0.caller.require_proof()?;
        let key = key.of(request, &body.raw, CREATE_ROUTE);
        let new = body.value.into_new()?;
        let made = once(auth.0, key, async move |call| {
            let created = call
                .operations
                .create_provider_as(&call.caller, new)
                .await?;
            Ok(Provider::from(created))
        });
        Ok(Made::from(made.await?))
    }

    /// List a provider's keys
    ///
    /// The whole ring, oldest first: serials, fingerprints, states, what each did, and what you may do with it. Needs
    /// the permission `provider:read`.
    #[oai(
        path = "/admin/v1/providers/:provider_id/keys",
        method = "get",
        operation_id = "listProviderKeys"
    )]
    async fn list_provider_keys(
        &self,
        auth: ProviderReader,
        /// The id of the provider.
        provider_id: Path<String>,
    ) -> Result<Json<ProviderKeyList>, Problem> {
        let call = auth.0;
        let id: ProviderId = path_id(&provider_id)?;
        let keys = call.operations.provider_keys(&call.caller, &id).await?;
        let now = call.operations.now();
        Ok(Json(ProviderKeyList::new(keys, &call.caller, now)))
    }

    /// Import a key
    ///
    /// Certificate, private key, serial and merchant number are held against each other; what does not belong
    /// together is named. The key is `staged`. Needs the permission `key:import` and a fresh proof.
    #[oai(
        path = "/admin/v1/providers/:provider_id/keys",
        method = "post",
        operation_id = "importProviderKey"
    )]
    async fn import_provider_key(
        &self,
        auth: KeyImporter,
        /// The id of the provider.
        provider_id: Path<String>,
        /// Chosen by you, one per key; the same for every retry.
        #[oai(name = "Idempotency-Key")]
        key: IdempotencyKey,
        body: JsonBody<NewProviderKey>,
        request: &Request,
    ) -> Result<Made<ProviderKey>, Problem> {
        auth.0.caller.require_proof()?;
        let key = key.of(request, &body.raw, IMPORT_ROUTE);
        let id: ProviderId = path_id(&provider_id)?;
        let new = body.value;
        let made = once(auth.0, key, async move |call| {
            let owner = call.operations.find_provider(&call.caller, &id).await?;
            let new = new.into_new(&owner.sp_mchid)?;
            let imported = call.operations.import_key(&call.caller, &id, &new).await?;
            let now = call.operations.now();
            Ok(ProviderKey::new(imported, &call.caller, now))
        });
        Ok(Made::from(made.await?))
    }

    /// Test a provider's keys
    ///
    /// WeChat's echo with every pair of keys in use or about to be; staged keys become `testing`. The callbacks come
    /// within seconds: read the tests again. Needs the permission `key:import`.
    #[oai(
        path = "/admin/v1/providers/:provider_id/test-keys",
        method = "post",
        operation_id = "testProviderKeys"
    )]
    async fn test_provider_keys(
        &self,
        auth: KeyImporter,
        /// The id of the provider.
        provider_id: Path<String>,
    ) -> Result<Json<KeyTestList>, Problem> {
        let call = auth.0;
        let id: ProviderId = path_id(&provider_id)?;
        to_completion(async move {
            let tests = call.operations.test_keys(&call.caller, &id).await;
            tests.map(|tests| Json(KeyTestList::new(tests)))
        })
        .await
    }

    /// List the self-tests of a provider's keys
    ///
    /// The newest first, each green, red with the step that failed, or waiting for WeChat's callback. Needs the
    /// permission `provider:read`.
    #[oai(
        path = "/admin/v1/providers/:provider_id/key-tests",
        method = "get",
        operation_id = "listKeyTests"
    )]
    async fn list_key_tests(
        &self,
        auth: ProviderReader,
        /// The id of the provider.
        provider_id: Path<String>,
    ) -> Result<Json<KeyTestList>, Problem> {
        let call = auth.0;
        let id: ProviderId = path_id(&provider_id)?;
        call.operations.find_provider(&call.caller, &id).await?;
        let tests = call.operations.key_tests(&call.caller, &id).await?;
        Ok(Json(KeyTestList::new(tests)))
    }

    /// Read the meter of a provider's keys
    ///
    /// Which key signed, verified and decrypted how many thousandths in the last hours. Needs the permission
    /// `provider:read`.
    #[oai(
        path = "/admin/v1/providers/:provider_id/key-shares",
        method = "get",
        operation_id = "getKeyShares"
    )]
    async fn get_key_shares(
        &self,
        auth: ProviderReader,
        /// The id of the provider.
        provider_id: Path<String>,
        /// Over how many hours, the present one counted as one.
        hours: Query<Option<ShareHours>>,
    ) -> Result<Json<KeyShareList>, Problem> {
        let call = auth.0;
        let id: ProviderId = path_id(&provider_id)?;
        let hours = ShareHours::or_default(hours.0);
        let shares = call.operations.key_shares(&call.caller, &id, hours).await?;
        Ok(Json(KeyShareList::new(shares, hours)))
    }

    /// Prefer WeChat's public key
    ///
    /// Requests name it from now on, so that answers are signed with it. Needs the permission `provider:write` and a
    /// fresh proof.
    #[oai(
        path = "/admin/v1/providers/:provider_id/prefer-public-key",
        method = "post",
        operation_id = "preferPublicKey"
    )]
    async fn prefer_public_key(
        &self,
        auth: ProviderWriter,
        /// The id of the provider.
        provider_id: Path<String>,
    ) -> Result<Json<PreferredKey>, Problem> {
        let call = auth.0;
        call.caller.require_proof()?;
        let id: ProviderId = path_id(&provider_id)?;
        to_completion(async move {
            let key = call.operations.prefer_public_key(&call.caller, &id).await;
            key.map(|key| Json(PreferredKey::new(&key)))
        })
        .await
    }

    /// Take the preference back
    ///
    /// Requests name the platform certificate again. It works until WeChat's console voids the certificates. Needs the
    /// permission `provider:write` and a fresh proof.
    #[oai(
        path = "/admin/v1/providers/:provider_id/roll-back-public-key",
        method = "post",
        operation_id = "rollBackPublicKey"
    )]
    async fn roll_back_public_key(
        &self,
        auth: ProviderWriter,
        /// The id of the provider.
        provider_id: Path<String>,
    ) -> Result<Json<PreferredKey>, Problem> {
        let call = auth.0;
        call.caller.require_proof()?;
        let id: ProviderId = path_id(&provider_id)?;
        to_completion(async move {
            let key = call.operations.prefer_certificate(&call.caller, &id).await;
            key.map(|key| Json(PreferredKey::new(&key)))
        })
        .await
    }

    /// Approve a key
    ///
    /// Stands for a key of a live provider that somebody else imported. Needs the permission `key:approve` and a fresh
    /// proof.
    #[oai(
        path = "/admin/v1/provider-keys/:key_id/approve",
        method = "post",
        operation_id = "approveProviderKey"
    )]
    async fn approve_provider_key(
        &self,
        auth: KeyApprover,
        /// The id of the key.
        key_id: Path<String>,
    ) -> Result<Json<ProviderKey>, Problem> {
        let call = auth.0;
        call.caller.require_proof()?;
        let id: ProviderKeyId = path_id(&key_id)?;
        to_completion(async move {
            let approved = call.operations.approve_key(&call.caller, &id).await;
            approved.map(|key| shown(key, &call))
        })
        .await
    }

    /// Activate a key
    ///
    /// The key that it replaces retires, and can be activated again. A key of a live provider that nobody approved is
    /// refused.
    /// Needs the permission `key:import` and a fresh proof.
    #[oai(
        path = "/admin/v1/provider-keys/:key_id/activate",
        method = "post",
        operation_id = "activateProviderKey"
    )]
    async fn activate_provider_key(
        &self,
        auth: KeyImporter,
        /// The id of the key.
        key_id: Path<String>,
        body: JsonBody<KeyActivation>,
    ) -> Result<Json<ProviderKey>, Problem> {
        let call = auth.0;
        call.caller.require_proof()?;
        let id: ProviderKeyId = path_id(&key_id)?;
        let proof = body.value.into_proof();
        to_completion(async move {
            let active = call
                .operations
                .activate_key(&call.caller, &id, &proof, None)
                .await;
            active.map(|key| shown(key, &call))
        })
        .await
    }

    /// Retire a key
    ///
    /// An active key of WeChat's begins to retire; a key that was replaced goes after 24 hours without use. Needs the
    /// permission `key:import` and a fresh proof.
    #[oai(
        path = "/admin/v1/provider-keys/:key_id/retire",
        method = "post",
        operation_id = "retireProviderKey"
    )]
    async fn retire_provider_key(
        &self,
        auth: KeyImporter,
        /// The id of the key.
        key_id: Path<String>,
    ) -> Result<Json<ProviderKey>, Problem> {
        let call = auth.0;
        call.caller.require_proof()?;
        let id: ProviderKeyId = path_id(&key_id)?;
        to_completion(async move {
            let retired = call.operations.retire_key(&call.caller, &id).await;
            retired.map(|key| shown(key, &call))
        })
        .await
    }

    /// Revoke a key
    ///
    /// At once, also the last one of its kind: without a merchant key nothing is placed any more. Needs the permission
    /// `key:import` and a fresh proof.
    #[oai(
        path = "/admin/v1/provider-keys/:key_id/revoke",
        method = "post",
        operation_id = "revokeProviderKey"
    )]
    async fn revoke_provider_key(
        &self,
        auth: KeyImporter,
        /// The id of the key.
        key_id: Path<String>,
        body: JsonBody<KeyReason>,
    ) -> Result<Json<ProviderKey>, Problem> {
        let (call, reason) = (auth.0, body.value.reason);
        call.caller.require_proof()?;
        let id: ProviderKeyId = path_id(&key_id)?;
        to_completion(async move {
            let revoked = call.operations.revoke_key(&call.caller, &id, &reason).await;
            revoked.map(|key| shown(key, &call))
        })
        .await
    }
}

fn shown(key: provider_key::ProviderKey, call: &StaffCall) -> Json<ProviderKey> {
    Json(ProviderKey::new(key, &call.caller, call.operations.now()))
}
