//! What a server refuses, in the words of Redis 7.0: the first word is the code.

use ::redis::Value;
use std::borrow::Cow;

/// The text of an error reply, code included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Error(Cow<'static, str>);

impl Error {
    pub(super) const fn fixed(text: &'static str) -> Self {
        Error(Cow::Borrowed(text))
    }

    pub(super) fn new(text: String) -> Self {
        Error(Cow::Owned(text))
    }

    pub(super) fn text(&self) -> &str {
        &self.0
    }

    pub(super) fn arity(command: &str) -> Self {
        Error::new(format!("ERR wrong number of arguments for '{command}' command"))
    }

    pub(super) fn expire_time(command: &str) -> Self {
        Error::new(format!("ERR invalid expire time in '{command}' command"))
    }

    /// A subcommand that its container lacks, as the client wrote it.
    pub(super) fn subcommand(container: &str, given: &[u8]) -> Self {
        let given = printable(given, 128);
        Error::new(format!("ERR unknown subcommand '{given}'. Try {} HELP.", container.to_uppercase()))
    }

    /// The server quotes the beginning of the name and of the arguments.
    pub(super) fn unknown_command(args: &[Vec<u8>]) -> Self {
        let mut quoted = String::new();
        for arg in &args[1..] {
            if quoted.len() >= 128 {
                break;
            }
            quoted.push_str(&format!("'{}' ", printable(arg, 128 - quoted.len())));
        }
        Error::new(format!("ERR unknown command '{}', with args beginning with: {quoted}", printable(&args[0], 128)))
    }
}

/// At most `limit` bytes; a text ends at its first NUL, and line ends would break the reply.
fn printable(bytes: &[u8], limit: usize) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len()).min(limit);
    String::from_utf8_lossy(&bytes[..end]).replace(['\r', '\n'], " ")
}

impl From<Error> for Value {
    fn from(error: Error) -> Value {
        error_value(&error.0)
    }
}

/// An error reply of this text, whose first word is the code.
pub fn error_value(text: &str) -> Value {
    let line = format!("-{}\r\n", text.replace(['\r', '\n'], " "));
    ::redis::parse_redis_value(line.as_bytes()).unwrap_or(Value::Nil)
}

pub(super) const WRONG_TYPE: Error = Error::fixed("WRONGTYPE Operation against a key holding the wrong kind of value");
pub(super) const SYNTAX: Error = Error::fixed("ERR syntax error");
pub(super) const NOT_INTEGER: Error = Error::fixed("ERR value is not an integer or out of range");
pub(super) const NOT_FLOAT: Error = Error::fixed("ERR value is not a valid float");
pub(super) const NOT_POSITIVE: Error = Error::fixed("ERR value is out of range, must be positive");
pub(super) const OVERFLOW: Error = Error::fixed("ERR increment or decrement would overflow");
pub(super) const NO_SUCH_KEY: Error = Error::fixed("ERR no such key");
pub(super) const OUT_OF_RANGE: Error = Error::fixed("ERR index out of range");
pub(super) const NOT_A_NUMBER: Error = Error::fixed("ERR resulting score is not a number (NaN)");
pub(super) const BAD_SCORE_RANGE: Error = Error::fixed("ERR min or max is not a float");
pub(super) const BAD_LEX_RANGE: Error = Error::fixed("ERR min or max not valid string range item");
pub(super) const SAME_OBJECT: Error = Error::fixed("ERR source and destination objects are the same");
pub(super) const TOO_LONG: Error = Error::fixed("ERR string exceeds maximum allowed size (proto-max-bulk-len)");
pub(super) const NO_AUTH: Error = Error::fixed("NOAUTH Authentication required.");
pub(super) const WRONG_PASSWORD: Error = Error::fixed("WRONGPASS invalid username-password pair or user is disabled.");
pub(super) const READ_ONLY: Error = Error::fixed("READONLY You can't write against a read only replica.");
pub(super) const OUT_OF_MEMORY: Error = Error::fixed("OOM command not allowed when used memory > 'maxmemory'.");
pub(super) const ABORTED: Error = Error::fixed("EXECABORT Transaction discarded because of previous errors.");
pub(super) const NO_SCRIPT: Error = Error::fixed("NOSCRIPT No matching script. Please use EVAL.");
pub(super) const UNBLOCKED: Error = Error::fixed("UNBLOCKED client unblocked via CLIENT UNBLOCK");
pub(super) const ROLE_CHANGED: Error =
    Error::fixed("UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)");
