//! Time is paused: it moves on as soon as everybody waits.

use futures::FutureExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::net::TcpListener;

use super::*;

const LIMITS: Limits = Limits {
    connections: 1,
    head: HEAD_TIMEOUT,
    silence: SILENCE_TIMEOUT,
};

/// A peer, and our side of its connection.
fn connected() -> (DuplexStream, LimitedStream<DuplexStream>) {
    let (peer, ours) = tokio::io::duplex(1024);
    let place = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
    (peer, LimitedStream::new(ours, LIMITS, place))
}

/// Reads until nothing comes any more, and answers how long that took.
async fn read_to_the_end(stream: &mut LimitedStream<DuplexStream>) -> Duration {
    let started = Instant::now();
    let error = stream.read_to_end(&mut Vec::new()).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    started.elapsed()
}

fn about(took: Duration, limit: Duration) -> bool {
    took >= limit && took < limit + Duration::from_secs(1)
}

#[tokio::test(start_paused = true)]
async fn a_connection_without_a_complete_head_is_closed() {
    for part in ["", "GET / HTTP/1.1\r\nHost: a\r\n", "\r\n\r\n\r\n"] {
        let (mut peer, mut ours) = connected();
        peer.write_all(part.as_bytes()).await.unwrap();
        let took = read_to_the_end(&mut ours).await;
        assert!(about(took, HEAD_TIMEOUT), "{part:?}: {took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_head_that_drips_is_given_no_more_time() {
    let (mut peer, mut ours) = connected();
    let drip = tokio::spawn(async move {
        while peer.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });
    let took = read_to_the_end(&mut ours).await;
    assert!(about(took, HEAD_TIMEOUT), "{took:?}");
    drop(ours);
    drip.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_request_may_take_longer_than_its_head() {
    for head in ["POST / HTTP/1.1\r\n\r\n{}", "PRI * HTTP/2.0\r\n\r\nSM"] {
        let (mut peer, mut ours) = connected();
        peer.write_all(head.as_bytes()).await.unwrap();
        let took = read_to_the_end(&mut ours).await;
        assert!(about(took, SILENCE_TIMEOUT), "{head:?}: {took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_head_of_a_connection_is_timed() {
    for (answer, limit) in [
        ("HTTP/1.1 200 OK\r\n\r\n", HEAD_TIMEOUT),
        ("HTTP/1.1 100 Continue\r\n\r\n", SILENCE_TIMEOUT),
    ] {
        let (mut peer, mut ours) = connected();
        peer.write_all(b"POST / HTTP/1.1\r\n\r\n").await.unwrap();
        let mut seen = [0; 19];
        ours.read_exact(&mut seen).await.unwrap();
        ours.write_all(answer.as_bytes()).await.unwrap();
        peer.write_all(b"GET / HT").await.unwrap();
        let took = read_to_the_end(&mut ours).await;
        assert!(about(took, limit), "{answer:?}: {took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_nobody_reads_is_given_up() {
    let (mut peer, mut ours) = connected();
    peer.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    ours.read_exact(&mut [0; 18]).await.unwrap();
    let error = ours.write_all(&[0; 4096]).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    drop(peer);
}

#[tokio::test]
async fn a_connection_beyond_the_cap_waits_until_another_ends() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut acceptor = LimitedAcceptor::new(TcpAcceptor::from_tokio(listener).unwrap(), LIMITS);
    let _first = TcpStream::connect(address).await.unwrap();
    let (first, ..) = acceptor.accept().await.unwrap();
    let second = TcpStream::connect(address).await.unwrap();
    assert!(acceptor.accept().now_or_never().is_none());
    assert!(acceptor.warned.is_some());
    drop(first);
    let (_stream, _, remote, _) = acceptor.accept().await.unwrap();
    let remote = remote.0.as_socket_addr().copied();
    assert_eq!(remote, Some(second.local_addr().unwrap()));
}

#[test]
fn the_systems_limit_of_open_files_is_read() {
    let table = "Limit                     Soft Limit           Hard Limit           Units     \n\
                 Max processes             63204                63204                processes \n\
                 Max open files            200                  524288               files     \n";
    assert_eq!(open_files(table), Some(200));
    assert_eq!(open_files("Max open files unlimited"), None);
    assert_eq!(open_files(""), None);
}
