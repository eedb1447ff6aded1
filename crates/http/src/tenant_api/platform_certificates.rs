//! What answers to signed requests are verified with.

use poem::web::Data;
use poem_openapi::{Object, OpenApi};
use tributary_operations::Operations;
use tributary_operations::credentials::PlatformCertificate;

use super::Tag;
use crate::json::Json;
use crate::problem::Problem;

/// The operation on the platform's own certificates.
pub(crate) struct PlatformCertificatesApi;

/// The certificates that answers are signed under.
#[derive(Debug, Object)]
struct PlatformCertificateList {
    /// Always `list`.
    object: String,
    /// The certificates, the oldest first; the next one stands here before it signs.
    data: Vec<PlatformCertificateObject>,
    /// Always false: the list is whole.
    has_more: bool,
}

/// A certificate of the platform's with its public key.
#[derive(Debug, Object)]
#[oai(rename = "PlatformCertificate")]
struct PlatformCertificateObject {
    /// Always `platform_certificate`.
    object: String,
    /// What `Wechatpay-Serial` of an answer names it by.
    serial: String,
    /// The certificate, PEM.
    certificate: String,
    /// The RSA public key in it, PEM, for libraries that take a key and its id.
    public_key: String,
    /// When it begins to sign (RFC 3339).
    signs_from: String,
    /// When it ends (RFC 3339).
    expires_at: String,
}

#[OpenApi(tag = "Tag::Authentication")]
impl PlatformCertificatesApi {
    /// List platform certificates
    ///
    /// The keys that answers to signed requests are verified with. Nobody needs to authenticate; fetch them over TLS, keep
    /// them, and look again when an answer names a serial that you do not know. A new one stands here for 90 days before
    /// it signs.
    #[oai(
        path = "/v1/meta/platform-certificates",
        method = "get",
        operation_id = "listPlatformCertificates"
    )]
    async fn list(
        &self,
        Data(operations): Data<&Operations>,
    ) -> Result<Json<PlatformCertificateList>, Problem> {
        let found = operations.platform_certificates().await?;
        Ok(Json(PlatformCertificateList {
            object: String::from("list"),
            data: found.into_iter().map(Into::into).collect(),
            has_more: false,
        }))
    }
}

impl From<PlatformCertificate> for PlatformCertificateObject {
    fn from(one: PlatformCertificate) -> Self {
        Self {
            object: String::from("platform_certificate"),
            serial: one.serial,
            certificate: one.certificate_pem,
            public_key: one.public_key_pem,
            signs_from: one.signs_from.to_rfc3339(),
            expires_at: one.expires_at.to_rfc3339(),
        }
    }
}
