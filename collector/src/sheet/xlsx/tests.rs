//! Workbooks that were made here, whole, broken and hostile.

use super::*;
use std::io::Write as _;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

const ROOT: &str = r#"<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;
const BOOK: &str = r#"<?xml version="1.0"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="MDS2" sheetId="1" r:id="rId1"/></sheets></workbook>"#;
const RELATIONS: &str = r#"<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#;

fn packed(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in parts {
        archive
            .start_file(*name, SimpleFileOptions::default())
            .unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn workbook(rows: &str) -> Vec<u8> {
    let sheet = format!(
        r#"<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{rows}</sheetData></worksheet>"#
    );
    packed(&[
        ("_rels/.rels", ROOT.as_bytes()),
        ("xl/workbook.xml", BOOK.as_bytes()),
        ("xl/_rels/workbook.xml.rels", RELATIONS.as_bytes()),
        ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
    ])
}

fn text(at: &str, text: &str) -> String {
    format!(r#"<c r="{at}" t="inlineStr"><is><t>{text}</t></is></c>"#)
}

#[test]
fn cells_are_read_as_people_see_them() {
    let rows = format!(
        r#"<row r="1">{}{}</row><row r="3"><c r="B3"><v>42</v></c><c r="C3" t="str"><f>1+1</f><v>2</v></c>{}</row>"#,
        text("A1", "CSUP-1"),
        text("C1", "Yes,\n optional"),
        text("D3", "=cmd()"),
    );
    let sheets = read(&workbook(&rows)).unwrap();
    assert_eq!(sheets[0].name, "MDS2");
    let rows: Vec<_> = sheets[0]
        .rows
        .iter()
        .map(|row| (row.line, &row.cells[..]))
        .collect();
    let of = |cells: &[&str]| {
        cells
            .iter()
            .map(|&cell| cell.to_owned())
            .collect::<Vec<_>>()
    };
    let first = of(&["CSUP-1", "", "Yes, optional"]);
    // Of a formula its last value counts; text that looks like one is text.
    let third = of(&["", "42", "2", "=cmd()"]);
    assert_eq!(rows, [(1, &first[..]), (3, &third[..])]);
}

#[test]
fn a_cell_in_the_last_corner_is_refused_and_costs_nothing() {
    let far = format!(r#"<row r="1048576">{}</row>"#, text("XFD1048576", "x"));
    assert_eq!(read(&workbook(&far)), Err(SheetError::TooWide(1_048_576)));
    let deep = format!(r#"<row r="1048576">{}</row>"#, text("A1048576", "x"));
    assert_eq!(read(&workbook(&deep)).unwrap()[0].rows.len(), 1);
}

#[test]
fn what_is_broken_or_no_workbook_is_refused() {
    let whole = workbook(&format!(r#"<row r="1">{}</row>"#, text("A1", "x")));
    assert!(is_workbook(&whole) && !is_workbook(b"tag,serial"));
    for bytes in [
        &whole[..whole.len() / 2],
        b"PK\x03\x04",
        &packed(&[("readme.txt", b"no workbook")]),
        &workbook("<row r=\"1\"><c r=\"A1\"><v>1</v></row>"),
    ] {
        let refused = read(bytes).unwrap_err();
        assert!(matches!(refused, SheetError::Workbook(_)), "{refused:?}");
    }
    assert_eq!(read(&workbook("")), Err(SheetError::Empty));
    let mut damaged = whole;
    let at = damaged
        .windows(9)
        .position(|part| part == b"sheet1.xm")
        .unwrap()
        + 40;
    damaged[at] ^= 0xff;
    assert!(read(&damaged).is_err());
}

#[test]
fn a_sheet_that_cannot_be_read_is_named_and_one_of_charts_is_passed_over() {
    let book = BOOK.replace(
        "</sheets>",
        r#"<sheet name="Notes" sheetId="2" r:id="rId2"/></sheets>"#,
    );
    let relations = |kind: &str| {
        let more = format!(
            r#"<Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}" Target="{kind}s/sheet2.xml"/></Relationships>"#
        );
        RELATIONS.replace("</Relationships>", &more)
    };
    let sheet = format!(
        r#"<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1">{}</row></sheetData></worksheet>"#,
        text("A1", "x")
    );
    let with = |kind: &str| {
        read(&packed(&[
            ("_rels/.rels", ROOT.as_bytes()),
            ("xl/workbook.xml", book.as_bytes()),
            ("xl/_rels/workbook.xml.rels", relations(kind).as_bytes()),
            ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
        ]))
    };
    let refused = with("worksheet").unwrap_err().to_string();
    assert!(refused.contains("its sheet \"Notes\""), "{refused}");
    assert_eq!(with("chartsheet").unwrap().len(), 1);
}

#[test]
fn a_bomb_is_found_before_it_is_read() {
    let blank = vec![b' '; usize::try_from(MAX_UNPACKED_BYTES).unwrap() / 4];
    let names: Vec<String> = (0..5).map(|number| format!("xl/{number}.xml")).collect();
    let parts: Vec<_> = names
        .iter()
        .map(|name| (name.as_str(), &blank[..]))
        .collect();
    let bomb = packed(&parts);
    assert!(bomb.len() < 1024 * 1024, "{}", bomb.len());
    assert_eq!(read(&bomb), Err(SheetError::Bomb(MAX_UNPACKED_BYTES)));
    let names: Vec<String> = (0..=MAX_PARTS).map(|number| number.to_string()).collect();
    let parts: Vec<_> = names
        .iter()
        .map(|name| (name.as_str(), &b"x"[..]))
        .collect();
    let many = SheetError::TooMany("parts", MAX_PARTS);
    assert_eq!(read(&packed(&parts)), Err(many));
}
