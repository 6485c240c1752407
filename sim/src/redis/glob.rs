//! Glob patterns of `KEYS`, `SCAN`, `PSUBSCRIBE` and `CONFIG GET`.

/// Whether all of `text` matches: `*`, `?`, `[abc]`, `[^a-z]`, `\` before a literal.
pub(super) fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut seen) = (0, 0);
    // Where to go on when what follows the last star does not match: greedy matching needs only the last one.
    let mut star: Option<(usize, usize)> = None;
    loop {
        if pattern.get(at) == Some(&b'*') {
            at += 1;
            star = Some((at, seen));
            continue;
        }
        let step = text.get(seen).and_then(|byte| element(&pattern[at..], *byte));
        match (step, star) {
            (Some(width), _) => {
                at += width;
                seen += 1;
            }
            (None, _) if at == pattern.len() && seen == text.len() => return true,
            (None, Some((after, from))) if from < text.len() => {
                at = after;
                seen = from + 1;
                star = Some((after, from + 1));
            }
            (None, _) => return false,
        }
    }
}

/// The width of the first element of `pattern` if it matches `byte`.
fn element(pattern: &[u8], byte: u8) -> Option<usize> {
    match pattern {
        [] => None,
        [b'?', ..] => Some(1),
        [b'[', rest @ ..] => {
            let (matched, width) = class(rest, byte);
            matched.then_some(width + 1)
        }
        [b'\\', literal, ..] => (*literal == byte).then_some(2),
        [literal, ..] => (*literal == byte).then_some(1),
    }
}

/// A class after its bracket, and its width. One without an end goes to the end of the pattern.
fn class(mut pattern: &[u8], byte: u8) -> (bool, usize) {
    let whole = pattern.len();
    let negated = pattern.first() == Some(&b'^');
    if negated {
        pattern = &pattern[1..];
    }
    let mut matched = false;
    loop {
        match pattern {
            [] => break,
            [b'\\', literal, rest @ ..] => {
                matched |= *literal == byte;
                pattern = rest;
            }
            [b']', rest @ ..] => {
                pattern = rest;
                break;
            }
            [first, b'-', last, rest @ ..] => {
                let (low, high) = (first.min(last), first.max(last));
                matched |= (low..=high).contains(&&byte);
                pattern = rest;
            }
            [literal, rest @ ..] => {
                matched |= *literal == byte;
                pattern = rest;
            }
        }
    }
    (matched != negated, whole - pattern.len())
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns() {
        let table = [
            ("*", "", true),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "axxbyy", false),
            ("h?llo", "hello", true),
            ("h[^e]llo", "hello", false),
            ("h[a-e]llo", "hello", true),
            ("h[e-a]llo", "hello", true),
            ("h\\?llo", "h?llo", true),
            ("[a", "a", true),
            ("a", "ab", false),
            ("/0.events/worker.*", "/0.events/worker.heartbeat", true),
        ];
        for (pattern, text, expected) in table {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} on {text}");
        }
    }
}
