//! A tenant's server that means no good: drips, hangs, answers without end, resets.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What is sent at once of an answer without end.
static CHUNK: [u8; 64 * 1024] = [b'x'; 64 * 1024];
/// So much is answered, unless the caller hangs up before.
const HUGE_BYTES: usize = 1024 * 1024 * 1024;
const DRIP_PAUSE: Duration = Duration::from_millis(50);
/// Where machines keep what nobody else shall read.
const METADATA: &str = "http://169.254.169.254/latest/meta-data/";

/// How a receiver misbehaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hostility {
    /// Takes the request and says nothing.
    Hangs,
    /// Sends the head of an answer byte by byte, for ever.
    DripsHead,
    /// Sends the body of an answer byte by byte, for ever.
    DripsBody,
    /// Answers a gibibyte.
    Floods,
    /// Answers a head without end.
    FloodsHead,
    /// Sends the caller to the metadata address of a cloud.
    Redirects,
    /// Hangs up in the midst of its answer.
    Resets,
}

impl Hostility {
    /// Every one.
    pub const ALL: [Self; 7] = [
        Self::Hangs,
        Self::DripsHead,
        Self::DripsBody,
        Self::Floods,
        Self::FloodsHead,
        Self::Redirects,
        Self::Resets,
    ];
}

/// A running receiver.
#[derive(Debug)]
pub struct HostileReceiver {
    address: SocketAddr,
    requests: Arc<AtomicUsize>,
    serving: JoinHandle<()>,
}

impl HostileReceiver {
    /// Starts on a free port.
    pub async fn start(hostility: Hostility) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        let requests = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&requests);
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                // That the caller hangs up is what is hoped for.
                tokio::spawn(async move { drop(Box::pin(misbehave(stream, hostility)).await) });
            }
        });
        Self {
            address,
            requests,
            serving,
        }
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// How many connections came.
    pub fn connections(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

impl Drop for HostileReceiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn misbehave(mut stream: TcpStream, hostility: Hostility) -> std::io::Result<()> {
    let mut request = [0; 16 * 1024];
    let _ = stream.read(&mut request).await?;
    match hostility {
        Hostility::Hangs => {
            // Until the caller gives up.
            while stream.read(&mut request).await? > 0 {}
        }
        Hostility::DripsHead => drip(&mut stream, b"HTTP/1.1 200 OK\r\nX-Long: ").await?,
        Hostility::DripsBody => {
            drip(
                &mut stream,
                b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n",
            )
            .await?;
        }
        Hostility::Floods => {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {HUGE_BYTES}\r\n\r\n");
            flood(&mut stream, head.as_bytes()).await?;
        }
        Hostility::FloodsHead => flood(&mut stream, b"HTTP/1.1 200 OK\r\nX-Long: ").await?,
        Hostility::Redirects => {
            let answer =
                format!("HTTP/1.1 302 Found\r\nLocation: {METADATA}\r\nContent-Length: 0\r\n\r\n");
            stream.write_all(answer.as_bytes()).await?;
        }
        Hostility::Resets => {
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
                .await?;
            stream.set_zero_linger()?;
        }
    }
    Ok(())
}

async fn drip(stream: &mut TcpStream, head: &[u8]) -> std::io::Result<()> {
    stream.write_all(head).await?;
    loop {
        stream.write_all(b"x").await?;
        tokio::time::sleep(DRIP_PAUSE).await;
    }
}

async fn flood(stream: &mut TcpStream, head: &[u8]) -> std::io::Result<()> {
    stream.write_all(head).await?;
    for _ in 0..HUGE_BYTES / CHUNK.len() {
        stream.write_all(&CHUNK).await?;
    }
    Ok(())
}
