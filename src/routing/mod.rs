//! Routing: which queue or exchange a call goes to. Pure.
//!
//! Celery's rules (wire sheet, section 18). What a call names itself comes first, then what the routers say
//! ([`Route`]; functions from code, then `task_routes`), then the task's own options, then `task_default_queue`. The
//! names of queues are looked up in [`Queues`], which knows `task_queues` and makes up what is missing.
//!
//! | file | holds |
//! |---|---|
//! | `queue` | a queue's exchange, key and arguments: `task_queues` |
//! | `routes` | names and patterns of tasks, and where they go: `task_routes` |
//! | `queues` | all queues of an application, and where a call is published |

mod queue;
mod queues;
mod routes;

pub use queue::{Kind, QueueSpec};
pub use queues::{Defaults, Published, Queues, RoutingError};
pub use routes::{BadRoute, Route, RouteCall, Routes};

/// A router: says where a call goes, or nothing.
pub type Router = dyn Fn(&RouteCall<'_>) -> Option<Route> + Send + Sync;

/// Where a call goes: what it names itself, then the first router that answers, then the task's own.
pub fn resolve<'r>(
    call: &RouteCall<'_>,
    own: &Route,
    routers: impl IntoIterator<Item = &'r Router>,
    routes: &Routes,
) -> Route {
    let answer = || routers.into_iter().find_map(|router| router(call)).or_else(|| routes.find(call.task).cloned());
    let mut route = call.asked.clone();
    if let Some(answer) = answer() {
        route.fill_from(&answer);
    }
    route.fill_from(own);
    route
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use serde_json::value::RawValue;

    fn vectors() -> Vec<Value> {
        let lines = include_str!("../../tests/golden/vectors_misc.jsonl").lines();
        let rows = lines.map(|line| serde_json::from_str::<Value>(line).expect("JSON lines"));
        rows.filter(|row| row["kind"] == "task_routes").collect()
    }

    /// For a call of which only the name matters.
    fn no_arguments() -> (Box<RawValue>, Box<RawValue>) {
        let raw = |json: &str| RawValue::from_string(json.to_owned()).unwrap();
        (raw("[]"), raw("{}"))
    }

    /// The routes of the vectors, which are written there as Python.
    fn routes() -> Routes {
        let text = r#"
            [[task_routes]]
            "a.b" = { queue = "exact" }
            "a.*" = { queue = "glob", priority = 3 }
            're:x\.(y|z)' = "regex"
            [[task_routes]]
            "late.*" = "second"
        "#;
        let table: toml::Table = text.parse().unwrap();
        Routes::from_toml(&table["task_routes"]).unwrap()
    }

    #[test]
    fn every_vector_is_routed_as_celery_routed_it() {
        let (routes, queues) = (routes(), Queues::default());
        let (args, kwargs) = no_arguments();
        let rows = vectors();
        assert_eq!(rows.len(), 9);
        for row in rows {
            let text = |value: &Value| value.as_str().map(str::to_owned);
            let priority = |value: &Value| value.as_u64().and_then(|priority| u8::try_from(priority).ok());
            let asked = Route {
                queue: text(&row["options"]["queue"]),
                priority: priority(&row["options"]["priority"]),
                ..Route::default()
            };
            let task = row["task"].as_str().unwrap();
            let call = RouteCall { task, args: &args, kwargs: &kwargs, asked };
            let route = resolve(&call, &Route::default(), [], &routes);
            let queue = queues.find(route.queue.as_deref()).unwrap();
            assert_eq!(Some(&*queue.name), row["queue"].as_str(), "{row}");
            assert_eq!(route.priority, priority(&row["other"]["priority"]), "{row}");
            if row["exchange"].is_string() {
                assert_eq!(Some(queue.exchange()), row["exchange"].as_str(), "{row}");
                assert_eq!(Some(queue.routing_key()), row["routing_key"].as_str(), "{row}");
            }
        }
    }

    #[test]
    fn the_call_goes_before_the_routers_and_those_before_the_task() {
        let (args, kwargs) = no_arguments();
        let named = |queue: &str| Route { queue: Some(queue.to_owned()), ..Route::default() };
        let function: &Router = &|call| (call.task == "a.c").then(|| Route { priority: Some(7), ..Route::default() });
        let route = |asked, own: &Route, routers: &[&Router]| {
            let call = RouteCall { task: "a.c", args: &args, kwargs: &kwargs, asked };
            resolve(&call, own, routers.iter().copied(), &routes())
        };
        assert_eq!(route(named("mine"), &named("own"), &[]).queue.as_deref(), Some("mine"));
        assert_eq!(route(Route::default(), &named("own"), &[]).queue.as_deref(), Some("glob"));
        let answered = route(Route::default(), &named("own"), &[function]);
        assert_eq!((answered.queue.as_deref(), answered.priority), (Some("own"), Some(7)), "the first answer counts");
    }
}
