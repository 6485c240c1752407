//! Where calls go: routes, exchanges, broadcasts, priorities. In the simulated cluster.

use serde_json::json;
use simq::routing::Route;
use simq::scenario::testkit::Cluster;
use simq::settings::{Profile, Settings};
use simq::{App, CallOptions, Error, TaskContext, TaskOptions};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const LONG: Duration = Duration::from_secs(600);

/// The example of docs/routing.md.
const EXAMPLE: &str = include_str!("../docs/routing.md");

fn example() -> toml::Table {
    let text = EXAMPLE.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
    text.parse().expect("TOML")
}

fn settings(profile: Profile) -> Settings {
    let mut settings = Settings::new(profile);
    settings.set_all(&example()).expect("the example is right");
    settings
}

type Seen = Arc<Mutex<Vec<(String, String)>>>;

/// Tasks that say which queue their message came from.
fn app(settings: &Settings, seen: &Seen) -> App {
    let app = App::with_settings("routing", settings.clone());
    for name in ["plain", "video.cut", "video.subtitle", "mail.send", "cache.drop", "report.daily"] {
        let seen = seen.clone();
        app.task(name, move |ctx: TaskContext, (): ()| {
            let came = (
                ctx.hostname().split('/').next().unwrap_or_default().to_owned(),
                ctx.delivery_info().queue.to_string(),
            );
            seen.lock().expect("one thread").push(came);
            let queue = ctx.delivery_info().queue.to_string();
            async move { Ok(queue) }
        });
    }
    app
}

fn cluster(profile: Profile) -> (Cluster, Seen) {
    let (settings, seen) = (settings(profile), Seen::default());
    let tells = seen.clone();
    (Cluster::new(move || app(&settings, &tells)), seen)
}

#[test]
fn calls_go_where_names_globs_and_regular_expressions_say() {
    let (cluster, _) = cluster(Profile::Safe);
    cluster.run(|client| async move {
        for (task, queue) in [
            ("plain", "celery"),
            ("video.cut", "video"),
            ("video.subtitle", "subtitles"),
            ("mail.send", "mail"),
            ("report.daily", "reports"),
        ] {
            let call = client.app.remote::<(), String>(task).delay(()).await.unwrap();
            assert_eq!(call.get(LONG).await.as_deref(), Ok(queue), "{task}");
        }
        let asked = CallOptions { queue: Some("mail".into()), ..CallOptions::default() };
        let call = client.app.remote::<(), String>("video.cut").apply_async((), asked).await.unwrap();
        assert_eq!(call.get(LONG).await.as_deref(), Ok("mail"), "the call has the last word");
    });
}

#[test]
fn a_topic_exchange_serves_every_queue_whose_pattern_matches() {
    // In profile `safe` a worker that meets both copies runs one of them: they have one id.
    let (cluster, seen) = cluster(Profile::Celery);
    cluster.run(|client| async move {
        let keyed = |key: &str| CallOptions {
            exchange: Some("media".into()),
            routing_key: Some(key.into()),
            ..CallOptions::default()
        };
        let plain = client.app.remote::<(), String>("plain");
        plain.apply_async((), keyed("video.cut")).await.unwrap().get(LONG).await.unwrap();
        plain.apply_async((), keyed("video.subtitles.en")).await.unwrap();
        client.sleep(Duration::from_secs(5)).await;
    });
    let mut queues: Vec<String> = seen.lock().unwrap().iter().map(|(_, queue)| queue.clone()).collect();
    queues.sort();
    assert_eq!(queues, ["subtitles", "video", "video"], "the second key matches both patterns");
}

#[test]
fn a_broadcast_reaches_every_worker_that_listens() {
    let (cluster, seen) = cluster(Profile::Safe);
    let report = cluster.workers(3, 1).kill_at(Duration::from_secs(2), "w2").run(|client| async move {
        let drop = client.app.remote::<(), String>("cache.drop");
        client.sleep(Duration::from_secs(1)).await;
        drop.delay(()).await.unwrap();
        client.sleep(Duration::from_secs(3)).await;
        drop.delay(()).await.unwrap();
        client.sleep(Duration::from_secs(3)).await;
    });
    let mut workers: Vec<String> = seen.lock().unwrap().iter().map(|(worker, _)| worker.clone()).collect();
    workers.sort();
    assert_eq!(workers, ["w1", "w1", "w2", "w3", "w3"]);
    assert_eq!((report.duplicated, report.lost), (0, 0), "one execution in each worker is no duplicate");
}

#[test]
fn a_call_for_one_worker_goes_to_its_own_queue() {
    for profile in [Profile::Safe, Profile::Celery] {
        let settings = Settings { worker_direct: true, ..settings(profile) };
        let seen = Seen::default();
        let tells = seen.clone();
        Cluster::new(move || app(&settings, &tells)).workers(3, 1).run(|client| async move {
            let plain = client.app.remote::<(), String>("plain");
            client.sleep(Duration::from_secs(1)).await;
            let queue = CallOptions { queue: Some("w2.dq2".into()), ..CallOptions::default() };
            let keyed = CallOptions {
                exchange: Some("C.dq2".into()),
                routing_key: Some("w3".into()),
                ..CallOptions::default()
            };
            for (options, queue) in [(queue, "w2.dq2"), (keyed, "w3.dq2"), (CallOptions::default(), "celery")] {
                let call = plain.apply_async((), options).await.unwrap();
                assert_eq!(call.get(LONG).await.as_deref(), Ok(queue));
            }
        });
        let seen = seen.lock().unwrap();
        assert_eq!((seen[0].0.as_str(), seen[1].0.as_str()), ("w2", "w3"));
    }
}

#[test]
fn what_no_queue_is_bound_for_is_an_error_in_safe_and_gone_in_celery() {
    for profile in [Profile::Safe, Profile::Celery] {
        let (cluster, seen) = cluster(profile);
        cluster.run(move |client| async move {
            let nowhere = CallOptions {
                exchange: Some("media".into()),
                routing_key: Some("audio.mix".into()),
                ..CallOptions::default()
            };
            let plain = client.app.remote::<(), String>("plain");
            let sent = plain.apply_async((), nowhere).await;
            match profile {
                Profile::Safe => {
                    let error = sent.unwrap_err().to_string();
                    assert!(error.contains("no queue is bound") && error.contains("audio.mix"), "{error}");
                }
                Profile::Celery => assert!(sent.is_ok()),
            }
            // The connection lives on.
            assert_eq!(plain.delay(()).await.unwrap().get(LONG).await.as_deref(), Ok("celery"));
        });
        assert_eq!(seen.lock().unwrap().len(), 1);
    }
}

#[test]
fn a_queue_that_nobody_has_is_made_or_refused() {
    let strict = Settings { task_create_missing_queues: false, ..settings(Profile::Safe) };
    Cluster::new(move || app(&strict, &Seen::default())).run(|client| async move {
        let typo = CallOptions { queue: Some("vidoe".into()), ..CallOptions::default() };
        let error = client.app.remote::<(), String>("plain").apply_async((), typo).await.unwrap_err();
        assert!(matches!(error, Error::Routing(_)) && error.to_string().contains("did you mean \"video\"?"), "{error}");
    });
    let (cluster, _) = cluster(Profile::Safe);
    cluster.run(|client| async move {
        let unknown = CallOptions { exchange: Some("nowhere".into()), ..CallOptions::default() };
        let error = client.app.remote::<(), String>("plain").apply_async((), unknown).await.unwrap_err();
        assert!(matches!(error, Error::Routing(_)), "{error}");
    });
}

#[test]
fn functions_are_asked_before_the_table_and_see_the_arguments() {
    let settings = settings(Profile::Safe);
    Cluster::new(move || {
        let app = App::with_settings("routing", settings.clone());
        app.router(|call| (call.args.get().contains("urgent")).then(|| Route::to("mail")));
        let options = TaskOptions { queue: Some("reports".into()), ..TaskOptions::default() };
        app.task_with("any", options, |ctx: TaskContext, (_,): (String,)| {
            let queue = ctx.delivery_info().queue.to_string();
            async move { Ok(queue) }
        });
        app
    })
    .run(|client| async move {
        let any = client.app.remote::<(String,), String>("any");
        assert_eq!(any.delay(("urgent".into(),)).await.unwrap().get(LONG).await.as_deref(), Ok("mail"));
        assert_eq!(any.delay(("calm".into(),)).await.unwrap().get(LONG).await.as_deref(), Ok("reports"));
    });
}

#[test]
fn on_a_queue_with_priorities_the_more_urgent_goes_first_and_a_retry_stays_there() {
    let (settings, seen) = (settings(Profile::Safe), Seen::default());
    let tells = seen.clone();
    let report = Cluster::new(move || {
        let app = App::with_settings("routing", settings.clone());
        let tells = tells.clone();
        app.task("mail.send", move |ctx: TaskContext, (name,): (String,)| {
            let tells = tells.clone();
            async move {
                ctx.sleep(Duration::from_secs(1)).await;
                if ctx.retries() == 0 && name == "retried" {
                    return Err(simq::TaskError::retry_in(Duration::ZERO));
                }
                tells.lock().expect("one thread").push((name, ctx.delivery_info().queue.to_string()));
                Ok(json!(ctx.priority()))
            }
        });
        app
    })
    .run(|client| async move {
        let send = client.app.remote::<(String,), serde_json::Value>("mail.send");
        let call = |priority| CallOptions { priority: Some(priority), ..CallOptions::default() };
        for (name, priority) in [("first", 5), ("low", 1), ("retried", 9), ("high", 8)] {
            send.apply_async((name.into(),), call(priority)).await.unwrap();
            client.sleep(Duration::from_millis(50)).await;
        }
    });
    let order: Vec<String> = seen.lock().unwrap().iter().map(|(name, queue)| format!("{name} {queue}")).collect();
    assert_eq!(order, ["first mail", "retried mail", "high mail", "low mail"]);
    assert_eq!(report.succeeded, 4);
}
