//! A walk over the pages as a person sees them: from the first page by every link that leads
//! to another kind of page, once or a few times each.

use crate::visitor::{Answer, Visitor};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// A page that was opened.
#[derive(Debug)]
pub struct Visited {
    /// Its address.
    pub path: String,
    /// What came.
    pub answer: Answer,
}

/// A list on a page.
#[derive(Debug, PartialEq, Eq)]
pub struct List {
    /// How many rows it says that it has.
    pub count: usize,
    /// Where all of it is as CSV; none where it has no rows.
    pub csv: Option<String>,
}

/// Opens the pages that links lead to, beginning at `/`: at most `each` of one kind. Forms
/// and files are left out.
pub fn pages(visitor: &mut Visitor, each: usize) -> anyhow::Result<Vec<Visited>> {
    let mut waiting = VecDeque::from(["/".to_owned()]);
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    let mut known: BTreeSet<String> = waiting.iter().cloned().collect();
    let mut visited = Vec::new();
    while let Some(path) = waiting.pop_front() {
        let answer = visitor.get(&path)?;
        for link in links(&answer.text()) {
            let count = kinds.entry(kind(&link)).or_default();
            if *count < each && !is_left_out(&link) && known.insert(link.clone()) {
                *count += 1;
                waiting.push_back(link);
            }
        }
        visited.push(Visited { path, answer });
    }
    Ok(visited)
}

/// Where the links of a page lead, without the place on the page.
fn links(text: &str) -> Vec<String> {
    let ends = text.split("href=\"").skip(1);
    let links = ends.filter_map(|rest| rest.split('"').next());
    let links = links.map(unescaped);
    let links = links.filter_map(|link| link.split('#').next().map(str::to_owned));
    links.filter(|link| link.starts_with('/')).collect()
}

fn unescaped(text: &str) -> String {
    text.replace("&#38;", "&").replace("&amp;", "&")
}

fn is_left_out(link: &str) -> bool {
    link.starts_with("/static/") || link.starts_with("/do/") || is_file(link)
}

fn is_file(link: &str) -> bool {
    link.contains("?csv=") || link.contains("&csv=")
}

/// Links of one kind differ in what they are about and in how a list is shown.
fn kind(link: &str) -> String {
    let (path, query) = link.split_once('?').unwrap_or((link, ""));
    let parts: Vec<&str> = path.split('/').collect();
    let path = match &parts[..] {
        ["", "list", ..] | ["", _] => path.to_owned(),
        ["", page, _] => format!("/{page}/*"),
        ["", page, _, "sign"] => format!("/{page}/*/sign"),
        ["", page, kind, _] => format!("/{page}/{kind}/*"),
        _ => path.to_owned(),
    };
    // What is asked for last was added by the link; what stands before it is of the page.
    let last = query.rsplit('&').next().unwrap_or_default();
    format!("{path}?{}", last.split('=').next().unwrap_or_default())
}

/// The lists of a page.
pub fn lists(text: &str) -> Vec<List> {
    let sections = text.split("<section class=\"list\"").skip(1);
    let lists = sections.filter_map(|section| {
        let section = section.split("</section>").next()?;
        let (_, count) = section.split_once("<span class=\"count\">")?;
        let csv = section.split("class=\"csv\" href=\"").nth(1);
        let csv = csv.and_then(|rest| rest.split('"').next());
        Some(List {
            count: count.split('<').next()?.parse().ok()?,
            csv: csv.map(unescaped),
        })
    });
    lists.collect()
}

/// The rows of a file of a list, without its head.
pub fn rows(csv: &[u8]) -> usize {
    let (mut rows, mut is_quoted) = (0_usize, false);
    for byte in csv {
        match byte {
            b'"' => is_quoted = !is_quoted,
            b'\n' if !is_quoted => rows += 1,
            _ => {}
        }
    }
    rows.saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_of_one_kind_are_known_as_such() {
        assert_eq!(kind("/assets/machine/a"), kind("/assets/machine/b"));
        assert_eq!(kind("/plan/ab"), "/plan/*?");
        assert_ne!(kind("/assets?m.page=2"), kind("/assets?m.sort=unit"));
        assert_eq!(kind("/assets?m.q=a&m.page=2"), kind("/assets?m.page=3"));
        assert_eq!(kind("/list/machine/list"), "/list/machine/list?");
        let text = "<a href=\"/a?x=1&#38;y=2#z\"> <a href=\"https://other/\">";
        assert_eq!(links(text), ["/a?x=1&y=2"]);
    }

    #[test]
    fn a_list_says_how_many_it_has_and_where_they_are() {
        let text = "<section class=\"list\" id=\"m\"><h2>Machines <span class=\"count\">12</span>\
                    </h2><a class=\"csv\" href=\"/a?csv=m\">CSV</a></section>\
                    <section class=\"list\"><span class=\"count\">0</span></section>";
        let csv = Some("/a?csv=m".to_owned());
        assert_eq!(
            lists(text),
            [
                List { count: 12, csv },
                List {
                    count: 0,
                    csv: None
                }
            ]
        );
        assert_eq!(rows(b"a,b\r\n1,\"x\ny\"\r\n2,z\r\n"), 2);
    }
}
