//! Signing in, staying signed in, proving one's presence, signing out.

use poem::http::{HeaderValue, StatusCode, header};
use poem::{IntoResponse, Response};
use poem_openapi::param::{Header, Path};
use poem_openapi::registry::{MetaHeader, MetaResponses, Registry};
use poem_openapi::types::Type;
use poem_openapi::{ApiResponse, Object, OpenApi};
use tributary_domain::ids::SessionId;
use tributary_domain::staff_member::StaffSession;
use tributary_operations::Operations;
use tributary_operations::staff::{OpenedSession, Proof, SecondFactor, SignIn};
use zeroize::Zeroizing;

use super::guards::{COOKIE, CSRF_COOKIE, CallOrigin, Cookie, SignedIn};
use super::{Gone, Tag};
use crate::completion::to_completion;
use crate::json::{Json, JsonBody};
use crate::problem::Problem;
use crate::tenant_api::path_id;

/// The operations on one's own sessions.
pub(crate) struct SessionApi;

/// What a person signs in with.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct NewSession {
    /// The person's e-mail address.
    email: String,
    /// The password.
    password: String,
    /// The six digits that the telephone shows; not together with `recovery_code`.
    otp: Option<String>,
    /// A recovery code in place of `otp`; it is good once.
    recovery_code: Option<String>,
}

/// A session.
#[derive(Object)]
struct Session {
    /// Authenticates calls: `Authorization: Bearer …`. Keep it in memory only.
    access_token: String,
    /// For how many seconds.
    expires_in: i64,
    /// Goes into `X-CSRF-Token` where the cookie authenticates.
    csrf_token: String,
    /// Whether the session may only enrol a second factor (`POST /admin/v1/me/totp`).
    second_factor_enrolment_required: bool,
}

/// A proof that it is still you: one of the two.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct StepUp {
    /// The password.
    password: Option<String>,
    /// The six digits that the telephone shows.
    otp: Option<String>,
}

/// An open session of a person.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct OpenSession {
    /// Its id: `ses_…`.
    id: String,
    /// Always `session`.
    object: String,
    /// Whether it is the one that asks.
    current: bool,
    /// Where it was begun.
    ip: Option<String>,
    /// The browser, as it calls itself.
    user_agent: String,
    /// When it was begun (RFC 3339).
    created_at: String,
    /// When it was last renewed (RFC 3339).
    used_at: String,
    /// When it ends whatever happens (RFC 3339).
    expires_at: String,
}

/// Every open session, the newest first.
#[derive(Debug, Object)]
pub(super) struct OpenSessionList {
    /// Always `list`.
    object: String,
    /// The sessions.
    data: Vec<OpenSession>,
    /// Always false: the list is whole.
    has_more: bool,
}

/// A session with its two cookies.
struct SessionAnswer(Json<Session>, [String; 2]);

impl SessionAnswer {
    fn new(opened: &OpenedSession) -> Self {
        let age = opened.renewable_for;
        let cookies = [
            format!(
                "{COOKIE}={}; Path=/; Max-Age={age}; Secure; HttpOnly; SameSite=Lax",
                opened.renewal_token.reveal()
            ),
            format!(
                "{CSRF_COOKIE}={}; Path=/; Max-Age={age}; Secure; SameSite=Strict",
                opened.csrf_token.reveal()
            ),
        ];
        let session = Session {
            access_token: opened.access_token.reveal().to_owned(),
            expires_in: opened.expires_in,
            csrf_token: opened.csrf_token.reveal().to_owned(),
            second_factor_enrolment_required: opened.must_enrol,
        };
        Self(Json(session), cookies)
    }
}

impl IntoResponse for SessionAnswer {
    fn into_response(self) -> Response {
        let mut response = self.0.into_response();
        set_cookies(&mut response, &self.1);
        response
    }
}

impl ApiResponse for SessionAnswer {
    fn meta() -> MetaResponses {
        let mut meta = Json::<Session>::meta();
        for response in &mut meta.responses {
            response.headers.push(MetaHeader {
                name: String::from("Set-Cookie"),
                description: Some(String::from(
                    "`__Host-tributary`, which renews the session, and `__Host-tributary-csrf`, which the page may read.",
                )),
                required: true,
                deprecated: false,
                schema: String::schema_ref(),
            });
        }
        meta
    }

    fn register(registry: &mut Registry) {
        Json::<Session>::register(registry);
    }
}

/// The session is over; its cookies are taken back.
struct SignedOutAnswer;

impl IntoResponse for SignedOutAnswer {
    fn into_response(self) -> Response {
        let mut response = StatusCode::NO_CONTENT.into_response();
        let gone = [COOKIE, CSRF_COOKIE]
            .map(|name| format!("{name}=; Path=/; Max-Age=0; Secure; SameSite=Lax"));
        set_cookies(&mut response, &gone);
        response
    }
}

impl ApiResponse for SignedOutAnswer {
    fn meta() -> MetaResponses {
        Gone::meta()
    }

    fn register(_registry: &mut Registry) {}
}

fn set_cookies(response: &mut Response, cookies: &[String; 2]) {
    for cookie in cookies {
        if let Ok(cookie) = HeaderValue::from_str(cookie) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
}

#[OpenApi(tag = "Tag::Session")]
impl SessionApi {
    /// Sign in
    ///
    /// With the password, and the second factor once there is one: without it the answer is `second_factor_required`.
    /// Which of them is wrong is not told. After five failures the account waits one minute, then two, four, eight,
    /// fifteen; an address tries thirty times a minute at most. A person who needs a second factor and has none gets a
    /// session that may only enrol one.
    #[oai(
        path = "/admin/v1/session",
        method = "post",
        operation_id = "createSession"
    )]
    async fn create_session(
        &self,
        operations: poem::web::Data<&Operations>,
        origin: CallOrigin,
        body: JsonBody<NewSession>,
    ) -> Result<SessionAnswer, Problem> {
        let operations = operations.0.clone();
        let given = body.value.into_sign_in()?;
        let opened = to_completion(async move { operations.sign_in(given, origin.0).await });
        Ok(SessionAnswer::new(&opened.await?))
    }

    /// Renew a session
    ///
    /// Answers the next access token and sets the next cookie. A cookie that was used up and comes again later ends the
    /// session, since two hold it; within a minute it is another tab's.
    #[oai(
        path = "/admin/v1/session/refresh",
        method = "post",
        operation_id = "refreshSession"
    )]
    async fn refresh_session(
        &self,
        cookie: Cookie,
        operations: poem::web::Data<&Operations>,
        origin: CallOrigin,
        /// `csrf_token` of the session, or the value of the cookie `__Host-tributary-csrf`.
        #[oai(name = "X-CSRF-Token")]
        csrf_token: Header<Option<String>>,
    ) -> Result<SessionAnswer, Problem> {
        // The guard has read it: whoever lacks it is refused like a call of another site.
        drop(csrf_token);
        let operations = operations.0.clone();
        let renewed =
            to_completion(async move { operations.renew_session(&cookie.0, &origin.0).await });
        Ok(SessionAnswer::new(&renewed.await?))
    }

    /// Prove that it is still you
    ///
    /// With the password or a code. For the next five minutes this session may change secrets, keys, roles and
    /// endpoint URLs, and ask for large refunds.
    #[oai(
        path = "/admin/v1/session/step-up",
        method = "post",
        operation_id = "stepUpSession"
    )]
    async fn step_up_session(
        &self,
        auth: SignedIn,
        body: JsonBody<StepUp>,
    ) -> Result<Gone, Problem> {
        let call = auth.0;
        let proof = body.value.into_proof()?;
        let proven =
            to_completion(async move { call.operations.step_up(&call.caller, proof).await });
        proven.await?;
        Ok(Gone::Done)
    }

    /// Sign out
    ///
    /// Ends the session of the cookie at once, its access tokens with it.
    #[oai(
        path = "/admin/v1/session",
        method = "delete",
        operation_id = "deleteSession"
    )]
    async fn delete_session(
        &self,
        cookie: Cookie,
        operations: poem::web::Data<&Operations>,
        origin: CallOrigin,
        /// `csrf_token` of the session, or the value of the cookie `__Host-tributary-csrf`.
        #[oai(name = "X-CSRF-Token")]
        csrf_token: Header<Option<String>>,
    ) -> Result<SignedOutAnswer, Problem> {
        drop(csrf_token);
        let operations = operations.0.clone();
        to_completion(async move { operations.sign_out(&cookie.0, &origin.0).await }).await?;
        Ok(SignedOutAnswer)
    }

    /// List your sessions
    ///
    /// Those that are open, the newest first; at most 50.
    #[oai(
        path = "/admin/v1/sessions",
        method = "get",
        operation_id = "listSessions"
    )]
    async fn list_sessions(&self, auth: SignedIn) -> Result<Json<OpenSessionList>, Problem> {
        let call = auth.0;
        let open = call.operations.own_sessions(&call.caller).await?;
        Ok(Json(OpenSessionList::new(open, &call.caller.session_id)))
    }

    /// End one of your sessions
    ///
    /// At once, its access tokens with it.
    #[oai(
        path = "/admin/v1/sessions/:session_id",
        method = "delete",
        operation_id = "endSession"
    )]
    async fn end_session(
        &self,
        auth: SignedIn,
        /// The id of the session.
        session_id: Path<String>,
    ) -> Result<Gone, Problem> {
        let call = auth.0;
        let id: SessionId = path_id(&session_id)?;
        let ended =
            to_completion(async move { call.operations.end_session(&call.caller, &id).await });
        ended.await?;
        Ok(Gone::Done)
    }
}

impl NewSession {
    fn into_sign_in(self) -> Result<SignIn, Problem> {
        let second_factor = match (self.otp, self.recovery_code) {
            (Some(otp), None) => Some(SecondFactor::Otp(otp)),
            (None, Some(code)) => Some(SecondFactor::RecoveryCode(code)),
            (None, None) => None,
            (Some(_), Some(_)) => {
                let rule = "must not be given together with otp";
                return Err(Problem::invalid_field("/recovery_code", rule));
            }
        };
        Ok(SignIn {
            email: self.email,
            password: Zeroizing::new(self.password),
            second_factor,
        })
    }
}

impl StepUp {
    fn into_proof(self) -> Result<Proof, Problem> {
        match (self.password, self.otp) {
            (Some(password), None) => Ok(Proof::Password(Zeroizing::new(password))),
            (None, Some(otp)) => Ok(Proof::Otp(otp)),
            _ => Err(Problem::invalid_field(
                "",
                "must hold either password or otp",
            )),
        }
    }
}

impl OpenSessionList {
    pub(super) fn new(open: Vec<StaffSession>, current: &SessionId) -> Self {
        let data = open.into_iter().map(|session| OpenSession {
            object: String::from("session"),
            current: session.id == *current,
            id: session.id.to_string(),
            ip: session.ip,
            user_agent: session.user_agent,
            created_at: session.created_at.to_rfc3339(),
            used_at: session.used_at.to_rfc3339(),
            expires_at: session.expires_at.to_rfc3339(),
        });
        Self {
            object: String::from("list"),
            data: data.collect(),
            has_more: false,
        }
    }
}
