//! Topic patterns: words separated by dots, `*` for one word, `#` for any number of words.

use super::names::WordMap;
use super::queue::QueueId;

/// The patterns of a topic exchange as a trie of words.
///
/// A routing key is matched by walking all branches at once: the set of nodes reached after each word. The work is
/// bounded by the number of words times the number of nodes, whatever the patterns are.
#[derive(Clone, Debug)]
pub(super) struct TopicTrie {
    nodes: Vec<Node>,
    free: Vec<usize>,
}

#[derive(Clone, Debug, Default)]
struct Node {
    words: WordMap<usize>,
    star: Option<usize>,
    hash: Option<usize>,
    /// Reached through `#`: takes any further word and stays.
    is_hash: bool,
    queues: Vec<QueueId>,
}

const ROOT: usize = 0;

impl Default for TopicTrie {
    fn default() -> Self {
        TopicTrie { nodes: vec![Node::default()], free: Vec::new() }
    }
}

impl TopicTrie {
    pub(super) fn is_empty(&self) -> bool {
        self.nodes[ROOT].is_unused()
    }

    /// Adds a binding that is known to be new.
    pub(super) fn bind(&mut self, pattern: &str, queue: QueueId) {
        let leaf = words(pattern).fold(ROOT, |node, word| self.child_or_new(node, word));
        self.nodes[leaf].queues.push(queue);
    }

    /// Removes a binding and the branch that only it used.
    pub(super) fn unbind(&mut self, pattern: &str, queue: QueueId) {
        let mut path = Vec::new();
        let mut node = ROOT;
        for word in words(pattern) {
            let Some(child) = self.nodes[node].child(word) else { return };
            path.push((node, word, child));
            node = child;
        }
        self.nodes[node].queues.retain(|bound| *bound != queue);
        for (parent, word, child) in path.into_iter().rev() {
            if !self.nodes[child].is_unused() {
                return;
            }
            self.nodes[parent].remove_child(word);
            self.free.push(child);
        }
    }

    /// Appends the queues whose patterns match, each once.
    pub(super) fn route(&self, routing_key: &str, targets: &mut Vec<QueueId>) {
        let mut reached = vec![ROOT];
        self.pass_hashes(&mut reached);
        for word in words(routing_key) {
            reached = self.step(&reached, word);
            if reached.is_empty() {
                return;
            }
        }
        targets.extend(reached.iter().flat_map(|&node| &self.nodes[node].queues));
        targets.sort_unstable();
        targets.dedup();
    }

    fn step(&self, reached: &[usize], word: &str) -> Vec<usize> {
        let mut next = Vec::with_capacity(reached.len() + 2);
        for &at in reached {
            let node = &self.nodes[at];
            next.extend(node.words.get(word));
            next.extend(node.star);
            next.extend(node.is_hash.then_some(at));
        }
        self.pass_hashes(&mut next);
        next
    }

    /// `#` also stands for no word: a node's `#` child is reached with the node.
    fn pass_hashes(&self, reached: &mut Vec<usize>) {
        let mut at = 0;
        while at < reached.len() {
            reached.extend(self.nodes[reached[at]].hash);
            at += 1;
        }
        reached.sort_unstable();
        reached.dedup();
    }

    fn child_or_new(&mut self, parent: usize, word: &str) -> usize {
        if let Some(child) = self.nodes[parent].child(word) {
            return child;
        }
        let node = Node { is_hash: word == "#", ..Node::default() };
        let child = self.free.pop().unwrap_or(self.nodes.len());
        if child == self.nodes.len() {
            self.nodes.push(node);
        } else {
            self.nodes[child] = node;
        }
        self.nodes[parent].add_child(word, child);
        child
    }
}

impl Node {
    fn is_unused(&self) -> bool {
        self.queues.is_empty() && self.words.is_empty() && self.star.is_none() && self.hash.is_none()
    }

    fn child(&self, word: &str) -> Option<usize> {
        match word {
            "*" => self.star,
            "#" => self.hash,
            _ => self.words.get(word).copied(),
        }
    }

    fn add_child(&mut self, word: &str, child: usize) {
        match word {
            "*" => self.star = Some(child),
            "#" => self.hash = Some(child),
            _ => {
                self.words.insert(word.into(), child);
            }
        }
    }

    fn remove_child(&mut self, word: &str) {
        match word {
            "*" => self.star = None,
            "#" => self.hash = None,
            _ => {
                self.words.swap_remove(word);
            }
        }
    }
}

/// The words of a key; the empty key has none.
fn words(key: &str) -> impl Iterator<Item = &str> {
    key.split('.').filter(move |_| !key.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, key: &str) -> bool {
        let mut trie = TopicTrie::default();
        trie.bind(pattern, QueueId(1));
        let mut targets = Vec::new();
        trie.route(key, &mut targets);
        trie.unbind(pattern, QueueId(1));
        assert!(trie.is_empty(), "{pattern} left nodes behind");
        targets == [QueueId(1)]
    }

    #[test]
    fn a_star_is_exactly_one_word() {
        assert!(matches("task.*", "task.failed"));
        assert!(!matches("task.*", "task"));
        assert!(!matches("task.*", "task.a.b"));
        assert!(matches("*.*", "."));
        assert!(!matches("*", ""));
    }

    #[test]
    fn a_hash_is_any_number_of_words() {
        for key in ["", "a", "a.b.c"] {
            assert!(matches("#", key), "{key}");
            assert!(matches("#.#", key), "{key}");
        }
        assert!(matches("#.celery", "0.1.0.celery"));
        assert!(matches("a.#.b", "a.b"));
        assert!(matches("a.#.b", "a.b.b"));
        assert!(!matches("a.#.b", "a.b.c"));
        assert!(matches("*.#", "a"));
        assert!(!matches("*.#", ""));
    }

    #[test]
    fn a_queue_with_several_matching_patterns_is_a_target_once() {
        let mut trie = TopicTrie::default();
        for pattern in ["a.b", "a.*", "#", "*.b"] {
            trie.bind(pattern, QueueId(7));
        }
        let mut targets = Vec::new();
        trie.route("a.b", &mut targets);
        assert_eq!(targets, [QueueId(7)]);
    }

    #[test]
    fn many_hashes_do_not_multiply_the_work() {
        let pattern = "#.a.".repeat(40) + "#.end";
        assert!(!matches(&pattern, &"a.".repeat(2000)));
    }
}
