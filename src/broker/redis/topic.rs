//! Topic patterns on Redis: kombu's, which differ from RabbitMQ's. `#` stands for any text, dots around it included in
//! the pattern: `a.#` does not match `a`.

/// Whether a routing key matches: kombu's `*` is one word, its `#` any text.
pub(super) fn matches(pattern: &str, key: &str) -> bool {
    // Pieces between wildcards in order, with backtracking over the last wildcard of each kind bounded by the lengths.
    let (pattern, key) = (pattern.as_bytes(), key.as_bytes());
    let mut reached = vec![false; key.len() + 1];
    reached[0] = true;
    for symbol in pattern {
        let mut next = vec![false; key.len() + 1];
        match symbol {
            b'#' => {
                let mut open = false;
                for (place, next) in next.iter_mut().enumerate() {
                    open |= reached[place];
                    *next = open;
                }
            }
            // One or more, none of them a dot.
            b'*' => {
                let mut open = false;
                for place in 0..key.len() {
                    open = (open || reached[place]) && key[place] != b'.';
                    next[place + 1] = open;
                }
            }
            symbol => {
                for place in 0..key.len() {
                    next[place + 1] = reached[place] && key[place] == *symbol;
                }
            }
        }
        reached = next;
    }
    reached[key.len()]
}

/// The regular expression that kombu keeps beside a pattern.
pub(super) fn kombus_pattern(pattern: &str) -> String {
    let words = pattern.split('.').map(|word| match word {
        "*" => "[^.]+".to_owned(),
        "#" => ".*?".to_owned(),
        word => regex::escape(word).replace("\\-", "-"),
    });
    format!("^{}$", words.collect::<Vec<_>>().join("\\."))
}
