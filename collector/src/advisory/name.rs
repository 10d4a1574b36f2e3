//! Names of vendors and products, made comparable, and how far two are apart.

#[cfg(test)]
mod tests;

/// Legal forms, which say nothing about who it is.
const LEGAL: [&str; 34] = [
    "inc",
    "incorporated",
    "llc",
    "llp",
    "ltd",
    "limited",
    "co",
    "company",
    "corp",
    "corporation",
    "gmbh",
    "ag",
    "kg",
    "kgaa",
    "se",
    "sa",
    "sas",
    "srl",
    "spa",
    "bv",
    "nv",
    "oy",
    "oyj",
    "ab",
    "as",
    "aps",
    "plc",
    "pty",
    "pte",
    "sarl",
    "kk",
    "group",
    "holding",
    "holdings",
];
/// Divisions and regions: "Philips Healthcare" may be Philips, and a person says so once.
const DIVISIONS: [&str; 25] = [
    "healthcare",
    "health",
    "medical",
    "medizintechnik",
    "systems",
    "system",
    "technology",
    "technologies",
    "laboratories",
    "labs",
    "international",
    "usa",
    "us",
    "america",
    "europe",
    "deutschland",
    "germany",
    "solutions",
    "life",
    "sciences",
    "diagnostics",
    "care",
    "products",
    "royal",
    "koninklijke",
];

/// Longest name that is held against others by spelling: the work grows with the square.
pub const MAX_SPELLED_CHARS: usize = 64;

/// The words of a name: lower case, without marks and accents.
pub fn tokens(name: &str) -> Vec<String> {
    let name = repaired(name);
    let folded: String = name
        .chars()
        .flat_map(char::to_lowercase)
        .flat_map(folded)
        .collect();
    let words = folded.split(|c: char| !c.is_alphanumeric());
    words
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The words in one line: what names are compared by.
pub fn key(name: &str) -> String {
    tokens(name).join(" ")
}

/// What a vendor is called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VendorKeys {
    /// Surely it: without legal form; what stands in brackets is a name too.
    pub sure: Vec<String>,
    /// Perhaps it: without divisions, or one of several names in one.
    pub perhaps: Vec<String>,
}

impl VendorKeys {
    /// The keys of a vendor's name.
    pub fn of(vendor: &str) -> Self {
        let mut keys = Self::default();
        let (outer, inner) = brackets(vendor);
        for part in [outer.as_str(), inner.as_str()] {
            push(&mut keys.sure, company(part));
        }
        // "Silex Technology and GE Healthcare", "BMC Medical, 3B Medical": which of them, nobody
        // says.
        let several = outer
            .replace(" and ", ",")
            .replace(" & ", ",")
            .replace(" / ", ",");
        if several.contains(',') {
            for part in several.split(',') {
                push(&mut keys.perhaps, company(part));
            }
        }
        let whole: Vec<String> = keys.sure.iter().chain(&keys.perhaps).cloned().collect();
        for key in whole {
            let words = key.split(' ').filter(|word| !DIVISIONS.contains(word));
            push(&mut keys.perhaps, words.collect::<Vec<_>>().join(" "));
        }
        keys.perhaps.retain(|key| !keys.sure.contains(key));
        keys
    }
}

fn push(keys: &mut Vec<String>, key: String) {
    if !key.is_empty() && !keys.contains(&key) {
        keys.push(key);
    }
}

/// A company's name without its legal form.
fn company(name: &str) -> String {
    let words = tokens(name);
    let mut rest: Vec<&str> = words.iter().map(String::as_str).collect();
    while rest.len() > 1 {
        let last = rest.last().copied().unwrap_or_default();
        // "S.p.A." and "B. V." fall into letters; "and" is left over by "and Company".
        if !LEGAL.contains(&last) && last != "and" {
            break;
        }
        rest.pop();
    }
    rest.join(" ")
}

/// What stands outside and inside of brackets.
fn brackets(name: &str) -> (String, String) {
    match name.split_once('(') {
        Some((before, rest)) => {
            let (inside, after) = rest.split_once(')').unwrap_or((rest, ""));
            (format!("{before} {after}"), inside.to_owned())
        }
        None => (name.to_owned(), String::new()),
    }
}

/// Text that was written as UTF-8 and read as Latin-1 before it came to us: `YhtymÃ¤`.
fn repaired(name: &str) -> String {
    let bytes: Option<Vec<u8>> = name
        .chars()
        .map(|c| u8::try_from(u32::from(c)).ok())
        .collect();
    match bytes.map(String::from_utf8) {
        Some(Ok(text)) => text,
        _ => name.to_owned(),
    }
}

/// A letter without its accents.
fn folded(c: char) -> impl Iterator<Item = char> {
    let plain = match c {
        'à'..='å' | 'ā' | 'ă' | 'ą' => "a",
        'æ' => "ae",
        'ç' | 'ć' | 'č' => "c",
        'ď' | 'đ' => "d",
        'è'..='ë' | 'ē' | 'ę' | 'ě' => "e",
        'ğ' => "g",
        'ì'..='ï' | 'ī' | 'ı' => "i",
        'ł' => "l",
        'ñ' | 'ń' | 'ň' => "n",
        'ò'..='ö' | 'ø' | 'ō' | 'ő' => "o",
        'œ' => "oe",
        'ř' => "r",
        'ś' | 'š' | 'ş' => "s",
        'ß' => "ss",
        'ť' => "t",
        'ù'..='ü' | 'ū' | 'ů' | 'ű' => "u",
        'ý' | 'ÿ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        // Accents that stand for themselves, and signs that are drawn above a name.
        '\u{300}'..='\u{36f}' | '®' | '™' | '©' => "",
        other => return Folded::One(Some(other)),
    };
    Folded::Some(plain.chars())
}

/// One letter or several.
enum Folded {
    One(Option<char>),
    Some(std::str::Chars<'static>),
}

impl Iterator for Folded {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        match self {
            Self::One(one) => one.take(),
            Self::Some(chars) => chars.next(),
        }
    }
}

/// Whether two keys are spelled almost alike: their digits are the same (a `450` is no `550`),
/// and few letters differ for their length.
pub fn is_near(a: &str, b: &str) -> bool {
    let digits = |key: &str| -> String { key.chars().filter(char::is_ascii_digit).collect() };
    let length = a.chars().count().min(b.chars().count());
    let most = match length {
        0..=4 => return false,
        5..=8 => 1,
        _ => 2,
    };
    a != b && digits(a) == digits(b) && distance(a, b, most).is_some()
}

/// How many letters differ, if at most `most`: added, left out, changed, or two swapped.
pub fn distance(a: &str, b: &str, most: usize) -> Option<usize> {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let too_long = a.len().max(b.len()) > MAX_SPELLED_CHARS;
    if too_long || a.len().abs_diff(b.len()) > most {
        return None;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let same = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (last[j - 1] + same).min(last[j] + 1).min(row[j - 1] + 1);
            let swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if swapped {
                best = best.min(before[j - 2] + 1);
            }
            row[j] = best;
        }
        if row.iter().all(|cost| *cost > most) {
            return None;
        }
        before = std::mem::replace(&mut last, row);
    }
    let found = *last.last()?;
    (found <= most).then_some(found)
}
