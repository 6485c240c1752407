//! Every way to a real Redis: passwords, sockets, TLS, Sentinels, several servers; and what a user is told where there
//! is no way.
#![allow(clippy::disallowed_methods, reason = "real servers, real time")]

#[path = "servers/certificates.rs"]
mod certificates;
#[path = "servers/running.rs"]
mod running;
#[path = "servers/sentinels.rs"]
mod sentinels;
mod servers;
#[path = "servers/ways.rs"]
mod ways;

use certificates::Authority;
use running::block_on;
use sentinels::{NAME, Watched};
use servers::{Redis, free_port};
use simq::{App, AsyncResult, CallOptions, TaskContext};
use std::time::{Duration, Instant};
use ways::{assert_says, settings, works};

const PATIENCE: Duration = Duration::from_secs(18);

fn works_with(url: &str) {
    works(&[("broker_url", url), ("result_backend", url)]);
}

#[test]
fn passwords_users_databases_and_sockets() {
    let directory = tempfile::TempDir::new().expect("a directory");
    let socket = directory.path().join("r s.sock");
    let socket = socket.to_str().expect("UTF-8");
    let user = ["--user", "worker", "on", ">p@ss/w:rd", "~*", "&*", "+@all"];
    let options = [&["--requirepass", "s:e/c r@et", "--unixsocket", socket][..], &user].concat();
    let redis = Redis::start_with(&options);
    let port = redis.port;
    works_with(&format!("redis://:s%3Ae%2Fc%20r%40et@127.0.0.1:{port}/3"));
    works_with(&format!("valkey://worker:p%40ss%2Fw%3Ard@127.0.0.1:{port}/15"));
    let socket = socket.replace(' ', "%20");
    works_with(&format!("redis+socket://:s%3Ae%2Fc%20r%40et@{socket}?virtual_host=4"));
    let parts = [
        ("broker_transport", "redis"),
        ("broker_host", "127.0.0.1"),
        ("broker_password", "s:e/c r@et"),
        ("broker_vhost", "5"),
        ("result_backend", "redis://"),
        ("redis_host", "127.0.0.1"),
        ("redis_username", "worker"),
        ("redis_password", "p@ss/w:rd"),
        ("redis_client_name", "results"),
    ];
    let port = port.to_string();
    works(&[&parts[..], &[("broker_port", &port), ("redis_port", &port)]].concat());
}

#[test]
fn what_keeps_one_out_is_named() {
    let redis = Redis::start_with(&["--requirepass", "right", "--databases", "4"]);
    let at = |login: &str, database: &str| format!("redis://{login}127.0.0.1:{}/{database}", redis.port);
    assert_says(&[("broker_url", &at("", "0"))], &["NOAUTH"]);
    assert_says(&[("broker_url", &at(":secret@", "0"))], &["WRONGPASS", &redis.port.to_string()]);
    assert_says(&[("broker_url", &at(":right@", "4"))], &["/4", "out of range"]);
    assert_says(&[("broker_url", &at(":right@", "x"))], &["broker_url", "\"x\" is no database"]);
    let closed = format!("redis://127.0.0.1:{}", free_port());
    assert_says(&[("broker_url", &closed)], &["refused", &closed]);
    assert_says(&[("broker_url", "redis+socket:///nowhere/redis.sock")], &["No such file"]);
    let replica = Redis::start_with(&["--replicaof", &format!("127.0.0.1 {}", redis.port), "--masterauth", "right"]);
    assert_says(&[("broker_url", &replica.url(0))], &["replica", "connect to its master"]);
}

fn tls_server(authority: &Authority, names: &[&str], wants_certificates: &str) -> (Redis, u16) {
    let (certificate, key) = authority.sign(names[0], names);
    let port = free_port();
    let ca = authority.certificate();
    let redis = Redis::start_with(&[
        "--tls-port",
        &port.to_string(),
        "--tls-cert-file",
        &certificate,
        "--tls-key-file",
        &key,
        "--tls-ca-cert-file",
        &ca,
        "--tls-auth-clients",
        wants_certificates,
    ]);
    (redis, port)
}

#[test]
fn tls_with_the_options_of_settings_and_of_addresses() {
    let authority = Authority::new();
    let (_redis, port) = tls_server(&authority, &["localhost"], "yes");
    let (certificate, key) = authority.sign("client", &["client"]);
    let ca = authority.certificate();
    let files = format!("ssl_ca_certs={ca}&ssl_certfile={certificate}&ssl_keyfile={key}");
    works_with(&format!("rediss://localhost:{port}/1?ssl_cert_reqs=CERT_REQUIRED&{files}"));
    let files = format!("ssl_certfile={certificate}&ssl_keyfile={key}");
    works_with(&format!("rediss://localhost:{port}/1?ssl_cert_reqs=none&{files}"));
    let table = format!("{{ ssl_ca_certs = '{ca}', ssl_certfile = '{certificate}', ssl_keyfile = '{key}' }}");
    let url = format!("rediss://localhost:{port}");
    let plain = format!("redis://localhost:{port}");
    let tables = [("broker_use_ssl", &*table), ("redis_backend_use_ssl", &table)];
    works(&[&tables[..], &[("broker_url", &url), ("result_backend", &plain)]].concat());
}

#[test]
fn what_is_wrong_with_a_certificate_is_named() {
    let authority = Authority::new();
    let (redis, port) = tls_server(&authority, &["elsewhere"], "yes");
    let (certificate, key) = authority.sign("client", &["client"]);
    let (_, other_key) = authority.sign("other", &["other"]);
    let ca = authority.certificate();
    let stranger = Authority::new().certificate();
    let url = format!("rediss://localhost:{port}");
    let tls = |table: &str| [("broker_url", url.clone()), ("broker_use_ssl", format!("{{ {table} }}"))];
    let says = |table: &str, expected: &[&str]| {
        let set = tls(table);
        assert_says(&set.each_ref().map(|(name, value)| (*name, value.as_str())), expected);
    };
    says("ssl_ca_certs = '/nowhere/ca.pem'", &["ssl_ca_certs", "/nowhere/ca.pem", "No such file"]);
    says(&format!("ssl_ca_certs = '{key}'"), &["no CERTIFICATE in", &key]);
    says(&format!("ssl_ca_certs = '{stranger}'"), &["ssl_ca_certs", "/ca.crt"]);
    says(&format!("ssl_ca_certs = '{ca}'"), &["another name", "ssl_check_hostname"]);
    let lax = format!("ssl_ca_certs = '{ca}', ssl_check_hostname = false");
    says(&lax, &["the server wants a certificate", "ssl_certfile"]);
    says(&format!("{lax}, ssl_certfile = '{certificate}', ssl_keyfile = '{other_key}'"), &["the key in ssl_keyfile"]);
    says("ssl_cert_req = 'none'", &["broker_use_ssl", "did you mean ssl_cert_reqs?"]);
    let set = tls(&format!("{lax}, ssl_certfile = '{certificate}', ssl_keyfile = '{key}'"));
    works(&[("broker_url", &set[0].1), ("broker_use_ssl", &set[1].1), ("result_backend", "memory")]);
    let plain = format!("rediss://127.0.0.1:{}?ssl_cert_reqs=none", redis.port);
    assert_says(&[("broker_url", &plain)], &["is TLS spoken on this port?"]);
}

#[test]
fn the_next_of_several_servers_is_tried() {
    let redis = Redis::start();
    let both = format!("redis://127.0.0.1:{};{}", free_port(), redis.url(2));
    works(&[("broker_url", &both), ("result_backend", &redis.url(3))]);
}

#[test]
fn without_records_a_delivery_is_an_ack() {
    let redis = Redis::start();
    let url = redis.url(0);
    let app = App::with_settings(
        "demo",
        settings(&[
            ("broker_url", &url),
            ("result_backend", &url),
            ("broker_transport_options.ack_emulation", "false"),
        ]),
    );
    let look = app.task("tasks.look", move |_: TaskContext, (port,): (u16,)| async move {
        let client = redis::Client::open(format!("redis://127.0.0.1:{port}")).expect("a URL");
        let mut connection = client.get_connection().expect("redis answers");
        Ok(redis::cmd("HLEN").arg("unacked").query::<i64>(&mut connection).expect("a number"))
    });
    let running = app.start().expect("it starts");
    block_on(async {
        let call = look.delay((redis.port,)).await.expect("it is published");
        assert_eq!(call.get(PATIENCE).await.expect("a result"), 0);
        running.shutdown().await;
    });
}

#[test]
fn what_no_binding_leads_on_goes_to_the_queue_for_it() {
    let redis = Redis::start();
    let url = redis.url(0);
    let queues = "{ video = { exchange = 'media', exchange_type = 'topic', routing_key = 'video.#' } }";
    let astray = ("broker_transport_options.deadletter_queue", "astray");
    let app = App::with_settings("demo", settings(&[("broker_url", &url), ("task_queues", queues), astray]));
    let add = app.task("tasks.add", |_: TaskContext, (x, y): (i64, i64)| async move { Ok(x + y) });
    let running = app.start().expect("it starts");
    block_on(async {
        let exchange = Some("media".to_owned());
        let options = CallOptions { exchange, routing_key: Some("text.new".to_owned()), ..CallOptions::default() };
        add.apply_async((1, 2), options).await.expect("it is published");
        running.shutdown().await;
    });
    let length: i64 = redis::cmd("LLEN").arg("astray").query(&mut redis.connection()).expect("a number");
    assert_eq!(length, 1);
}

#[test]
fn sentinels_lead_to_the_new_master() {
    let start = Instant::now();
    let mut watched = Watched::start("pass");
    let (broker, results) = (watched.url(1), watched.url(2));
    let kwargs = "{ password = 'pass' }";
    let app = App::with_settings(
        "demo",
        settings(&[
            ("broker_url", &broker),
            ("result_backend", &results),
            ("broker_transport_options.master_name", NAME),
            ("broker_transport_options.sentinel_kwargs", kwargs),
            ("broker_transport_options.min_other_sentinels", "1"),
            ("broker_transport_options.lease", "2"),
            ("result_backend_transport_options.master_name", NAME),
            ("result_backend_transport_options.sentinel_kwargs", kwargs),
            ("result_backend_max_sleep_between_retries_ms", "500"),
        ]),
    );
    let slow = app.task("tasks.slow", |context: TaskContext, (number,): (i64,)| async move {
        context.sleep(Duration::from_millis(100)).await;
        Ok(number)
    });
    let running = app.start().expect("it starts");
    block_on(async {
        let mut calls: Vec<AsyncResult<i64>> = Vec::new();
        for number in 0..40 {
            calls.push(slow.delay((number,)).await.expect("it is published"));
        }
        assert_eq!(calls[0].get(PATIENCE).await.expect("a result"), 0);
        watched.replicate();
        watched.kill_master();
        for number in 40..60 {
            calls.push(slow.delay((number,)).await.expect("it is published on the new master"));
        }
        for (number, call) in calls.into_iter().enumerate() {
            assert_eq!(call.get(PATIENCE).await.expect("a result"), number as i64, "after {:?}", start.elapsed());
        }
        running.shutdown().await;
    });
}

#[test]
fn what_is_wrong_with_sentinels_is_named() {
    assert_says(&[("broker_url", "sentinel://127.0.0.1:1")], &["broker_url", "broker_transport_options.master_name"]);
    let watched = Watched::start("pass");
    let url = watched.url(0);
    let named = ("broker_transport_options.master_name", NAME);
    let kwargs = ("broker_transport_options.sentinel_kwargs", "{ password = 'pass' }");
    assert_says(&[("broker_url", &url), named], &["no Sentinel leads to the master \"tasks\"", "NOAUTH"]);
    let other = ("broker_transport_options.master_name", "others");
    assert_says(&[("broker_url", &url), other, kwargs], &["\"others\"", "No such master with that name"]);
    let many = ("broker_transport_options.min_other_sentinels", "7");
    assert_says(&[("broker_url", &url), named, kwargs, many], &["min_other_sentinels is 7"]);
    let closed = format!("sentinel://127.0.0.1:{}", free_port());
    assert_says(&[("broker_url", &closed), named], &["refused"]);
    let redis = Redis::start();
    let no_sentinel = format!("sentinel://127.0.0.1:{}", redis.port);
    assert_says(&[("broker_url", &no_sentinel), named], &["SENTINEL"]);
}
