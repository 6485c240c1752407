//! Every way to a real RabbitMQ: TLS, logins, several nodes; and what a user is told where there is no way.
#![allow(clippy::disallowed_methods, reason = "real servers, real time")]

#[path = "servers/certificates.rs"]
mod certificates;
#[path = "servers/running.rs"]
mod running;
mod servers;
#[path = "servers/ways.rs"]
mod ways;

use certificates::Authority;
use running::{block_on, start};
use servers::{Rabbit, free_port};
use simq::{Profile, Settings};
use std::process::{Command, Stdio};
use std::time::Duration;
use ways::{assert_says, settings, works};

const PATIENCE: Duration = Duration::from_secs(30);

/// A node that speaks TLS, under a certificate for these names, and lets clients in by theirs.
struct Secure {
    rabbit: Rabbit,
    port: u16,
    ca: String,
}

impl Secure {
    fn start(authority: &Authority, names: &[&str]) -> Secure {
        let (certificate, key) = authority.sign("server", names);
        let (port, ca) = (free_port(), authority.certificate());
        let config = format!(
            "listeners.ssl.1 = 127.0.0.1:{port}\nssl_options.cacertfile = {ca}\nssl_options.certfile = {certificate}\n\
             ssl_options.keyfile = {key}\nssl_options.verify = verify_peer\n\
             ssl_options.fail_if_no_peer_cert = false\nssl_cert_login_from = common_name\n\
             auth_mechanisms.1 = PLAIN\nauth_mechanisms.2 = AMQPLAIN\nauth_mechanisms.3 = EXTERNAL\n"
        );
        Secure { rabbit: Rabbit::start_with(&config, "rabbitmq_auth_mechanism_ssl"), port, ca }
    }

    fn url(&self, rest: &str) -> String {
        format!("amqps://guest:guest@localhost:{}//{rest}", self.port)
    }
}

#[test]
fn tls_and_logins() {
    let authority = Authority::new();
    let node = Secure::start(&authority, &["localhost"]);
    let (certificate, key) = authority.sign("client", &["tasks-client"]);
    let (ca, url) = (&node.ca, node.url(""));
    works(&[("broker_url", &node.url(&format!("?ssl_ca_certs={ca}")))]);
    works(&[("broker_url", &url), ("broker_use_ssl", &format!("{{ ssl_ca_certs = '{ca}' }}"))]);
    // py-amqp's names, and an address that does not say so itself.
    let table = format!("{{ ca_certs = '{ca}', certfile = '{certificate}', keyfile = '{key}' }}");
    works(&[("broker_url", &url.replace("amqps", "pyamqp")), ("broker_use_ssl", &table)]);
    works(&[("broker_url", &node.url("?ssl_cert_reqs=none"))]);
    works(&[("broker_url", &node.rabbit.url()), ("broker_login_method", "AMQPLAIN")]);

    // The name in the certificate is the user: what the address says counts for nothing.
    let external = ("broker_login_method", "EXTERNAL");
    let set = [("broker_url", &*url), ("broker_use_ssl", &table), external];
    assert_says(&set, &["ACCESS_REFUSED", "EXTERNAL"]);
    node.rabbit.control(&["add_user", "tasks-client", "another"]);
    node.rabbit.control(&["set_permissions", "tasks-client", ".*", ".*", ".*"]);
    works(&set);
    node.rabbit.control(&["delete_user", "guest"]);
    works(&set);
    assert_says(&[("broker_url", &url), ("broker_use_ssl", &table)], &["ACCESS_REFUSED", "PLAIN"]);
}

#[test]
fn what_is_wrong_with_tls_is_named() {
    let authority = Authority::new();
    let node = Secure::start(&authority, &["elsewhere"]);
    let (certificate, key) = authority.sign("client", &["tasks-client"]);
    let (_, other_key) = authority.sign("other", &["other"]);
    let stranger = Authority::new();
    let (ca, url) = (&node.ca, node.url(""));
    let says = |table: &str, expected: &[&str]| {
        assert_says(&[("broker_url", &url), ("broker_use_ssl", &format!("{{ {table} }}"))], expected);
    };
    says("ca_certs = '/nowhere/ca.pem'", &["ssl_ca_certs", "/nowhere/ca.pem", "No such file"]);
    says(&format!("ca_certs = '{key}'"), &["no CERTIFICATE in", &key]);
    says(&format!("ca_certs = '{}'", stranger.certificate()), &["not signed by", "ssl_ca_certs"]);
    says(&format!("ca_certs = '{ca}'"), &["another name", "ssl_check_hostname"]);
    let lax = format!("ca_certs = '{ca}', check_hostname = false");
    says(&format!("{lax}, certfile = '{certificate}', keyfile = '{other_key}'"), &["the key in ssl_keyfile"]);
    let (strange, its_key) = stranger.sign("client", &["tasks-client"]);
    says(
        &format!("{lax}, certfile = '{strange}', keyfile = '{its_key}'"),
        &["trust", "the certificate in ssl_certfile"],
    );
    says("cert_req = 'none'", &["broker_use_ssl", "did you mean ssl_cert_reqs?"]);
    works(&[("broker_url", &url), ("broker_use_ssl", &format!("{{ {lax} }}"))]);
    let plain = format!("amqps://guest:guest@localhost:{}?ssl_cert_reqs=none", node.rabbit.port);
    assert_says(&[("broker_url", &plain)], &["TLS is not spoken on this port"]);
}

#[test]
fn the_next_of_several_nodes_is_tried_also_when_one_dies() {
    let (first, second) = (Rabbit::start(), Rabbit::start());
    let down = format!("amqp://guest:guest@127.0.0.1:{}//", free_port());
    let urls = format!("{down};{};{}", first.url(), second.url());
    let (_app, running, add) = start(settings(&[("broker_url", &urls)]));
    block_on(async {
        assert_eq!(add.delay((1, 1)).await.expect("published").get(PATIENCE).await.expect("a result"), 2);
        drop(first);
        assert_eq!(add.delay((1, 2)).await.expect("published").get(PATIENCE).await.expect("a result"), 3);
        running.shutdown().await;
    });
    // In this order: the channel of a node that is gone is not asked.
    drop(second);
}

/// A worker that is not let in says so each time that it tries, in one line.
#[test]
fn a_worker_that_is_not_let_in_says_why() {
    let rabbit = Rabbit::start();
    let at = |login: &str, vhost: &str| format!("amqp://{login}@127.0.0.1:{}/{vhost}", rabbit.port);
    let external = ["--set", "broker_login_method=EXTERNAL"];
    for (url, more, why) in [
        (at("guest:secret", "/"), &[][..], "ACCESS_REFUSED"),
        (at("guest:guest", "nowhere"), &[], "vhost nowhere not found"),
        (at("guest:guest", "/"), &external, "EXTERNAL"),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_simq"));
        command.args(["worker", "--broker", &url, "--set", "broker_connection_max_retries=1"]).args(more);
        let output = command.stdin(Stdio::null()).output().expect("simq runs");
        let said = String::from_utf8_lossy(&output.stderr);
        let lines: Vec<&str> = said.lines().filter(|line| line.contains(why)).collect();
        // Two tries, and what is said at the end.
        assert!(!output.status.success() && (2..=3).contains(&lines.len()), "{why}: {said}");
        assert!(lines[0].contains("will try again") && !said.contains("secret"), "{said}");
    }
}

#[test]
fn a_login_method_that_there_is_not_is_refused_at_once() {
    let mut settings = Settings::new(Profile::Safe);
    let said = settings.set_text("broker_login_method", "GSSAPI").expect_err("it is none").to_string();
    assert!(said.contains("PLAIN") && said.contains("AMQPLAIN") && said.contains("EXTERNAL"), "{said}");
}
