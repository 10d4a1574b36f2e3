//! Where a page leads on when a form was carried out.

use crate::control::{Cell, Output, Report};
use crate::web::page::Action;
use crate::web::page::plan::READ_AND_SIGN;
use crate::web::picture::code;
use crate::web::show::Block;
use patchward_common::percent::encoded;

/// Commands whose answer is a plan that is to be signed.
const MAKE_PLANS: [&str; 2] = ["plan new", "plan again"];
/// What a line begins with that says what is typed next.
const TYPED: &str = "Next: ";

/// The next steps of what a command has made; none where there is only the way back.
pub(super) fn of(command: &str, output: &Output) -> Option<Vec<Action>> {
    let (true, Output::Report(report)) = (MAKE_PLANS.contains(&command), output) else {
        return None;
    };
    let plan = report.parts.iter().find(|(name, _)| name == "plan");
    let Some((_, Cell::Text(plan))) = plan else {
        return None;
    };
    let plan = format!("/plan/{}", encoded(plan));
    let sign = format!("{plan}/sign");
    Some(vec![to(READ_AND_SIGN, sign), to("Go on to the plan", plan)])
}

/// The ward's link as a code, for a telephone or a sticker on the machine.
pub(super) fn code(output: &Output) -> Vec<Block> {
    let Output::Report(report) = output else {
        return Vec::new();
    };
    let part = |name: &str| report.parts.iter().find(|(known, _)| known == name);
    let (Some(_), Some((_, Cell::Text(link)))) = (part("kiosk"), part("link")) else {
        return Vec::new();
    };
    let words = "The same link as a code: print this page, or let the ward's telephone read it.";
    let said = Block::Text(vec![words.to_owned()]);
    let drawn = code::drawn(link).map(Block::Code);
    drawn.map_or_else(Vec::new, |drawn| vec![said, drawn])
}

/// The way back to where somebody came from.
pub(super) fn back(path: &str) -> Vec<Action> {
    match path {
        "" => Vec::new(),
        path => vec![to("Go on", path.to_owned())],
    }
}

/// The same answer without what is typed next: buttons stand for it.
pub(super) fn without_commands(output: Output) -> Output {
    let Output::Report(report) = output else {
        return output;
    };
    let lines = report.text.lines().filter(|line| !line.starts_with(TYPED));
    let text = lines.collect::<Vec<_>>().join("\n");
    Output::Report(Report { text, ..report })
}

fn to(title: &str, href: String) -> Action {
    Action {
        title: title.to_owned(),
        href,
        grave: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wards_link_is_a_code_and_nobody_elses_is() {
        let made = |what: &str| {
            let link = Cell::of("https://collector.example/ward/secret");
            Output::Report(Report::new([(what, Cell::of("desk")), ("link", link)], ""))
        };
        assert!(matches!(
            &code(&made("kiosk"))[..],
            [Block::Text(_), Block::Code(svg)] if svg.starts_with("<svg")
        ));
        // A person's link sets a password: it is handed over, not hung up.
        assert!(code(&made("account")).is_empty());
        assert!(code(&Output::Text(String::new())).is_empty());
    }

    #[test]
    fn a_plan_that_was_made_is_read_and_signed_next() {
        let text = "Plan 0a1b: 1 machine.\nNext: `plan export 0a1b --out FILE`";
        let made = Output::Report(Report::new([("plan", Cell::of("0a1b"))], text));
        let next = of("plan new", &made).unwrap();
        let hrefs: Vec<&str> = next.iter().map(|one| one.href.as_str()).collect();
        assert_eq!(hrefs, ["/plan/0a1b/sign", "/plan/0a1b"]);
        let Output::Report(told) = without_commands(made.clone()) else {
            panic!("still a report");
        };
        assert_eq!(told.text, "Plan 0a1b: 1 machine.");
        assert!(of("plan show", &made).is_none());
        assert_eq!(back("/plan").len(), 1);
        assert!(back("").is_empty());
    }
}
