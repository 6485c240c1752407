//! Processes and queues in the order in which a reader wants them: who calls, what waits, who works, what is known.

use super::record::{Place, Recorder};
use crate::collections::Map;
use crate::scenario::cluster::{BACKEND, BROKER, Plan};
use serde::Serialize;

/// What a lane stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Client,
    Beat,
    Broker,
    Queue,
    Worker,
    Child,
    Backend,
}

/// One line of the picture.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Lane {
    pub(super) name: String,
    pub(super) kind: Kind,
    /// The lane of the process that it belongs to: the worker of a child, the broker of a queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) of: Option<u32>,
}

/// The lanes of a run, and which one each process and queue has.
pub(super) struct Lanes {
    pub(super) all: Vec<Lane>,
    places: [Vec<u32>; 2],
}

impl Lanes {
    pub(super) fn of(recorder: &Recorder, plan: &Plan) -> Lanes {
        let mut lanes = Lanes {
            all: Vec::new(),
            places: [vec![0; recorder.processes.iter().len()], vec![0; recorder.queues.iter().len()]],
        };
        let mut children: Map<&str, Vec<&str>> = Map::default();
        for name in recorder.processes.iter() {
            if let Some((worker, _)) = name.split_once('/') {
                children.entry(worker).or_default().push(name);
            }
        }
        for (client, _) in &plan.clients {
            lanes.add_process(recorder, client, Kind::Client, None);
        }
        for beat in &plan.beats {
            lanes.add_process(recorder, beat, Kind::Beat, None);
        }
        let broker = lanes.add_process(recorder, BROKER, Kind::Broker, None);
        for (number, queue) in recorder.queues.iter().enumerate() {
            lanes.places[1][number] = lanes.add(queue, Kind::Queue, Some(broker));
        }
        for worker in &plan.workers {
            let lane = lanes.add_process(recorder, &worker.name, Kind::Worker, None);
            let mut own = children.swap_remove(&*worker.name).unwrap_or_default();
            own.sort_by_key(|child| (child.len(), *child));
            for child in own {
                lanes.add_process(recorder, child, Kind::Child, Some(lane));
            }
        }
        lanes.add_process(recorder, BACKEND, Kind::Backend, None);
        lanes
    }

    fn add(&mut self, name: &str, kind: Kind, of: Option<u32>) -> u32 {
        self.all.push(Lane { name: name.to_owned(), kind, of });
        (self.all.len() - 1) as u32
    }

    fn add_process(&mut self, recorder: &Recorder, name: &str, kind: Kind, of: Option<u32>) -> u32 {
        let lane = self.add(name, kind, of);
        if let Some(number) = recorder.processes.find(name) {
            self.places[0][number] = lane;
        }
        lane
    }

    pub(super) fn at(&self, place: Place) -> u32 {
        match place {
            Place::Process(number) => self.places[0][number as usize],
            Place::Queue(number) => self.places[1][number as usize],
        }
    }

    /// Lanes of the processes of these names.
    pub(super) fn named<'a>(&'a self, names: &'a [&str]) -> impl Iterator<Item = u32> + 'a {
        let of = |lane: &Lane| lane.kind != Kind::Queue && names.contains(&&*lane.name);
        self.all.iter().enumerate().filter(move |(_, lane)| of(lane)).map(|(number, _)| number as u32)
    }
}
