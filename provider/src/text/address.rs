//! The addresses that executors call, other than URLs of HTTP: one kind of text for each client library of dkron's
//! plugins. None of them is quoted in a message: it may hold a password.

use std::sync::LazyLock;

use regex::Regex;
use tfplugin::model::TextType;
use url::Url;

/// A method of a gRPC service with its host, as dkron takes them apart: at the first slash.
#[derive(Clone)]
pub enum GrpcMethod {}

static GRPC_METHOD: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^[^/\s]+:\d+/[^/\s]+[/.][^/\s]+$").ok());

impl TextType for GrpcMethod {
    const NAME: &'static str = "address of a gRPC method";
    const EXAMPLES: &'static [&'static str] =
        &["grpc.example.com:9000/shop.Orders/Close", "127.0.0.1:9000/shop.Orders/Open"];

    fn check(text: &str) -> Result<(), String> {
        if GRPC_METHOD.as_ref().is_some_and(|pattern| pattern.is_match(text)) {
            return Ok(());
        }
        let hint = if text.contains("://") { " Leave the scheme out." } else { "" };
        Err(format!("Expected host, port and method, such as {}.{hint}", Self::EXAMPLES[0]))
    }
}

/// The brokers of a Kafka cluster.
#[derive(Clone)]
pub enum Brokers {}

static BROKER: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^[^/\s,]+:\d+$").ok());

impl TextType for Brokers {
    const NAME: &'static str = "address of a broker";
    const EXAMPLES: &'static [&'static str] =
        &["kafka.example.com:9092", "kafka-1.example.com:9092,kafka-2.example.com:9092"];

    fn check(text: &str) -> Result<(), String> {
        let fits = |broker| BROKER.as_ref().is_some_and(|pattern| pattern.is_match(broker));
        if text.split(',').all(fits) {
            return Ok(());
        }
        Err("Expected host and port, such as kafka.example.com:9092, without a scheme; several with commas and no blanks \
             between them."
            .to_owned())
    }
}

/// The servers of a NATS cluster; a scheme may be left out.
#[derive(Clone)]
pub enum NatsServers {}

impl TextType for NatsServers {
    const NAME: &'static str = "address of a NATS server";
    const EXAMPLES: &'static [&'static str] =
        &["nats://nats.example.com:4222", "tls://nats-1.example.com:4443,tls://nats-2.example.com:4443"];

    fn check(text: &str) -> Result<(), String> {
        const SCHEMES: [&str; 4] = ["nats", "tls", "ws", "wss"];
        let fits = |server: &str| {
            let server = server.trim();
            let (scheme, rest) = server.split_once("://").unwrap_or(("nats", server));
            SCHEMES.contains(&scheme) && !rest.is_empty() && !rest.contains(char::is_whitespace)
        };
        if text.split(',').all(fits) {
            return Ok(());
        }
        Err(format!(
            "Expected an address such as {}, with one of the schemes {}; several with commas between them.",
            Self::EXAMPLES[0],
            SCHEMES.join(", ")
        ))
    }
}

/// The URL of an AMQP server.
#[derive(Clone)]
pub enum AmqpUrl {}

impl TextType for AmqpUrl {
    const NAME: &'static str = "address of an AMQP server";
    const EXAMPLES: &'static [&'static str] =
        &["amqp://rabbitmq.example.com:5672/", "amqps://rabbitmq.example.com/shop"];

    fn check(text: &str) -> Result<(), String> {
        let is_amqp = |url: &Url| matches!(url.scheme(), "amqp" | "amqps") && url.has_host();
        if Url::parse(text).is_ok_and(|url| is_amqp(&url)) {
            return Ok(());
        }
        Err(format!("Expected an address such as {}, with the scheme amqp or amqps.", Self::EXAMPLES[0]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check<T: TextType>(good: &[&str], bad: &[&str]) {
        for text in T::EXAMPLES.iter().chain(good) {
            assert_eq!(T::check(text), Ok(()), "{text}");
        }
        for text in bad {
            let detail = T::check(text).unwrap_err();
            assert!(detail.starts_with("Expected") && !detail.contains("secret"), "{text}: {detail}");
        }
    }

    #[test]
    fn methods_of_grpc() {
        check::<GrpcMethod>(
            &["127.0.0.1:9000/test.TestService/Test", "[::1]:9000/a.B/C", "host:1/a.B.C"],
            &[
                "",
                "host/a.B/C",
                "host:9000",
                "host:9000/",
                "http://secret@host:9000/a.B/C",
                "host:1/a/b/c",
                "h:1/ a/b",
            ],
        );
    }

    #[test]
    fn brokers_of_kafka() {
        check::<Brokers>(
            &["127.0.0.1:9092", "[::1]:9092", "a:1,b:2,c:3"],
            &["", "host", "a:1, b:2", "a:1,", "kafka://secret@a:1", "a:b"],
        );
    }

    #[test]
    fn servers_of_nats() {
        check::<NatsServers>(
            &["localhost", "localhost:4222", "nats://u:p@a:4222, tls://b", "wss://a/path"],
            &["", "http://secret@a", "nats://", "a,,b", "two words"],
        );
    }

    #[test]
    fn servers_of_amqp() {
        check::<AmqpUrl>(
            &["amqp://guest:guest@localhost:5672/", "amqp://[::1]/%2f"],
            &["", "localhost:5672", "http://secret@a", "amqp://", "amqp:secret"],
        );
    }
}
