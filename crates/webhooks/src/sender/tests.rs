//! Attempts against a raw TCP server that misbehaves on purpose.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::*;
use crate::signature::{SignedHeaders, verify};

const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// What the server does once it has read a request.
#[derive(Clone, Debug)]
enum Act {
    /// Writes these bytes and keeps the connection for the next request.
    Answer(String),
    /// Writes these bytes and closes.
    AnswerAndClose(String),
    /// Writes the first, then the second without end.
    Endless(String, String),
    /// Writes these bytes, then nothing more while the connection stays open.
    Stall(String),
    /// Answers the first request of each connection with these bytes, and hangs up on the second.
    AnswerOnce(String),
    /// Closes with a reset.
    Reset,
}

struct Receiver {
    address: SocketAddr,
    requests: mpsc::UnboundedReceiver<(SocketAddr, String)>,
}

impl Receiver {
    async fn start(act: Act) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (seen, requests) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, peer)) = listener.accept().await {
                tokio::spawn(serve(stream, peer, act.clone(), seen.clone()));
            }
        });
        Self { address, requests }
    }

    async fn answering(status: &str, headers: &str) -> Self {
        Self::start(Act::Answer(format!(
            "HTTP/1.1 {status}\r\n{headers}content-length: 0\r\n\r\n"
        )))
        .await
    }

    fn delivery(&self) -> Delivery {
        delivery(&format!("http://{}/hook?a=1", self.address))
    }
}

async fn serve(
    mut stream: TcpStream,
    peer: SocketAddr,
    act: Act,
    seen: mpsc::UnboundedSender<(SocketAddr, String)>,
) -> io::Result<()> {
    let mut count = 0;
    while let Some(request) = read_request(&mut stream).await? {
        let _ = seen.send((peer, request));
        count += 1;
        match &act {
            Act::AnswerAndClose(bytes) => return stream.write_all(bytes.as_bytes()).await,
            Act::Endless(head, rest) => {
                stream.write_all(head.as_bytes()).await?;
                loop {
                    stream.write_all(rest.as_bytes()).await?;
                    tokio::task::yield_now().await;
                }
            }
            Act::Stall(bytes) => {
                stream.write_all(bytes.as_bytes()).await?;
                std::future::pending::<()>().await;
            }
            Act::AnswerOnce(_) if count > 1 => return Ok(()),
            Act::Answer(bytes) | Act::AnswerOnce(bytes) => {
                stream.write_all(bytes.as_bytes()).await?;
            }
            Act::Reset => return stream.set_zero_linger(),
        }
    }
    Ok(())
}

/// Reads one request whose body length is declared.
async fn read_request(stream: &mut TcpStream) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = header(head, "content-length")
                .unwrap_or("0")
                .parse()
                .unwrap();
            if body.len() >= length {
                return Ok(Some(text));
            }
        }
        let mut chunk = [0; 4096];
        let count = stream.read(&mut chunk).await?;
        if count == 0 {
            return Ok(None);
        }
        bytes.extend(&chunk[..count]);
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines()
        .find_map(|line| line.split_once(": ").filter(|(key, _)| *key == name))
        .map(|x| x.1)
}

fn delivery(url: &str) -> Delivery {
    Delivery {
        url: url.to_owned(),
        event_id: "evt_01JZ8Q0V3M4N5P6Q7R8S9T0ABC".to_owned(),
        event_type: "order.paid".to_owned(),
        attempt: 3,
        delivery_id: "dlv_1".to_owned(),
        endpoint_id: "ep_1".to_owned(),
        replay: false,
        livemode: true,
        body: Bytes::from_static(br#"{"a":"b"}"#),
        secrets: vec![Secret::parse(SECRET).unwrap()],
        timestamp: 1_760_000_000,
        headers: CustomHeaders::default(),
        timeout_ms: None,
    }
}

fn config() -> SenderConfig {
    let policy = AddressPolicy {
        allow_loopback: true,
        ..Default::default()
    };
    SenderConfig {
        policy,
        ..Default::default()
    }
}

/// A sender whose deadline is near enough to be waited for.
fn impatient() -> Sender {
    Sender::new(SenderConfig {
        total_timeout_ms: 700,
        ..config()
    })
    .unwrap()
}

fn sender() -> Sender {
    Sender::new(config()).unwrap()
}

fn failed(class: ErrorClass) -> Outcome {
    Outcome::Failed { class }
}

#[tokio::test]
async fn a_delivery_is_posted_as_specified_and_its_signature_verifies() {
    let mut receiver = Receiver::start(Act::Answer(OK.to_owned())).await;
    let attempt = sender().send(&receiver.delivery()).await;
    assert_eq!(attempt.outcome, Outcome::Delivered);
    assert_eq!((attempt.status, attempt.error_class), (Some(200), None));
    assert_eq!(attempt.response_body, "ok");
    assert_eq!(attempt.response_headers, "content-length: 2\n");
    assert_eq!(attempt.remote_ip.unwrap().to_string(), "127.0.0.1");
    assert!(attempt.first_byte_ms.is_some() && attempt.dns_ms.is_none());

    let (_, request) = receiver.requests.recv().await.unwrap();
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /hook?a=1 HTTP/1.1\r\n"));
    assert_eq!(body, r#"{"a":"b"}"#);
    for (name, value) in [
        ("content-type", "application/json"),
        ("webhook-event-type", "order.paid"),
        ("webhook-attempt", "3"),
        ("webhook-delivery-id", "dlv_1"),
        ("webhook-endpoint-id", "ep_1"),
        ("webhook-replay", "0"),
        ("webhook-livemode", "1"),
        ("user-agent", "Tributary-Webhooks/0.1.0"),
    ] {
        assert_eq!(header(head, name), Some(value), "{name}");
    }
    for absent in ["accept-encoding", "cookie", "referer", "expect"] {
        assert_eq!(header(head, absent), None, "{absent}");
    }
    let headers = SignedHeaders {
        id: header(head, "webhook-id").unwrap(),
        timestamp: header(head, "webhook-timestamp").unwrap(),
        signature: header(head, "webhook-signature").unwrap(),
    };
    let secrets = [Secret::parse(SECRET).unwrap()];
    assert_eq!(
        verify(&secrets, &headers, body.as_bytes(), 1_760_000_000, 300),
        Ok(())
    );
}

#[tokio::test]
async fn connections_are_reused() {
    let mut receiver = Receiver::start(Act::Answer(OK.to_owned())).await;
    let sender = sender();
    for _ in 0..3 {
        assert_eq!(
            sender.send(&receiver.delivery()).await.outcome,
            Outcome::Delivered
        );
    }
    let (first, _) = receiver.requests.recv().await.unwrap();
    let (second, _) = receiver.requests.recv().await.unwrap();
    assert_eq!(first, second);
}

#[tokio::test]
async fn a_kept_connection_that_breaks_is_replaced_once() {
    let mut receiver = Receiver::start(Act::AnswerOnce(OK.to_owned())).await;
    let sender = sender();
    for _ in 0..2 {
        let attempt = sender.send(&receiver.delivery()).await;
        assert_eq!(attempt.outcome, Outcome::Delivered);
    }
    let mut peers = Vec::new();
    while let Ok((peer, _)) = receiver.requests.try_recv() {
        peers.push(peer);
    }
    assert_eq!(peers.len(), 3);
    assert!(peers[0] == peers[1] && peers[1] != peers[2]);
}

#[tokio::test]
async fn a_tenants_headers_are_sent_and_masked_in_the_log() {
    let mut receiver = Receiver::start(Act::Answer(OK.to_owned())).await;
    let mut delivery = receiver.delivery();
    delivery
        .headers
        .add("Authorization", "Bearer s3cr3t")
        .unwrap();
    let attempt = sender().send(&delivery).await;
    let (_, request) = receiver.requests.recv().await.unwrap();
    assert_eq!(header(&request, "authorization"), Some("Bearer s3cr3t"));
    let log = &attempt.request_headers;
    assert_eq!(header(log, "authorization"), Some("***"));
    let signature = header(&request, "webhook-signature");
    assert!(signature.is_some() && header(log, "webhook-signature") == signature);
    assert_eq!(header(log, "user-agent"), header(&request, "user-agent"));
    assert!(!format!("{delivery:?}{attempt:?}").contains("s3cr3t"));
}

#[tokio::test]
async fn an_endpoints_own_time_limit_replaces_the_usual_one() {
    let receiver = Receiver::start(Act::Stall(String::new())).await;
    let delivery = Delivery {
        timeout_ms: Some(50),
        ..receiver.delivery()
    };
    let attempt = sender().send(&delivery).await;
    assert_eq!(attempt.outcome, failed(ErrorClass::TimeoutHeaders));
    assert!((50..15_000).contains(&attempt.duration_ms));
}

#[tokio::test]
async fn our_own_addresses_are_never_sent_to() {
    let config = SenderConfig {
        source_addresses: vec!["1.1.1.0/24".parse().unwrap()],
        ..SenderConfig::default()
    };
    let sender = Sender::with_lookup(config, answering_lookup(&["1.1.1.7"])).unwrap();
    assert_eq!(sender.source_addresses(), ["1.1.1.0/24"]);
    let attempt = sender.send(&delivery("https://shop.example.com/")).await;
    assert_eq!(attempt.outcome, failed(ErrorClass::BlockedAddress));
}

#[tokio::test]
async fn a_redirect_is_a_failure_and_is_not_followed() {
    let target = Receiver::start(Act::Answer(OK.to_owned())).await;
    let location = format!("location: http://{}/\r\n", target.address);
    for status in [
        "301 Moved",
        "302 Found",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        let receiver = Receiver::answering(status, &location).await;
        let attempt = sender().send(&receiver.delivery()).await;
        assert_eq!(attempt.outcome, failed(ErrorClass::Redirect), "{status}");
        assert!(
            attempt
                .response_headers
                .contains(&target.address.to_string())
        );
    }
    let mut target = target;
    assert!(target.requests.try_recv().is_err());
}

#[tokio::test]
async fn statuses_become_outcomes() {
    for (status, headers, outcome) in [
        ("204 No Content", "", Outcome::Delivered),
        ("410 Gone", "", Outcome::Gone),
        ("413 Too Large", "", Outcome::TooLarge),
        ("404 Not Found", "", failed(ErrorClass::Status4xx)),
        ("500 Oops", "", failed(ErrorClass::Status5xx)),
        (
            "429 Slow Down",
            "",
            Outcome::Overloaded {
                retry_after_ms: None,
            },
        ),
        (
            "503 Busy",
            "retry-after: 120\r\n",
            Outcome::Overloaded {
                retry_after_ms: Some(120_000),
            },
        ),
        (
            // Fifty seconds after the attempt's own timestamp.
            "503 Busy",
            "retry-after: Thu, 09 Oct 2025 08:54:10 GMT\r\n",
            Outcome::Overloaded {
                retry_after_ms: Some(50_000),
            },
        ),
        (
            "503 Busy",
            "retry-after: Wed, 08 Oct 2025 08:54:10 GMT\r\n",
            Outcome::Overloaded {
                retry_after_ms: Some(0),
            },
        ),
        (
            "503 Busy",
            "retry-after: soon\r\n",
            Outcome::Overloaded {
                retry_after_ms: None,
            },
        ),
        (
            "400 Bad",
            "webhook-delivery: abort-message\r\n",
            Outcome::Aborted,
        ),
        (
            "400 Bad",
            "webhook-delivery: disable\r\n",
            Outcome::Disabled,
        ),
    ] {
        let receiver = Receiver::answering(status, headers).await;
        let attempt = sender().send(&receiver.delivery()).await;
        assert_eq!(attempt.outcome, outcome, "{status} {headers}");
    }
}

#[tokio::test]
async fn a_success_counts_although_its_body_stalls() {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\npart";
    let receiver = Receiver::start(Act::Stall(head.to_owned())).await;
    let attempt = impatient().send(&receiver.delivery()).await;
    assert_eq!(attempt.outcome, Outcome::Delivered);
    assert_eq!(attempt.response_body, "part");
    assert!(attempt.duration_ms >= 700);
}

#[tokio::test]
async fn a_success_counts_although_its_body_breaks_off() {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\npart";
    let receiver = Receiver::start(Act::AnswerAndClose(head.to_owned())).await;
    let attempt = sender().send(&receiver.delivery()).await;
    assert_eq!(attempt.outcome, Outcome::Delivered);
    assert_eq!(attempt.response_body, "part");
}

#[tokio::test]
async fn a_failing_body_that_stalls_ends_at_the_deadline() {
    let head = "HTTP/1.1 500 Oops\r\ncontent-length: 100\r\n\r\npart";
    let receiver = Receiver::start(Act::Stall(head.to_owned())).await;
    let attempt = impatient().send(&receiver.delivery()).await;
    assert_eq!(attempt.outcome, failed(ErrorClass::TimeoutBody));
    assert_eq!(attempt.status, Some(500));
}

#[tokio::test]
async fn a_slow_response_head_ends_at_the_deadline() {
    for beginning in ["", "HTTP/1.1 200 OK\r\nx-slow: "] {
        let receiver = Receiver::start(Act::Stall(beginning.to_owned())).await;
        let attempt = impatient().send(&receiver.delivery()).await;
        assert_eq!(
            attempt.outcome,
            failed(ErrorClass::TimeoutHeaders),
            "{beginning}"
        );
        assert_eq!((attempt.status, attempt.first_byte_ms), (None, None));
    }
}

#[tokio::test]
async fn an_endless_body_is_cut_and_only_its_beginning_is_kept() {
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_owned();
    let chunk = format!("1000\r\n{}\r\n", "x".repeat(0x1000));
    let receiver = Receiver::start(Act::Endless(head, chunk)).await;
    let attempt = sender().send(&receiver.delivery()).await;
    assert_eq!(attempt.outcome, Outcome::Delivered);
    assert_eq!(attempt.response_body.len(), 4 * 1024);
}

#[tokio::test]
async fn a_huge_failing_body_keeps_its_status() {
    let head = "HTTP/1.1 500 Oops\r\ncontent-length: 100000000\r\n\r\n".to_owned();
    let receiver = Receiver::start(Act::Endless(head, "y".repeat(1000))).await;
    let attempt = sender().send(&receiver.delivery()).await;
    assert_eq!(attempt.outcome, failed(ErrorClass::Status5xx));
    assert_eq!(attempt.response_body.len(), 4 * 1024);
}

#[tokio::test]
async fn endless_headers_are_refused() {
    for line in ["x-a: b\r\n".to_owned(), "x".repeat(4096)] {
        let receiver = Receiver::start(Act::Endless("HTTP/1.1 200 OK\r\n".to_owned(), line)).await;
        let attempt = sender().send(&receiver.delivery()).await;
        assert_eq!(attempt.outcome, failed(ErrorClass::TooLarge));
    }
}

#[tokio::test]
async fn a_failing_response_with_a_large_head_is_too_large_and_its_log_is_short() {
    let headers = format!("x-large: {}\r\n", "z".repeat(40_000));
    let receiver = Receiver::answering("500 Oops", &headers).await;
    let attempt = sender().send(&receiver.delivery()).await;
    assert_eq!(attempt.outcome, failed(ErrorClass::TooLarge));
    assert!(attempt.response_headers.len() <= 4 * 1024);
}

#[tokio::test]
async fn a_compressed_body_is_not_unpacked() {
    let head = "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\n\x1fgzi";
    let receiver = Receiver::start(Act::Answer(head.to_owned())).await;
    let attempt = sender().send(&receiver.delivery()).await;
    assert_eq!(
        (attempt.outcome, attempt.response_body.as_ref()),
        (Outcome::Delivered, b"\x1fgzi".as_slice())
    );
}

#[tokio::test]
async fn a_broken_connection_is_a_reset() {
    let garbage = Act::AnswerAndClose("SSH-2.0-OpenSSH_9.2\r\n".to_owned());
    for act in [Act::Reset, Act::AnswerAndClose(String::new()), garbage] {
        let receiver = Receiver::start(act.clone()).await;
        let attempt = sender().send(&receiver.delivery()).await;
        assert_eq!(attempt.outcome, failed(ErrorClass::Reset), "{act:?}");
    }
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_connect_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let attempt = sender().send(&delivery(&url)).await;
    assert_eq!(attempt.outcome, failed(ErrorClass::ConnectRefused));
}

#[tokio::test]
async fn plain_text_where_tls_is_expected_is_a_tls_error() {
    let receiver = Receiver::start(Act::Reset).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream
            .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .await
            .unwrap();
        stream.flush().await.unwrap();
        let mut sink = Vec::new();
        let _ = stream.read_to_end(&mut sink).await;
    });
    let attempt = sender().send(&delivery(&url)).await;
    assert_eq!(attempt.outcome, failed(ErrorClass::TlsError));
    drop(receiver);
}

#[tokio::test]
async fn an_ip_literal_is_checked_at_send_although_no_resolver_sees_it() {
    let mut receiver = Receiver::start(Act::Answer(OK.to_owned())).await;
    let strict = Sender::new(SenderConfig::default()).unwrap();
    for url in [
        format!("https://{}/", receiver.address),
        format!("http://{}/", receiver.address),
        format!("https://2130706433:{}/", receiver.address.port()),
        format!("https://[::ffff:127.0.0.1]:{}/", receiver.address.port()),
    ] {
        let attempt = strict.send(&delivery(&url)).await;
        assert_eq!(attempt.outcome, failed(ErrorClass::BlockedAddress), "{url}");
    }
    assert!(receiver.requests.try_recv().is_err());
}

fn answering_lookup(addresses: &'static [&'static str]) -> Lookup {
    Arc::new(move |_| {
        let found = addresses.iter().map(|text| text.parse().unwrap()).collect();
        Box::pin(std::future::ready(Ok(found)))
    })
}

#[tokio::test]
async fn a_name_that_leads_inside_is_blocked_at_send() {
    for addresses in [
        &["127.0.0.1"][..],
        &["1.1.1.1", "10.0.0.1"],
        &["::1"],
        &["100.100.100.200"],
    ] {
        let lookup = answering_lookup(addresses);
        let strict = Sender::with_lookup(SenderConfig::default(), lookup).unwrap();
        let attempt = strict.send(&delivery("https://rebind.example.com/")).await;
        assert_eq!(
            attempt.outcome,
            failed(ErrorClass::BlockedAddress),
            "{addresses:?}"
        );
        assert!(attempt.dns_ms.is_some());
    }
}

#[tokio::test]
async fn a_name_is_looked_up_once_and_the_vetted_address_is_used() {
    let mut receiver = Receiver::start(Act::Answer(OK.to_owned())).await;
    let sender = Sender::with_lookup(config(), answering_lookup(&["127.0.0.1"])).unwrap();
    let url = format!("http://localhost:{}/", receiver.address.port());
    let attempt = sender.send(&delivery(&url)).await;
    assert_eq!(attempt.outcome, Outcome::Delivered);
    assert!(attempt.dns_ms.is_some());
    let (_, request) = receiver.requests.recv().await.unwrap();
    let host = format!("localhost:{}", receiver.address.port());
    assert_eq!(header(&request, "host"), Some(host.as_str()));
}

#[tokio::test]
async fn failing_and_hanging_lookups_have_their_own_classes() {
    let failing: Lookup = Arc::new(|_| Box::pin(async { Err(io::Error::other("no such host")) }));
    let hanging: Lookup = Arc::new(|_| Box::pin(std::future::pending()));
    let quick = SenderConfig {
        dns_timeout_ms: 20,
        ..config()
    };
    for (lookup, class) in [
        (failing, ErrorClass::DnsError),
        (hanging, ErrorClass::DnsTimeout),
    ] {
        let sender = Sender::with_lookup(quick.clone(), lookup).unwrap();
        let attempt = sender.send(&delivery("https://shop.example.com/")).await;
        assert_eq!(attempt.outcome, failed(class));
    }
}

#[tokio::test]
async fn nothing_is_sent_unsigned() {
    let mut receiver = Receiver::start(Act::Answer(OK.to_owned())).await;
    let unsigned = Delivery {
        secrets: Vec::new(),
        ..receiver.delivery()
    };
    let attempt = sender().send(&unsigned).await;
    assert_eq!(attempt.outcome, failed(ErrorClass::Internal));
    assert!(receiver.requests.try_recv().is_err());
}

#[tokio::test]
async fn an_id_that_would_confuse_the_signed_bytes_is_never_sent() {
    let mut receiver = Receiver::start(Act::Answer(OK.to_owned())).await;
    for event_id in ["evt_1.2", "evt\n1"] {
        let delivery = Delivery {
            event_id: event_id.to_owned(),
            ..receiver.delivery()
        };
        let attempt = sender().send(&delivery).await;
        assert_eq!(attempt.outcome, failed(ErrorClass::Internal));
    }
    assert!(receiver.requests.try_recv().is_err());
}

/// A server with a certificate of its own; what it is told is the versions that it speaks.
async fn secure_receiver(
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> (SocketAddr, CertificateDer<'static>) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let certificate = made.cert.der().clone();
    let key = made.signing_key.serialize_der().try_into().unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut stream = acceptor.accept(stream).await?;
                let mut request = [0; 4096];
                while stream.read(&mut request).await? > 0 {
                    stream.write_all(OK.as_bytes()).await?;
                }
                io::Result::Ok(())
            });
        }
    });
    (address, certificate)
}

#[tokio::test]
async fn every_step_of_a_connection_is_measured_and_its_tls_named() {
    for (version, name) in [
        (&rustls::version::TLS12, "1.2"),
        (&rustls::version::TLS13, "1.3"),
    ] {
        let (address, root) = secure_receiver(&[version]).await;
        let lookup = answering_lookup(&["127.0.0.1"]);
        let sender = Sender::trusting(config(), lookup.clone(), &[root]).unwrap();
        let url = format!("https://localhost:{}/", address.port());
        let first = sender.send(&delivery(&url)).await;
        assert_eq!(first.outcome, Outcome::Delivered, "{name}");
        assert_eq!(first.tls_version, Some(name));
        let steps = [
            first.dns_ms,
            first.connect_ms,
            first.tls_ms,
            first.first_byte_ms,
        ];
        assert!(steps.iter().all(Option::is_some), "{steps:?}");
        let sum: u64 = [first.dns_ms, first.connect_ms, first.tls_ms]
            .into_iter()
            .flatten()
            .sum();
        assert!(
            sum <= first.first_byte_ms.unwrap()
                && first.first_byte_ms.unwrap() <= first.duration_ms
        );
        let kept = sender.send(&delivery(&url)).await;
        assert_eq!(
            (kept.connect_ms, kept.tls_ms, kept.tls_version),
            (None, None, None)
        );
        // Without the root the same certificate is nobody's.
        let strict = Sender::with_lookup(config(), lookup).unwrap();
        let attempt = strict.send(&delivery(&url)).await;
        assert_eq!(attempt.outcome, failed(ErrorClass::TlsError));
    }
}

#[tokio::test]
async fn a_handshake_that_hangs_ends_at_its_own_limit() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    let hasty = SenderConfig {
        tls_timeout_ms: 30,
        ..config()
    };
    let attempt = Sender::new(hasty).unwrap().send(&delivery(&url)).await;
    assert_eq!(attempt.outcome, failed(ErrorClass::ConnectTimeout));
    assert!(attempt.connect_ms.is_some() && attempt.tls_ms.is_none());
    assert!(attempt.duration_ms < 3_000);
    drop(listener);
}
