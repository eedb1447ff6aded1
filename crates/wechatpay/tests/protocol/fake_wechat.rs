//! A server on a port of its own that answers what a test tells it to, and remembers what it was asked.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use reqwest::Url;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use wechatpay::client::{Client, Hosts, Transport, TransportConfig};
use wechatpay::credentials::KeyRing;
use wechatpay::server::sign_answer;

use crate::vectors::{NOW, merchant, platform_key, ring, set_k, text};

/// A request as it came over the wire.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    /// Which connection it came over, from 1.
    pub(crate) connection: usize,
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// What the server does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    Answer {
        status: u16,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    },
    /// Announces more than it sends, then closes the connection or says nothing more.
    Part {
        announced: usize,
        body: Vec<u8>,
        silent: bool,
    },
    /// Closes the connection without an answer.
    HangUp,
    /// Keeps the connection and says nothing.
    Silence,
}

impl Reply {
    pub(crate) fn unsigned(status: u16, body: &str) -> Self {
        Self::Answer {
            status,
            headers: Vec::new(),
            body: body.as_bytes().to_vec(),
        }
    }

    /// Answers with a file.
    pub(crate) fn file(body: Vec<u8>) -> Self {
        Self::Answer {
            status: 200,
            headers: Vec::new(),
            body,
        }
    }

    /// Signs with the platform key of set K under its public-key id.
    pub(crate) fn signed(status: u16, body: &str) -> Self {
        let serial = text(&set_k(), "/keys/platform_public_key_id").to_owned();
        Self::signed_as(&serial, status, body)
    }

    pub(crate) fn signed_as(serial: &str, status: u16, body: &str) -> Self {
        let nonce = "c5ac7061fccab6bf3e254dcf98995b8c";
        let headers = sign_answer(&platform_key(), serial, NOW, nonce, body.as_bytes()).unwrap();
        let headers = headers
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value));
        Self::Answer {
            status,
            headers: headers.collect(),
            body: body.as_bytes().to_vec(),
        }
    }

    /// Adds a header, a second time if it is there already.
    pub(crate) fn and(mut self, name: &str, value: &str) -> Self {
        if let Self::Answer { headers, .. } = &mut self {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// Replaces a header.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        if let Self::Answer { headers, .. } = &mut self {
            headers.retain(|(known, _)| known != name);
        }
        self.and(name, value)
    }
}

/// The server. Its tasks end with the test's runtime.
pub(crate) struct FakeWeChat {
    pub(crate) url: Url,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl FakeWeChat {
    /// Starts a server that answers the n-th request (from 0) with `script(n, request)`.
    pub(crate) async fn start(
        script: impl Fn(usize, &Seen) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap())
            .parse()
            .unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        tokio::spawn(serve(listener, Arc::clone(&seen), Arc::new(script)));
        Self { url, seen }
    }

    /// Starts a server that always says the same.
    pub(crate) async fn always(reply: Reply) -> Self {
        Self::start(move |_, _| reply.clone()).await
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

type Script = Arc<dyn Fn(usize, &Seen) -> Reply + Send + Sync>;

async fn serve(listener: TcpListener, seen: Arc<Mutex<Vec<Seen>>>, script: Script) {
    let mut connection = 0;
    while let Ok((stream, _)) = listener.accept().await {
        connection += 1;
        tokio::spawn(converse(
            stream,
            connection,
            Arc::clone(&seen),
            Arc::clone(&script),
        ));
    }
}

/// Answers request after request until one side has enough.
async fn converse(
    mut stream: TcpStream,
    connection: usize,
    seen: Arc<Mutex<Vec<Seen>>>,
    script: Script,
) {
    while let Some(request) = read_request(&mut stream, connection).await {
        let reply = {
            let mut seen = seen.lock().unwrap();
            seen.push(request.clone());
            script(seen.len() - 1, &request)
        };
        match reply {
            Reply::HangUp => return,
            Reply::Silence => std::future::pending().await,
            Reply::Part {
                announced,
                body,
                silent,
            } => {
                let head = head_of(200, Vec::new(), announced);
                drop(stream.write_all(head.as_bytes()).await);
                drop(stream.write_all(&body).await);
                if !silent {
                    return;
                }
                std::future::pending::<()>().await;
            }
            Reply::Answer {
                status,
                headers,
                body,
            } => {
                let head = head_of(status, headers, body.len());
                // The client may hang up on an answer that is too large.
                drop(stream.write_all(head.as_bytes()).await);
                drop(stream.write_all(&body).await);
            }
        }
    }
}

fn head_of(status: u16, headers: Vec<(String, String)>, length: usize) -> String {
    let mut head = format!("HTTP/1.1 {status} Whatever\r\n");
    if status != 204 {
        write!(head, "Content-Length: {length}\r\n").unwrap();
    }
    for (name, value) in headers {
        write!(head, "{name}: {value}\r\n").unwrap();
    }
    head.push_str("\r\n");
    head
}

async fn read_request(stream: &mut TcpStream, connection: usize) -> Option<Seen> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let mut request = Seen {
        connection,
        method: first.next()?.to_owned(),
        target: first.next()?.to_owned(),
        ..Seen::default()
    };
    for line in lines {
        let (name, value) = line.split_once(": ")?;
        request.headers.push((name.to_owned(), value.to_owned()));
    }
    let length = request
        .header("content-length")
        .map_or(0, |text| text.parse().unwrap());
    let mut body = bytes[end + 4..].to_vec();
    while body.len() < length {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    request.body = body;
    Some(request)
}

/// A port that refuses connections for as long as the value lives: bound, never listening.
pub(crate) struct RefusingHost {
    pub(crate) url: Url,
    _socket: TcpSocket,
}

pub(crate) fn refusing_host() -> RefusingHost {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}", socket.local_addr().unwrap())
        .parse()
        .unwrap();
    RefusingHost {
        url,
        _socket: socket,
    }
}

pub(crate) fn transport() -> Transport {
    Transport::new(&TransportConfig::default()).unwrap()
}

/// A client of set K's merchant at set K's moment.
pub(crate) fn client(main: &Url, backup: Option<&Url>) -> Client {
    client_with(main, backup, ring(), transport())
}

pub(crate) fn client_with(
    main: &Url,
    backup: Option<&Url>,
    ring: KeyRing,
    transport: Transport,
) -> Client {
    let hosts = Hosts {
        main: main.clone(),
        backup: backup.cloned(),
    };
    Client::new(
        transport,
        hosts,
        Arc::new(merchant()),
        ring,
        Arc::new(|| NOW),
    )
}
