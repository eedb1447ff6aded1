//! Bills as files: measured when they are applied for, written when they are downloaded.

use std::{
    io::{self, BufWriter, Write},
    sync::Arc,
};

use aes_gcm::{
    AesGcm, KeyInit,
    aead::{Aead, consts::U16},
    aes::Aes256,
};
use aws_lc_rs::digest;
use flate2::{Compression, write::GzEncoder};
use poem::Body;
use tokio::sync::mpsc;

use super::{fund_flow::FlowBill, trade::TradeBill};
use crate::canonical::hex;

const CHUNK_BYTES: usize = 64 * 1024;
/// So many chunks wait for a slow reader before the writer does.
const CHUNKS_WAITING: usize = 4;

/// What a bill says.
pub(crate) enum Contents {
    Trade(TradeBill),
    Flow(FlowBill),
}

impl Contents {
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Trade(bill) => bill.is_empty(),
            Self::Flow(bill) => bill.is_empty(),
        }
    }

    pub(super) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut out = BufWriter::with_capacity(CHUNK_BYTES, out);
        match self {
            Self::Trade(bill) => bill.write(&mut out)?,
            Self::Flow(bill) => bill.write(&mut out)?,
        }
        out.flush()
    }
}

/// A piece of a bill's plain text: where it lies, and its SHA-1.
pub(super) struct Piece {
    pub(super) from: u64,
    pub(super) length: u64,
    pub(super) sha1: String,
}

/// Cuts a bill into pieces of at most so many bytes.
pub(super) fn pieces(contents: &Contents, most_bytes: u64) -> io::Result<Vec<Piece>> {
    let mut measure = Measure {
        most_bytes,
        from: 0,
        length: 0,
        sha1: digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY),
        pieces: Vec::new(),
    };
    contents.write(&mut measure)?;
    measure.end();
    Ok(measure.pieces)
}

struct Measure {
    most_bytes: u64,
    from: u64,
    length: u64,
    sha1: digest::Context,
    pieces: Vec<Piece>,
}

impl Measure {
    fn end(&mut self) {
        let fresh = digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY);
        let sha1 = std::mem::replace(&mut self.sha1, fresh).finish();
        self.pieces.push(Piece {
            from: self.from,
            length: self.length,
            sha1: hex(sha1.as_ref()),
        });
        self.from += self.length;
        self.length = 0;
    }
}

impl Write for Measure {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.length >= self.most_bytes {
            self.end();
        }
        let room = usize::try_from(self.most_bytes - self.length).unwrap_or(usize::MAX);
        let (now, _) = bytes.split_at(bytes.len().min(room));
        self.sha1.update(now);
        self.length += u64::try_from(now.len()).unwrap_or_default();
        Ok(now.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A file that may be downloaded for a while.
pub(crate) struct Issued {
    pub(super) sp_mchid: String,
    pub(super) until_ms: i64,
    pub(super) contents: Arc<Contents>,
    pub(super) form: Form,
    /// The file lacks so many bytes at its end.
    pub(super) lost_bytes: u64,
}

/// How a file is packed.
pub(super) enum Form {
    Plain,
    Gzip,
    Sealed(Sealed),
}

/// A piece of a bill, encrypted under a key of its own.
pub(super) struct Sealed {
    pub(super) from: u64,
    pub(super) length: u64,
    pub(super) key: [u8; 32],
    /// Sixteen characters, not twelve.
    pub(super) nonce: [u8; 16],
    pub(super) gzip: bool,
}

impl Issued {
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut out = HoldBack {
            out,
            held: Vec::new(),
            most_bytes: usize::try_from(self.lost_bytes).unwrap_or(usize::MAX),
        };
        match &self.form {
            Form::Plain => self.contents.write(&mut out),
            Form::Gzip => {
                let mut packer = GzEncoder::new(&mut out, Compression::fast());
                self.contents.write(&mut packer)?;
                packer.finish().map(|_| ())
            }
            Form::Sealed(sealed) => out.write_all(&sealed.seal(&self.contents)?),
        }
    }
}

impl Sealed {
    fn seal(&self, contents: &Contents) -> io::Result<Vec<u8>> {
        let mut window = Window {
            skip: self.from,
            keep: self.length,
            kept: Vec::new(),
        };
        contents.write(&mut window)?;
        let mut plain = window.kept;
        if self.gzip {
            let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
            packer.write_all(&plain)?;
            plain = packer.finish()?;
        }
        let cipher = AesGcm::<Aes256, U16>::new(&self.key.into());
        cipher
            .encrypt(&self.nonce.into(), plain.as_slice())
            .map_err(|_| io::Error::other("a bill could not be encrypted"))
    }
}

/// Keeps one piece of what is written.
struct Window {
    skip: u64,
    keep: u64,
    kept: Vec<u8>,
}

impl Write for Window {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let within = |bound: u64| {
            usize::try_from(bound)
                .unwrap_or(usize::MAX)
                .min(bytes.len())
        };
        let (before, rest) = bytes.split_at(within(self.skip));
        self.skip -= u64::try_from(before.len()).unwrap_or_default();
        let wanted = usize::try_from(self.keep)
            .unwrap_or(usize::MAX)
            .min(rest.len());
        let (wanted, _) = rest.split_at(wanted);
        self.keep -= u64::try_from(wanted.len()).unwrap_or_default();
        self.kept.extend_from_slice(wanted);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Passes on all but the last bytes.
struct HoldBack<'w> {
    out: &'w mut dyn Write,
    held: Vec<u8>,
    most_bytes: usize,
}

impl Write for HoldBack<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.held.extend_from_slice(bytes);
        let ready = self.held.len().saturating_sub(self.most_bytes);
        let (passed, _) = self.held.split_at(ready);
        self.out.write_all(passed)?;
        self.held.drain(..ready);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Writes what is read, chunk by chunk, on a thread of its own.
pub(crate) fn stream(
    write: impl FnOnce(&mut dyn Write) -> io::Result<()> + Send + 'static,
) -> Body {
    let (sender, receiver) = mpsc::channel(CHUNKS_WAITING);
    tokio::task::spawn_blocking(move || {
        let mut out = BufWriter::with_capacity(CHUNK_BYTES, Chunks(sender.clone()));
        if let Err(error) = write(&mut out).and_then(|()| out.flush()) {
            // The reader may have gone: then nobody is told.
            let _ = sender.blocking_send(Err(error));
        }
    });
    Body::from_bytes_stream(futures::stream::unfold(receiver, async |mut receiver| {
        receiver.recv().await.map(|chunk| (chunk, receiver))
    }))
}

struct Chunks(mpsc::Sender<io::Result<Vec<u8>>>);

impl Write for Chunks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .blocking_send(Ok(bytes.to_vec()))
            .map_err(|_| io::Error::new(io::ErrorKind::BrokenPipe, "the reader has gone"))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The file as it is downloaded.
pub(crate) fn download(issued: Arc<Issued>) -> Body {
    stream(move |out| issued.write(out))
}

/// The beginning of the file; its reader must see to it that the connection ends there.
pub(crate) fn download_half(issued: Arc<Issued>) -> Body {
    stream(move |out| {
        let mut out = HoldBack {
            out,
            held: Vec::new(),
            most_bytes: HALVED_BYTES,
        };
        issued.write(&mut out)
    })
}

/// A download that breaks off lacks so much.
const HALVED_BYTES: usize = 256;
