//! A simulated disk: what was synced survives a crash, what was only written does not.

use std::any::Any;
use std::collections::BTreeMap;
use std::rc::Rc;

/// The disk of one host.
#[derive(Default)]
pub(crate) struct Disk {
    files: BTreeMap<String, File>,
    machines: BTreeMap<&'static str, Rc<dyn Any>>,
}

#[derive(Default)]
struct File {
    written: Option<Vec<u8>>,
    synced: Option<Vec<u8>>,
}

impl Disk {
    pub(crate) fn read(&self, path: &str) -> Option<Vec<u8>> {
        self.files.get(path).and_then(|file| file.written.clone().or_else(|| file.synced.clone()))
    }

    pub(crate) fn write(&mut self, path: &str, bytes: Vec<u8>) {
        self.files.entry(path.to_owned()).or_default().written = Some(bytes);
    }

    pub(crate) fn sync(&mut self, path: &str) {
        if let Some(file) = self.files.get_mut(path)
            && let Some(bytes) = file.written.take()
        {
            file.synced = Some(bytes);
        }
    }

    /// A crash: the page cache is gone.
    pub(crate) fn crash(&mut self) {
        for file in self.files.values_mut() {
            file.written = None;
        }
        self.files.retain(|_, file| file.synced.is_some());
    }

    pub(crate) fn machine(&self, name: &'static str) -> Option<Rc<dyn Any>> {
        self.machines.get(name).cloned()
    }

    /// Keeps a new machine, unless there is one of that name; returns the one that is kept.
    pub(crate) fn keep(&mut self, name: &'static str, machine: Rc<dyn Any>) -> Rc<dyn Any> {
        self.machines.entry(name).or_insert(machine).clone()
    }
}
