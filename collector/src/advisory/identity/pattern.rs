//! Model and serial numbers with `*` and `?`, as CSAF writes them.

/// Whether a text is what a number with `*` (anything) and `?` (one character) stands for.
pub(super) fn is_like(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.to_lowercase().chars().collect();
    let text: Vec<char> = text.to_lowercase().chars().collect();
    // Signs alone stand for everything, which nobody means.
    if pattern.iter().all(|c| matches!(c, '*' | '?')) {
        return false;
    }
    let (mut at, mut of) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while at < text.len() {
        match pattern.get(of) {
            Some('*') => {
                star = Some((of, at));
                of += 1;
            }
            Some(c) if *c == '?' || *c == text[at] => {
                of += 1;
                at += 1;
            }
            _ => {
                let Some((place, taken)) = star else {
                    return false;
                };
                star = Some((place, taken + 1));
                of = place + 1;
                at = taken + 1;
            }
        }
    }
    pattern[of..].iter().all(|c| *c == '*')
}
