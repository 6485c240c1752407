//! What a worker is willing to read.

use super::payload::{MAX_BODY, Serializer, UnknownSerializer};
use super::time::{IsoTime, Timestamp};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// From a wall clock, given as if it were in UTC, to the point in time.
type Zone = Arc<dyn Fn(Timestamp) -> Timestamp + Send + Sync>;

/// Which messages are read: Celery's `accept_content`, a bound on their size, and the zone of times without an offset.
///
/// By default JSON of at most [`MAX_BODY`] bytes, and UTC. Read from names or content types with commas between them:
///
/// ```
/// use simq::message::Accept;
///
/// let accept: Accept = "json, application/x-msgpack".parse().unwrap();
/// assert_eq!(accept.to_string(), "json, msgpack");
/// ```
#[derive(Clone)]
pub struct Accept {
    /// One bit for each serializer.
    content: u8,
    max_body: usize,
    zone: Option<Zone>,
}

impl Default for Accept {
    fn default() -> Self {
        Accept::content([Serializer::Json])
    }
}

fn bit(serializer: Serializer) -> u8 {
    1 << serializer as u8
}

impl Accept {
    /// Accepts these serializers. Pickle among them is read as data and never run, see [`Serializer::Pickle`].
    pub fn content(serializers: impl IntoIterator<Item = Serializer>) -> Self {
        let content = serializers.into_iter().fold(0, |content, serializer| content | bit(serializer));
        Accept { content, max_body: MAX_BODY, zone: None }
    }

    /// Accepts the serializers of these names or content types: the entries of `accept_content`.
    ///
    /// # Errors
    /// One that is not known.
    pub fn names<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> Result<Self, UnknownSerializer> {
        let serializers: Result<Vec<Serializer>, _> = names.into_iter().map(|name| name.as_ref().parse()).collect();
        serializers.map(Accept::content)
    }

    /// With bodies of at most `bytes` bytes, before and after decompression.
    #[must_use]
    pub fn max_body(self, bytes: usize) -> Self {
        Accept { max_body: bytes, ..self }
    }

    /// With times that have no offset from UTC read by `zone`, Celery's setting `timezone`. It gets what the wall clock
    /// shows, as if it were in UTC.
    #[must_use]
    pub fn in_zone(self, zone: impl Fn(Timestamp) -> Timestamp + Send + Sync + 'static) -> Self {
        Accept { zone: Some(Arc::new(zone)), ..self }
    }

    /// Whether this serializer is accepted.
    pub fn accepts(&self, serializer: Serializer) -> bool {
        self.content & bit(serializer) != 0
    }

    pub(super) fn size(&self) -> usize {
        self.max_body
    }

    pub(super) fn time(&self, time: IsoTime) -> Timestamp {
        match (time, &self.zone) {
            (IsoTime::Naive(wall), Some(zone)) => zone(wall),
            _ => time.or_utc(),
        }
    }

    fn accepted(&self) -> impl Iterator<Item = Serializer> {
        Serializer::ALL.into_iter().filter(|serializer| self.accepts(*serializer))
    }

    /// The accepted content types.
    pub(super) fn content_types(&self) -> String {
        self.accepted().map(Serializer::content_type).collect::<Vec<_>>().join(" or ")
    }
}

impl fmt::Debug for Accept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let content: Vec<&str> = self.accepted().map(Serializer::name).collect();
        f.debug_struct("Accept").field("content", &content).field("max_body", &self.max_body).finish_non_exhaustive()
    }
}

impl fmt::Display for Accept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.accepted().map(Serializer::name).collect::<Vec<_>>().join(", "))
    }
}

impl FromStr for Accept {
    type Err = UnknownSerializer;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Accept::names(text.split(',').map(str::trim).filter(|name| !name.is_empty()))
    }
}
