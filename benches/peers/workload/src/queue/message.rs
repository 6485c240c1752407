use super::Job;

/// A message on the wire. All have one length, so that datagrams and streams need no other framing.
pub const FRAME: usize = 64;

pub type Frame = [u8; FRAME];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    Publish(Job),
    Confirm { id: u32 },
    Fetch,
    Deliver(Job),
    Ack { id: u32 },
}

impl Message {
    /// Kind (1 byte), zero (1), attempt (2), work in ms (2), zero (2), id (4), all little-endian; then zeros.
    pub fn encode(self) -> Frame {
        let (kind, job) = match self {
            Message::Publish(job) => (1, job),
            Message::Confirm { id } => (2, Job::bare(id)),
            Message::Fetch => (3, Job::bare(0)),
            Message::Deliver(job) => (4, job),
            Message::Ack { id } => (5, Job::bare(id)),
        };
        let mut frame = [0; FRAME];
        frame[0] = kind;
        frame[2..4].copy_from_slice(&job.attempt.to_le_bytes());
        frame[4..6].copy_from_slice(&job.work_ms.to_le_bytes());
        frame[8..12].copy_from_slice(&job.id.to_le_bytes());
        frame
    }

    /// `None` if the kind is unknown.
    pub fn decode(frame: &Frame) -> Option<Message> {
        let job = Job {
            attempt: u16::from_le_bytes([frame[2], frame[3]]),
            work_ms: u16::from_le_bytes([frame[4], frame[5]]),
            id: u32::from_le_bytes([frame[8], frame[9], frame[10], frame[11]]),
        };
        Some(match frame[0] {
            1 => Message::Publish(job),
            2 => Message::Confirm { id: job.id },
            3 => Message::Fetch,
            4 => Message::Deliver(job),
            5 => Message::Ack { id: job.id },
            _ => return None,
        })
    }
}

impl Job {
    fn bare(id: u32) -> Self {
        Self { id, work_ms: 0, attempt: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_survives_the_wire() {
        let job = Job { id: 70_000, work_ms: 50, attempt: 3 };
        for message in [
            Message::Publish(job),
            Message::Confirm { id: 70_000 },
            Message::Fetch,
            Message::Deliver(job),
            Message::Ack { id: 999 },
        ] {
            assert_eq!(Message::decode(&message.encode()), Some(message));
        }
        assert_eq!(Message::decode(&[9; 64]), None);
    }
}
