//! A short list of what there is, as CSV: manufacturer, model, version, serial.

use super::identity::Thing;

/// Most rows: a check holds them in memory.
pub const MAX_ROWS: usize = 200_000;

/// Why a list cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadList {
    /// Not UTF-8.
    #[error("the list is not UTF-8 text; save it as \"CSV UTF-8\"")]
    NotText,
    /// A column is missing.
    #[error(
        "the list's first line names no column {0:?}; it needs manufacturer and model, and may have version and serial"
    )]
    NoColumn(&'static str),
    /// A row that is no row.
    #[error("line {line} of the list: {why}")]
    Row {
        /// Its line, from 1.
        line: usize,
        /// Why.
        why: &'static str,
    },
    /// More than [`MAX_ROWS`].
    #[error("the list has more than {MAX_ROWS} rows")]
    TooMany,
}

/// Reads a list. Commas or semicolons, quotes as spreadsheets write them.
pub fn read(bytes: &[u8]) -> Result<Vec<Thing>, BadList> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|_| BadList::NotText)?;
    let mut lines = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty());
    let (_, head) = lines.next().ok_or(BadList::NoColumn("manufacturer"))?;
    let sign = if head.matches(';').count() > head.matches(',').count() {
        ';'
    } else {
        ','
    };
    let bad = |at: usize, why| BadList::Row { line: at + 1, why };
    let names: Vec<String> = fields(head, sign)
        .ok_or(bad(0, "a quote is not closed"))?
        .into_iter()
        .map(|name| name.trim().to_lowercase())
        .collect();
    let column = |name: &str| names.iter().position(|one| one == name);
    let maker = column("manufacturer").ok_or(BadList::NoColumn("manufacturer"))?;
    let model = column("model").ok_or(BadList::NoColumn("model"))?;
    let (version, serial) = (column("version"), column("serial"));
    let mut things = Vec::new();
    for (at, line) in lines {
        if things.len() >= MAX_ROWS {
            return Err(BadList::TooMany);
        }
        let row = fields(line, sign).ok_or_else(|| bad(at, "a quote is not closed"))?;
        let cell = |column: usize| row.get(column).map_or("", |cell| cell.trim());
        if row.len() > names.len() {
            return Err(bad(at, "it has more cells than the first line"));
        }
        if cell(model).is_empty() {
            return Err(bad(at, "it names no model"));
        }
        let mut thing = Thing::asset(cell(maker), cell(model), version.map_or("", cell));
        thing.serials = serial
            .map(cell)
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
            .into_iter()
            .collect();
        things.push(thing);
    }
    Ok(things)
}

fn fields(line: &str, sign: char) -> Option<Vec<String>> {
    let mut found = vec![String::new()];
    let mut quoted = false;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        let last = found.last_mut()?;
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                last.push('"');
            }
            '"' => quoted = !quoted,
            c if c == sign && !quoted => found.push(String::new()),
            c => last.push(c),
        }
    }
    (!quoted).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_with_either_sign_and_quotes() {
        let list =
            "Model;Manufacturer;Version\n\"MX450; blue\";Philips;L.01\n\nVue;\"a \"\"b\"\"\";\n";
        let things = read(list.as_bytes()).unwrap();
        assert_eq!(things.len(), 2);
        assert_eq!(
            (things[0].name.as_str(), things[0].version.as_str()),
            ("MX450; blue", "L.01")
        );
        assert_eq!(things[1].maker, "a \"b\"");
    }

    #[test]
    fn a_row_that_is_none_is_named_by_its_line() {
        for (list, said) in [
            ("model,version\nx,1\n", "manufacturer"),
            ("manufacturer,model\nacme,\n", "line 2"),
            ("manufacturer,model\nacme,\"x\n", "line 2"),
            ("manufacturer,model\nacme,x,y\n", "line 2"),
            ("", "manufacturer"),
        ] {
            let error = read(list.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}
