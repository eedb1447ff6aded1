//! A tenant's program that signs its requests as a WeChat Pay library does, and verifies the answers.

use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256};
use reqwest::Method;
use serde_json::Value;
use tributary_domain::clock::Timestamp;
use tributary_domain::credential::TenantCertificate;
use tributary_domain::ids::TenantId;
use tributary_domain::staff::Actor;
use tributary_domain::tenant::{Mode, Scope};
use tributary_operations::Operations;
use tributary_operations::credentials::CertificateWish;
use wechatpay::credentials::{Certificate, KeyRing, Merchant, PrivateKey, generate_pem};
use wechatpay::v3::signature::authorization_header;
use wechatpay::v3::verification::{SignatureHeaders, VerifyError, verify};

use crate::{Answer, Api};

/// A key pair with the certificate that the platform issued for it.
#[derive(Clone, Debug)]
pub struct Signer {
    /// Who signs.
    pub merchant: Merchant,
    /// What the platform keeps.
    pub certificate: TenantCertificate,
    api: Api,
}

/// One request before it is signed.
#[derive(Clone, Copy, Debug)]
pub struct Unsigned<'a> {
    /// The method.
    pub method: &'a str,
    /// The path with its query.
    pub path: &'a str,
    /// The body; empty for none.
    pub body: &'a [u8],
    /// When it is signed.
    pub at: Timestamp,
}

/// A request for a certificate, PEM, as another implementation writes it.
pub fn certificate_request(private_key_pem: &str) -> String {
    let pair = KeyPair::from_pem_and_sign_algo(private_key_pem, &PKCS_RSA_SHA256);
    let parameters = CertificateParams::new(vec!["shop.example.com".to_owned()]);
    let request = parameters
        .expect("parameters")
        .serialize_request(&pair.expect("a key pair"));
    request.expect("a request").pem().expect("PEM")
}

/// What a certificate of the tests may do: everything, in test mode.
pub fn every_scope() -> CertificateWish {
    CertificateWish {
        mode: Mode::Test,
        name: "the shop's server".to_owned(),
        scopes: Scope::ALL.to_vec(),
        expires_at: None,
    }
}

impl Signer {
    /// Makes a key pair and has a certificate issued for it.
    pub async fn enrol(
        operations: &Operations,
        tenant: &TenantId,
        wish: CertificateWish,
        api_url: &str,
    ) -> Self {
        let (private_key_pem, _) = generate_pem().expect("a key pair");
        let request = certificate_request(&private_key_pem);
        let by = Actor::system("test");
        let certificate = operations
            .issue_certificate(&by, tenant, wish, &request)
            .await
            .expect("a certificate");
        Self::new(&private_key_pem, certificate, api_url)
    }

    /// Takes a key pair and what the platform keeps of it.
    pub fn new(private_key_pem: &str, certificate: TenantCertificate, api_url: &str) -> Self {
        let merchant = Merchant {
            mchid: certificate.tenant_id.to_string(),
            serial: certificate.serial.clone(),
            private_key: PrivateKey::from_pem(private_key_pem).expect("a private key"),
            api_v3_keys: Vec::new(),
        };
        Self {
            merchant,
            certificate,
            api: Api::new(api_url, None),
        }
    }

    /// The value of `Authorization` under a nonce.
    pub fn sign(&self, request: Unsigned<'_>, nonce: &str) -> String {
        let (seconds, body) = (request.at.as_seconds(), request.body);
        authorization_header(
            &self.merchant,
            request.method,
            request.path,
            seconds,
            nonce,
            body,
        )
        .expect("a signature")
    }

    /// Signs a request under a fresh nonce and sends it.
    pub async fn call(&self, request: Unsigned<'_>) -> Answer {
        let authorization = self.sign(request, &wechatpay::random_nonce(32));
        self.send(request, &authorization).await
    }

    /// Sends a request under any `Authorization`.
    pub async fn send(&self, request: Unsigned<'_>, authorization: &str) -> Answer {
        let key = crate::api::fresh_key();
        let mut headers = vec![("authorization", authorization)];
        let method: Method = request.method.parse().expect("a method");
        if method == Method::POST {
            headers.push(("idempotency-key", key.as_str()));
        }
        let body = (!request.body.is_empty()).then(|| request.body.to_vec());
        if body.is_some() {
            headers.push(("content-type", "application/json"));
        }
        self.api.send(method, request.path, &headers, body).await
    }

    /// The keys that the platform shows to anybody.
    pub async fn platform_keys(&self) -> KeyRing {
        let listed = self.api.get("/v1/meta/platform-certificates").await.ok();
        let certificates = listed["data"].as_array().expect("a list").clone();
        assert!(!certificates.is_empty(), "{listed}");
        certificates.iter().fold(KeyRing::new(), |ring, shown| {
            let read = |name: &str| shown[name].as_str().expect("a text").to_owned();
            let certificate = Certificate::from_pem(&read("certificate")).expect("a certificate");
            assert_eq!(certificate.serial, read("serial"));
            ring.with_certificate(certificate)
        })
    }
}

/// Verifies an answer as a WeChat Pay client does.
pub fn check_answer(ring: &KeyRing, answer: &Answer, at: Timestamp) -> Result<(), VerifyError> {
    let headers = SignatureHeaders::from_fn(|name| answer.headers.get(name)?.to_str().ok());
    verify(ring, &headers, answer.text.as_bytes(), at.as_seconds()).map(drop)
}

/// A request without a body.
pub fn get(path: &str, at: Timestamp) -> Unsigned<'_> {
    Unsigned {
        method: "GET",
        path,
        body: b"",
        at,
    }
}

/// A body as a tenant sends it.
pub fn bytes(body: &Value) -> Vec<u8> {
    body.to_string().into_bytes()
}
