//! Fault plans for properties: a proptest strategy whose failures read as a scenario.

use super::Cluster;
use crate::scenario::cluster::{BACKEND, BROKER, When};
use proptest::prelude::{Just, Strategy};
use proptest::{collection, prop_oneof, sample};
use simq_sim::Fault;
use std::fmt;
use std::time::Duration;

/// What goes wrong in one case of a property. Its `Debug` is the `[[fault]]` part of a scenario file, so that is what a
/// failed property prints.
#[derive(Clone, PartialEq, Eq)]
pub struct FaultPlan(Vec<Planned>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Planned {
    worker: String,
    at: u64,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Kill { restart_after: u64 },
    KillChild,
    Pause { lasting: u64 },
    Reset { server: &'static str },
    Partition { server: &'static str, lasting: u64 },
}

/// Plans of up to `most` faults that strike `workers` within `within`: kills with a restart, lost pool children, pauses,
/// resets and partitions of their connections. They shrink to fewer faults that come earlier and last shorter.
///
/// ```
/// use proptest::test_runner::{Config, TestRunner};
/// use simq::scenario::testkit::{Cluster, fault_plans};
/// use simq::{App, TaskContext};
/// use std::time::Duration;
///
/// fn app() -> App {
///     let app = App::new("shop");
///     app.task("mail.send", |_: TaskContext, ()| async move { Ok(()) });
///     app
/// }
///
/// let plans = fault_plans(&["w1", "w2"], 2, Duration::from_secs(5));
/// let mut runner = TestRunner::new(Config { cases: 8, failure_persistence: None, ..Config::default() });
/// runner.run(&plans, |plan| {
///     let summary = Cluster::new(app).workers(2, 1).faults(&plan).run(|client| async move {
///         client.app.remote::<(), ()>("mail.send").delay(()).await.map(drop)
///     });
///     assert_eq!(summary.lost, 0);
///     Ok(())
/// }).unwrap();
/// ```
pub fn fault_plans(workers: &[&str], most: usize, within: Duration) -> impl Strategy<Value = FaultPlan> + use<> {
    let workers: Vec<String> = workers.iter().map(|worker| (*worker).to_owned()).collect();
    let latest = u64::try_from(within.as_millis()).unwrap_or(u64::MAX).max(1);
    let server = || prop_oneof![Just(BROKER), Just(BACKEND)];
    let kind = prop_oneof![
        (1..10_000_u64).prop_map(|restart_after| Kind::Kill { restart_after }),
        Just(Kind::KillChild),
        (1..60_000_u64).prop_map(|lasting| Kind::Pause { lasting }),
        server().prop_map(|server| Kind::Reset { server }),
        (server(), 1..60_000_u64).prop_map(|(server, lasting)| Kind::Partition { server, lasting }),
    ];
    let planned = (sample::select(workers), 1..=latest, kind);
    let planned = planned.prop_map(|(worker, at, kind)| Planned { worker, at, kind });
    collection::vec(planned, 0..=most).prop_map(FaultPlan)
}

impl Planned {
    fn fault(&self) -> Fault {
        let process = self.worker.clone();
        let millis = Duration::from_millis;
        let between = |server: &str| [self.worker.clone(), server.to_owned()];
        match self.kind {
            Kind::Kill { restart_after } => {
                let next = Box::new(Fault::Restart { process: process.clone() });
                Fault::Then { first: Box::new(Fault::Kill { process }), after: millis(restart_after), next }
            }
            Kind::KillChild => Fault::KillChild { process, child: Some(1) },
            Kind::Pause { lasting } => Fault::Pause { process, lasting: Some(millis(lasting)) },
            Kind::Reset { server } => Fault::Reset { between: between(server) },
            Kind::Partition { server, lasting } => {
                Fault::Partition { between: between(server), both: true, lasting: Some(millis(lasting)) }
            }
        }
    }
}

impl fmt::Debug for FaultPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("# no faults");
        }
        for Planned { worker, at, kind } in &self.0 {
            let span = |millis: u64| humantime::format_duration(Duration::from_millis(millis)).to_string();
            write!(f, "\n[[fault]]\nat = {:?}\n", span(*at))?;
            let hosts = |server: &str| format!("hosts = [{worker:?}, {server:?}]");
            match *kind {
                Kind::Kill { restart_after } => {
                    writeln!(f, "do = \"kill\"\nprocess = {worker:?}\nrestart_after = {:?}", span(restart_after))?;
                }
                Kind::KillChild => writeln!(f, "do = \"kill_child\"\nprocess = {worker:?}\nchild = 1")?,
                Kind::Pause { lasting } => {
                    writeln!(f, "do = \"pause\"\nprocess = {worker:?}\nfor = {:?}", span(lasting))?;
                }
                Kind::Reset { server } => writeln!(f, "do = \"reset\"\n{}", hosts(server))?,
                Kind::Partition { server, lasting } => {
                    writeln!(f, "do = \"partition\"\n{}\nfor = {:?}", hosts(server), span(lasting))?;
                }
            }
        }
        Ok(())
    }
}

impl Cluster {
    /// The faults of a plan, after those that were given before. Those of a plan may find nothing to strike.
    #[must_use]
    pub fn faults(mut self, plan: &FaultPlan) -> Self {
        self.must_strike.get_or_insert(self.plan.faults.len());
        let faults = plan.0.iter().map(|planned| (When::At(Duration::from_millis(planned.at)), planned.fault()));
        self.plan.faults.extend(faults);
        self
    }
}
