//! People who manage the platform, as a browser acts for them: they come by invitation, sign in, enrol, call.

use reqwest::Method;
use serde_json::{Value, json};
use tributary_domain::staff::Actor;
use tributary_operations::staff::code_at;

use crate::api::fresh_key;
use crate::{Answer, Api, TestPlatform};

/// What everybody here chooses.
pub const PASSWORD: &str = "a long way to the river";
/// After so long a telephone shows a code that was not used yet.
const CODE_MS: i64 = 31_000;
const JSON: (&str, &str) = ("content-type", "application/json");

/// A person with a browser and, once enrolled, a telephone.
#[derive(Clone, Debug)]
pub struct Person {
    /// `stf_…`.
    pub id: String,
    /// What the person signs in with.
    pub email: String,
    /// The telephone's secret.
    pub totp: Option<String>,
    /// What was shown once when it was enrolled.
    pub recovery_codes: Vec<String>,
    /// Calls with the access token.
    pub api: Api,
    /// The cookie that renews the session.
    pub cookie: String,
    /// What goes beside it.
    pub csrf: String,
}

/// Sends JSON without an idempotency key.
pub async fn send(api: &Api, method: Method, path: &str, body: &Value) -> Answer {
    let body = Some(body.to_string().into_bytes());
    api.send(method, path, &[JSON], body).await
}

/// The value of a cookie that an answer sets.
pub fn cookie_of(answer: &Answer, name: &str) -> Option<String> {
    let set = answer.headers.get_all("set-cookie").iter();
    let mut set = set.filter_map(|line| line.to_str().ok());
    let line = set.find_map(|line| line.strip_prefix(&format!("{name}=")))?;
    line.split(';').next().map(str::to_owned)
}

impl TestPlatform {
    /// Nobody yet, with a browser.
    pub fn browser(&self) -> Api {
        Api::new(&self.platform.api_url(), None)
    }

    /// An owner of the platform who was made on the command line, came, signed in and enrolled.
    pub async fn owner(&self, email: &str) -> Person {
        let by = Actor::system("test");
        let invitation = self
            .platform
            .operations()
            .create_owner(&by, email, "An owner")
            .await
            .expect("an invitation");
        self.come(email, invitation.token.reveal()).await
    }

    /// A person whom `by` invites, who comes, signs in, and enrols where that is asked for.
    pub async fn invited(
        &self,
        by: &Person,
        email: &str,
        roles: &[&str],
        tenant: Option<&str>,
    ) -> Person {
        let mut body = json!({"email": email, "name": "A person", "roles": roles});
        if let Some(tenant) = tenant {
            body["tenant_id"] = json!(tenant);
        }
        let invited = by.api.post("/admin/v1/staff", &body, &fresh_key()).await;
        assert_eq!(invited.status, 201, "{}", invited.text);
        let token = invited.body["invitation_token"].as_str();
        self.come(email, token.expect("a token")).await
    }

    /// Takes an invitation up, signs in, and enrols where that is asked for.
    pub async fn come(&self, email: &str, token: &str) -> Person {
        let taken = json!({"token": token, "password": PASSWORD});
        let path = "/admin/v1/invitations/accept";
        let came = send(&self.browser(), Method::POST, path, &taken).await.ok();
        let shown = json!({"email": email, "password": PASSWORD});
        let signed_in = self.sign_in(&shown);
        let mut person = self.person(came["id"].as_str().expect("an id"), email, signed_in.await);
        let me = person.api.get("/admin/v1/me").await.ok();
        if me["staff"]["second_factor_enrolment_required"] == true {
            self.enrol(&mut person).await;
        }
        person
    }

    /// `POST /admin/v1/session`
    pub async fn sign_in(&self, body: &Value) -> Answer {
        send(&self.browser(), Method::POST, "/admin/v1/session", body).await
    }

    /// The person of a session that was just opened.
    fn person(&self, id: &str, email: &str, opened: Answer) -> Person {
        let cookie = cookie_of(&opened, "__Host-tributary").expect("a cookie");
        let session = opened.ok();
        let token = session["access_token"].as_str().expect("a token");
        Person {
            id: id.to_owned(),
            email: email.to_owned(),
            totp: None,
            recovery_codes: Vec::new(),
            api: Api::new(&self.platform.api_url(), Some(token)),
            cookie,
            csrf: session["csrf_token"].as_str().expect("a token").to_owned(),
        }
    }

    /// Enrols a second factor.
    pub async fn enrol(&self, person: &mut Person) {
        let offered = send(&person.api, Method::POST, "/admin/v1/me/totp", &json!({})).await;
        let secret = offered.ok()["secret"]
            .as_str()
            .expect("a secret")
            .to_owned();
        let code = code_at(&secret, self.now()).expect("a code");
        let path = "/admin/v1/me/totp/confirm";
        let confirmed = send(&person.api, Method::POST, path, &json!({"code": code})).await;
        let codes = confirmed.ok()["recovery_codes"].clone();
        person.recovery_codes = serde_json::from_value(codes).expect("codes");
        person.totp = Some(secret);
    }

    /// A code that was not used yet: time passes until the telephone shows one.
    pub fn code(&self, person: &Person) -> String {
        self.clock.advance_millis(CODE_MS);
        let secret = person.totp.as_deref().expect("a telephone");
        code_at(secret, self.now()).expect("a code")
    }

    /// Signs a person in again, with a new code where there is a telephone.
    pub async fn signed_in_again(&self, person: &Person) -> Person {
        let mut body = json!({"email": person.email, "password": PASSWORD});
        if person.totp.is_some() {
            body["otp"] = json!(self.code(person));
        }
        let opened = self.sign_in(&body).await;
        Person {
            totp: person.totp.clone(),
            recovery_codes: person.recovery_codes.clone(),
            ..self.person(&person.id, &person.email, opened)
        }
    }

    /// Renews a session with a cookie, as one of our pages does.
    pub async fn renew(&self, cookie: &str, csrf: &str) -> Answer {
        let url = self.platform.api_url();
        let cookie = format!("__Host-tributary={cookie}");
        let headers = [
            ("cookie", cookie.as_str()),
            ("origin", url.as_str()),
            ("x-csrf-token", csrf),
        ];
        let path = "/admin/v1/session/refresh";
        self.browser()
            .send(Method::POST, path, &headers, None)
            .await
    }
}
