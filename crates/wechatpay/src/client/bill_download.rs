//! Downloads: a bill's parts one after the other, piece by piece, in bounded memory and with bounded silence.
//!
//! A download is not repeated here: its location is good for five minutes, so ask for the bill anew.

use std::collections::VecDeque;
use std::fmt;
use std::time::Instant;

use bytes::Bytes;
use reqwest::header::ACCEPT;
use reqwest::{Method, Response, Url};
use url::Position;
use zeroize::Zeroizing;

use crate::v3::bills::content::MOST_PIECE_BYTES;
use crate::v3::bills::{
    BillParseError, Compression, ContentDecoder, ContentError, Unverified, VerifiedContent,
};
use crate::v3::{InvalidRequest, request::Problem};

use super::bills::{Bill, BillPart, Seal};
use super::call::log_try;
use super::codes::{Certainty, Repeat, Verdict};
use super::transport::RawAnswer;
use super::{Actor, CallError, CallErrorKind, CallTrace, Client, TransportError};

/// A bill on its way; [`next`](Self::next) takes it and gives it back until its end.
#[must_use]
pub struct BillDownload {
    client: Client,
    parts: VecDeque<BillPart>,
    compression: Compression,
    mchid: String,
    open: Option<Box<OpenPart>>,
    proven: VerifiedContent,
    /// What the parts to come may still have in content.
    most_bytes: u64,
}

struct OpenPart {
    response: Response,
    decoder: ContentDecoder,
    /// Bytes that came and were not decoded yet.
    pending: Bytes,
    trace: CallTrace,
}

/// What a download gives next.
#[derive(Debug)]
pub enum BillStep {
    /// Content that is not proven yet, and the download that goes on.
    Content(Unverified, BillDownload),
    /// The end: all content that came before is proven.
    End(VerifiedContent),
}

/// Why a bill was not downloaded or read. A download changes nothing at WeChat, so no outcome is ever unknown.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BillError {
    /// The file did not come, or broke off.
    #[error("downloading the bill")]
    Call(#[source] CallError),
    /// The file came and is not what was announced.
    #[error("opening the bill")]
    Content(#[source] ContentError),
    /// The content is proven, or not yet, and cannot be read as a bill.
    #[error("reading the bill")]
    Parse(#[source] BillParseError),
}

impl From<BillParseError> for BillError {
    fn from(error: BillParseError) -> Self {
        Self::Parse(error)
    }
}

impl BillError {
    /// Tells whether asking for the bill anew and downloading it may help.
    pub fn retryable(&self) -> bool {
        match self {
            Self::Call(error) => error.retryable(),
            Self::Content(error) => content_verdict(*error).repeat == Repeat::SameRequest,
            // A day's bill does not change: what cannot be read today cannot be read tomorrow.
            Self::Parse(_) => false,
        }
    }

    /// Tells whether something may have changed at WeChat: reading changes nothing.
    pub fn outcome_unknown(&self) -> bool {
        false
    }

    /// Names who must act before a download can succeed.
    pub fn who_must_act(&self) -> Actor {
        match self {
            Self::Call(error) => error.who_must_act(),
            Self::Content(error) => content_verdict(*error).actor,
            Self::Parse(_) => Actor::Platform,
        }
    }
}

fn content_verdict(error: ContentError) -> Verdict {
    let (repeat, actor) = match error {
        // A file that was cut or altered on its way comes whole the next time.
        ContentError::Gzip | ContentError::Decrypt(_) | ContentError::Hash => {
            (Repeat::SameRequest, Actor::Nobody)
        }
        // The key was wrapped for a certificate whose private key this is not.
        ContentError::Key => (Repeat::No, Actor::Provider),
        ContentError::HashType | ContentError::Nonce | ContentError::TooLarge(_) => {
            (Repeat::No, Actor::Platform)
        }
    };
    Verdict::new(Certainty::Definite, repeat, actor)
}

impl Client {
    /// Begins to download a bill whose content may have `most_content_bytes`; the first step connects.
    pub fn download_bill(&self, bill: Bill, most_content_bytes: u64) -> BillDownload {
        BillDownload {
            client: self.clone(),
            parts: bill.parts.into(),
            compression: bill.compression,
            mchid: bill.mchid,
            open: None,
            proven: VerifiedContent::nothing(),
            most_bytes: most_content_bytes,
        }
    }

    /// Sends the signed request for a file. Files are not signed: the status must be 200, and the hash must match.
    async fn open_file(&self, url: &str, mchid: &str) -> Result<(Response, CallTrace), CallError> {
        let started = Instant::now();
        let mut trace = CallTrace {
            method: Method::GET.to_string(),
            ..CallTrace::default()
        };
        let outcome = self.request_file(url, mchid, &mut trace).await;
        trace.duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        log_try(&trace, outcome.as_ref().err());
        match outcome {
            Ok(response) => Ok((response, trace)),
            Err(kind) => Err(CallError::new(kind, trace, false)),
        }
    }

    async fn request_file(
        &self,
        url: &str,
        mchid: &str,
        trace: &mut CallTrace,
    ) -> Result<Response, CallErrorKind> {
        if mchid != self.0.merchant.mchid {
            return Err(CallErrorKind::Invalid(InvalidRequest {
                field: "/mchid",
                problem: Problem::DiffersFrom("the merchant that asked for the bill"),
            }));
        }
        let url = self.file_url(url)?;
        url.path().clone_into(&mut trace.path);
        url[Position::BeforeHost..Position::AfterPort].clone_into(&mut trace.host);
        trace.tries = 1;
        let request = self.0.transport.download(url.clone()).header(ACCEPT, "*/*");
        let request = self.authorise(request, &Method::GET, &url, b"")?;
        let sent = request.send().await.map_err(TransportError::from_send);
        let response = sent.map_err(CallErrorKind::Transport)?;
        let status = response.status().as_u16();
        trace.http_status = Some(status);
        let request_id = response.headers().get("Request-ID");
        trace.request_id = request_id
            .and_then(|id| id.to_str().ok())
            .map(ToOwned::to_owned);
        match status {
            200 => Ok(response),
            201..=299 => Err(CallErrorKind::Undecodable("a file comes with status 200")),
            _ => {
                let answer = RawAnswer::read(response).await;
                let answer = answer.map_err(CallErrorKind::Transport)?;
                Err(CallErrorKind::from_status(status, &answer.body))
            }
        }
    }

    /// The location came in a signed answer; still it may not lead from HTTPS to something weaker.
    fn file_url(&self, url: &str) -> Result<Url, CallErrorKind> {
        let url = Url::parse(url)
            .map_err(|_| CallErrorKind::Undecodable("the bill's location is no URL"))?;
        let safe = url.scheme() == "https" || url.scheme() == self.0.hosts.main.scheme();
        if !safe || !url.username().is_empty() || url.password().is_some() {
            return Err(CallErrorKind::Undecodable("the bill's location is unsafe"));
        }
        Ok(url)
    }
}

impl BillDownload {
    /// Takes the next step. After an error the download is gone, and nothing of its content may be used.
    pub async fn next(mut self) -> Result<BillStep, BillError> {
        // Each turn consumes bytes that came or a part, so the size limit bounds it.
        loop {
            let Some(open) = &mut self.open else {
                match self.parts.pop_front() {
                    Some(part) => self.open = Some(Box::new(self.open_part(part).await?)),
                    None => return Ok(BillStep::End(self.proven)),
                }
                continue;
            };
            let content = match open.decode_next().await? {
                Some(content) => content,
                None => self.end_part()?,
            };
            if !content.unverified_bytes().is_empty() {
                return Ok(BillStep::Content(content, self));
            }
        }
    }

    async fn open_part(&self, part: BillPart) -> Result<OpenPart, BillError> {
        let decoder = self.decoder(&part).map_err(BillError::Content)?;
        let opened = self.client.open_file(&part.file.download_url, &self.mchid);
        let (response, trace) = opened.await.map_err(BillError::Call)?;
        Ok(OpenPart {
            response,
            decoder,
            pending: Bytes::new(),
            trace,
        })
    }

    fn decoder(&self, part: &BillPart) -> Result<ContentDecoder, ContentError> {
        let file = &part.file;
        let (hash_type, hash_value) = (&file.hash_type, &file.hash_value);
        let decoder =
            ContentDecoder::new(hash_type, hash_value, self.compression, self.most_bytes)?;
        let Some(Seal { encrypt_key, nonce }) = &part.seal else {
            return Ok(decoder);
        };
        let key = self.client.decrypt_sensitive(encrypt_key);
        let key = Zeroizing::new(key.map_err(|_| ContentError::Key)?);
        decoder.decrypting(&key, nonce)
    }

    /// Proves the open part; the next one may have what is left of the limit.
    fn end_part(&mut self) -> Result<Unverified, BillError> {
        let Some(open) = self.open.take() else {
            return Ok(Unverified::nothing());
        };
        let (content, proof) = open.decoder.finish().map_err(BillError::Content)?;
        self.most_bytes = self.most_bytes.saturating_sub(proof.content_bytes());
        self.proven.extend(&proof);
        Ok(content)
    }
}

impl OpenPart {
    /// Decodes the next piece, reading more when there is none; `None` at the end of the file.
    async fn decode_next(&mut self) -> Result<Option<Unverified>, BillError> {
        if self.pending.is_empty() {
            match self.response.chunk().await {
                Ok(Some(bytes)) => self.pending = bytes,
                Ok(None) => return Ok(None),
                Err(error) => return Err(self.broken(error)),
            }
        }
        let length = self.pending.len().min(MOST_PIECE_BYTES);
        let piece = self.pending.split_to(length);
        let content = self.decoder.push(&piece).map_err(BillError::Content)?;
        Ok(Some(content))
    }

    fn broken(&mut self, error: reqwest::Error) -> BillError {
        let kind = CallErrorKind::Transport(TransportError::from_send(error));
        let trace = std::mem::take(&mut self.trace);
        BillError::Call(CallError::new(kind, trace, false))
    }
}

impl fmt::Debug for BillDownload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BillDownload")
            .field("parts_to_come", &self.parts.len())
            .field("open", &self.open.is_some())
            .finish_non_exhaustive()
    }
}
