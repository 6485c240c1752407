//! Celery's compressions, by name and by content type. What is decompressed is bounded, whatever a few bytes claim to be.

use super::{PayloadError, Unserializable};
use std::fmt;
use std::io::{self, Read};
use std::str::FromStr;
use thiserror::Error;

/// How a payload is compressed: Celery's `task_compression`, `result_compression` and the header `compression`.
///
/// Read from any of its names or its content type, shown as its first name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Compression {
    /// `gzip` or `zlib`, `application/x-gzip`: by both names the zlib format, RFC 1950, and not gzip's.
    Gzip,
    /// `bzip2` or `bzip`, `application/x-bz2`.
    Bzip2,
    /// `lzma` or `xz`, `application/x-lzma`: an `.xz` container.
    Lzma,
    /// `brotli`, `application/x-brotli`.
    Brotli,
    /// `zstd` or `zstandard`, `application/zstd`.
    Zstd,
}

/// Memory that a stream may ask of its decompressor, beside what comes out of it: what `xz -9` needs.
const XZ_MEMORY: u64 = 80 << 20;
/// Largest window of a zstd frame, as a power of two: what the reference decoder allows unasked.
const ZSTD_WINDOW: u32 = 27;

impl Compression {
    /// All of them.
    pub const ALL: [Compression; 5] =
        [Compression::Gzip, Compression::Bzip2, Compression::Lzma, Compression::Brotli, Compression::Zstd];

    /// Its names in Celery, the usual one first.
    pub fn names(self) -> &'static [&'static str] {
        match self {
            Compression::Gzip => &["gzip", "zlib"],
            Compression::Bzip2 => &["bzip2", "bzip"],
            Compression::Lzma => &["lzma", "xz"],
            Compression::Brotli => &["brotli"],
            Compression::Zstd => &["zstd", "zstandard"],
        }
    }

    /// The value of the header `compression`.
    pub fn content_type(self) -> &'static str {
        match self {
            Compression::Gzip => "application/x-gzip",
            Compression::Bzip2 => "application/x-bz2",
            Compression::Lzma => "application/x-lzma",
            Compression::Brotli => "application/x-brotli",
            Compression::Zstd => "application/zstd",
        }
    }

    fn name(self) -> &'static str {
        self.names().first().copied().unwrap_or_default()
    }

    /// Compresses, at the level that is the usual one for its format.
    ///
    /// # Errors
    /// When the compressor gives up, as for want of memory.
    pub fn compress(self, bytes: &[u8]) -> Result<Vec<u8>, Unserializable> {
        let mut out = Vec::with_capacity(bytes.len() / 2 + 64);
        let done = match self {
            Compression::Gzip => {
                flate2::read::ZlibEncoder::new(bytes, flate2::Compression::default()).read_to_end(&mut out)
            }
            Compression::Bzip2 => bzip2::read::BzEncoder::new(bytes, bzip2::Compression::best()).read_to_end(&mut out),
            Compression::Lzma => liblzma::read::XzEncoder::new(bytes, 6).read_to_end(&mut out),
            // Quality 11, the library's default, takes a hundred times as long for a few percent.
            Compression::Brotli => brotli::CompressorReader::new(bytes, 4096, 5, 22).read_to_end(&mut out),
            Compression::Zstd => zstd::stream::encode_all(bytes, 0).map(|all| {
                out = all;
                out.len()
            }),
        };
        match done {
            Ok(_) => Ok(out),
            Err(error) => {
                Err(Unserializable { by: self.name(), what: error.to_string(), instead: "send it uncompressed" })
            }
        }
    }

    /// Decompresses into at most `limit` bytes.
    ///
    /// # Errors
    /// [`PayloadError`] when the bytes are not of this format, are cut off, or stand for more than `limit` bytes.
    pub fn decompress(self, bytes: &[u8], limit: usize) -> Result<Vec<u8>, PayloadError> {
        let broken = |error: io::Error| PayloadError::syntax(self.format(), error.to_string());
        match self {
            Compression::Gzip => self.read(Inflate::new(bytes), limit),
            Compression::Bzip2 => self.read(bzip2::read::BzDecoder::new(bytes), limit),
            Compression::Lzma => {
                let stream = liblzma::stream::Stream::new_stream_decoder(XZ_MEMORY, 0);
                let stream = stream.map_err(|error| broken(error.into()))?;
                self.read(liblzma::read::XzDecoder::new_stream(bytes, stream), limit)
            }
            // The header of a window beyond the 16 MiB that RFC 7932 has.
            Compression::Brotli if bytes.first().is_some_and(|first| first & 0x7F == 0x11) => {
                Err(PayloadError::syntax(self.format(), "a large window"))
            }
            Compression::Brotli => self.read(brotli::Decompressor::new(bytes, 4096), limit),
            Compression::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::new(bytes).map_err(broken)?;
                decoder.window_log_max(ZSTD_WINDOW).map_err(broken)?;
                self.read(decoder, limit)
            }
        }
    }

    fn read(self, decoder: impl Read, limit: usize) -> Result<Vec<u8>, PayloadError> {
        let mut out = Vec::new();
        let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
        match decoder.take(most).read_to_end(&mut out) {
            Ok(_) if out.len() > limit => Err(PayloadError::Balloons { limit }),
            Ok(_) => Ok(out),
            Err(error) => Err(PayloadError::syntax(self.format(), error.to_string())),
        }
    }

    fn format(self) -> &'static str {
        match self {
            Compression::Gzip => "zlib data (RFC 1950, by Celery's name gzip)",
            Compression::Bzip2 => "bzip2 data",
            Compression::Lzma => "xz data",
            Compression::Brotli => "brotli data",
            Compression::Zstd => "a zstd frame",
        }
    }
}

/// As `flate2`'s reader, but one that does not take a stream that is cut off for one that has ended.
struct Inflate<'a> {
    input: &'a [u8],
    state: flate2::Decompress,
    ended: bool,
}

impl<'a> Inflate<'a> {
    fn new(input: &'a [u8]) -> Self {
        Inflate { input, state: flate2::Decompress::new(true), ended: false }
    }
}

impl Read for Inflate<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.ended || out.is_empty() {
            return Ok(0);
        }
        let (read, written) = (self.state.total_in(), self.state.total_out());
        let status = self.state.decompress(self.input, out, flate2::FlushDecompress::None)?;
        let (read, written) = (self.state.total_in() - read, self.state.total_out() - written);
        self.input = self.input.get(read as usize..).unwrap_or_default();
        self.ended = status == flate2::Status::StreamEnd;
        if read == 0 && written == 0 && !self.ended {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "its end in the middle of the stream"));
        }
        if written == 0 && !self.ended { self.read(out) } else { Ok(written as usize) }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A compression that simq does not have.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("expected a compression (gzip, zlib, bzip2, lzma, xz, brotli, zstd) or its content type, found {0:?}")]
pub struct UnknownCompression(String);

impl FromStr for Compression {
    type Err = UnknownCompression;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_called = |known: &Compression| known.names().contains(&text) || known.content_type() == text;
        Compression::ALL.into_iter().find(is_called).ok_or_else(|| UnknownCompression(text.to_owned()))
    }
}
