//! A simulated disk. A killed process leaves what it wrote; a host that loses power leaves what was synced, and of the
//! rest perhaps a beginning.

use crate::prng::Prng;
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
    content: Vec<u8>,
    /// So much of it survives a loss of power.
    synced: usize,
}

impl Disk {
    pub(crate) fn read(&self, path: &str) -> Option<Vec<u8>> {
        self.files.get(path).map(|file| file.content.clone())
    }

    /// Names of the files below `folder`, which ends with a slash.
    pub(crate) fn list(&self, folder: &str) -> Vec<String> {
        let below = self.files.range(folder.to_owned()..).take_while(|(path, _)| path.starts_with(folder));
        below.map(|(path, _)| path[folder.len()..].to_owned()).collect()
    }

    pub(crate) fn append(&mut self, path: &str, bytes: &[u8]) {
        self.files.entry(path.to_owned()).or_default().content.extend_from_slice(bytes);
    }

    pub(crate) fn len(&self, path: &str) -> usize {
        self.files.get(path).map_or(0, |file| file.content.len())
    }

    /// Makes the first `len` bytes of a file safe from a loss of power.
    pub(crate) fn sync(&mut self, path: &str, len: usize) {
        if let Some(file) = self.files.get_mut(path) {
            file.synced = file.synced.max(len.min(file.content.len()));
        }
    }

    /// Replaces a file, all of it synced.
    pub(crate) fn replace(&mut self, path: &str, content: Vec<u8>) {
        self.files.insert(path.to_owned(), File { synced: content.len(), content });
    }

    pub(crate) fn remove(&mut self, path: &str) {
        self.files.remove(path);
    }

    /// The page cache is gone: of what was not synced a random beginning is left.
    pub(crate) fn lose_power(&mut self, random: &mut Prng) {
        for file in self.files.values_mut() {
            let unsynced = file.content.len() - file.synced;
            if unsynced > 0 {
                let kept = usize::try_from(random.between(0, unsynced as u64)).unwrap_or(0);
                file.content.truncate(file.synced + kept);
                file.synced = file.content.len();
            }
        }
    }

    pub(crate) fn machine(&self, name: &'static str) -> Option<Rc<dyn Any>> {
        self.machines.get(name).cloned()
    }

    /// Keeps a new machine, unless there is one of that name; returns the one that is kept.
    pub(crate) fn keep(&mut self, name: &'static str, machine: Rc<dyn Any>) -> Rc<dyn Any> {
        self.machines.entry(name).or_insert(machine).clone()
    }
}
