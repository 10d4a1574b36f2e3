use super::layout::wrapped;
use super::*;

fn paper(rows: usize) -> Vec<u8> {
    let mut paper = Paper::new("Work order 4711", UtcMs(1_795_400_000_000));
    paper.heading("Device");
    for row in 0..rows {
        paper.row("Name", &format!("CT {row} (Gerät)"));
    }
    paper.paragraph("Close (it) \\ and say so.");
    paper.tick("A test image is shown");
    paper.field("Signature");
    paper.finish()
}

fn count(bytes: &[u8], what: &str) -> usize {
    let what = what.as_bytes();
    bytes.windows(what.len()).filter(|one| *one == what).count()
}

#[test]
fn the_same_paper_is_the_same_file() {
    let bytes = paper(3);
    assert_eq!(bytes, paper(3));
    assert!(bytes.starts_with(b"%PDF-1.7"));
    assert!(bytes.ends_with(b"%%EOF") || bytes.ends_with(b"%%EOF\n"));
    assert_eq!(count(&bytes, "/Type /Page\n"), 1);
    assert_eq!(count(&bytes, "/BaseFont /Helvetica"), 2);
    assert_eq!(count(&bytes, "page 1 of 1"), 1);
    assert_eq!(count(&bytes, "/CreationDate (D:20261123"), 1);
}

#[test]
fn long_papers_have_pages_and_an_end() {
    let bytes = paper(120);
    assert_eq!(count(&bytes, "page 3 of 3"), 1);
    assert_eq!(count(&paper(12_000), "Cut here"), 1);
}

/// Titles, rows and the head stand on each page of a table; a row is not torn.
#[test]
fn a_table_goes_on_over_pages() {
    let columns =
        [("Machine", 0.2), ("Outcome", 0.8)].map(|(title, share)| Column { title, share });
    let row = |at: usize| vec![format!("pc-{at}"), "verified ".repeat(60)];
    let rows: Vec<Vec<String>> = (0..60).map(row).collect();
    let mut paper = Paper::across("Jobs", UtcMs(0), "ICU 3, 2026-Q4".to_owned(), 500);
    paper.table(&columns, rows.iter().map(Vec::as_slice));
    let bytes = paper.finish();
    let pages = count(&bytes, "/Type /Page\n");
    assert!(pages > 3, "{pages}");
    for what in ["(Machine)", "(ICU 3, 2026-Q4)"] {
        assert_eq!(count(&bytes, what), pages, "{what}");
    }
    for at in 0..60 {
        assert_eq!(count(&bytes, &format!("(pc-{at})")), 1);
    }
    assert_eq!(count(&bytes, "[0 0 842 595]"), pages);
}

#[test]
fn long_text_wraps_and_loses_nothing() {
    let text = format!("{} {}", "word ".repeat(60), "x".repeat(300));
    let lines = wrapped(&text, 10.0, false, 200.0);
    assert!(lines.len() > 8);
    assert!(
        lines
            .iter()
            .all(|line| font::width(line, 10.0, false) <= 200.0)
    );
    let whole: String = lines.concat();
    assert_eq!(whole.matches('x').count(), 300);
    assert_eq!(whole.matches("word").count(), 60);
    assert_eq!(wrapped("", 10.0, false, 200.0), [""]);
}

proptest::proptest! {
    /// No text from outside makes it fall, or leaves a line that is too wide.
    #[test]
    fn any_text_is_laid_out(text in ".{0,400}", most in 20.0f32..400.0) {
        for line in wrapped(&text, 10.0, true, most) {
            let fits = font::width(&line, 10.0, true) <= most + 0.01;
            proptest::prop_assert!(fits || line.chars().count() == 1, "{line:?}");
        }
        let mut paper = Paper::new(&text, UtcMs(0));
        paper.row(&text, &text);
        proptest::prop_assert!(paper.finish().starts_with(b"%PDF"));
    }
}
