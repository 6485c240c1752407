//! Real connections to RabbitMQ: lapin's, which reads and writes on a thread of its own.

use crate::env::ConnectError;
use crate::env::amqp::{AmqpConnection, AmqpUrl};
use lapin::{Connection, ConnectionProperties, ErrorKind};

pub(super) async fn connect(url: AmqpUrl, heartbeat: u16) -> Result<AmqpConnection, ConnectError> {
    // What is lost is opened anew by the broker actor, which knows what to declare: lapin recovers nothing.
    let properties = ConnectionProperties::default().with_connection_name("simq".into());
    match Connection::connect_uri(url.uri(heartbeat), properties).await {
        Ok(connection) => Ok(AmqpConnection::Wire(Box::new(connection))),
        Err(error) => Err(ConnectError { server: url.to_string(), reason: reason(&error) }),
    }
}

/// RabbitMQ's own words, where it said any.
fn reason(error: &lapin::Error) -> String {
    match error.kind() {
        ErrorKind::ProtocolError(said) => said.get_message().to_string(),
        _ => error.to_string(),
    }
}
