//! DICOM verification: an association, one C-ECHO, and the release of it.

use anyhow::{Context as _, bail};
use dicom_ul::association::client::ClientAssociationOptions;
use dicom_ul::pdu::{PDataValue, PDataValueType, Pdu, UserVariableItem};
use serde_json::json;
use std::time::Duration;

/// Verification SOP class (PS3.4 §A.4).
const VERIFICATION: &str = "1.2.840.10008.1.1";
/// Commands are implicit little endian (PS3.7 §6.3.1).
const C_ECHO_RQ: u16 = 0x0030;
const C_ECHO_RSP: u16 = 0x8030;
/// There is no data set (PS3.7 §E.1).
const NO_DATA_SET: u16 = 0x0101;
const MESSAGE_ID: u16 = 1;

/// Says who answers, as the association names it.
pub(super) fn ask(
    address: &str,
    called: &str,
    calling: &str,
    step: Duration,
) -> anyhow::Result<Vec<u8>> {
    let mut association = ClientAssociationOptions::new()
        .calling_ae_title(calling)
        .called_ae_title(called)
        .with_abstract_syntax(VERIFICATION)
        .connection_timeout(step)
        .read_timeout(step)
        .write_timeout(step)
        .establish(address)
        .with_context(|| format!("{address} gives {calling} no association as {called}"))?;
    let (mut class, mut version) = (String::new(), String::new());
    for item in association.user_variables() {
        match item {
            UserVariableItem::ImplementationClassUID(uid) => class = trimmed(uid),
            UserVariableItem::ImplementationVersionName(name) => version = trimmed(name),
            _ => {}
        }
    }
    let context = association.presentation_contexts().first();
    let context = context.context("it accepts no verification")?.id;
    association.send(&Pdu::PData {
        data: vec![PDataValue {
            presentation_context_id: context,
            value_type: PDataValueType::Command,
            is_last: true,
            data: echo(),
        }],
    })?;
    let answer = association.receive().context("no answer to the C-ECHO")?;
    let Pdu::PData { data } = answer else {
        bail!("it answers the C-ECHO with something else");
    };
    let bytes: Vec<u8> = data.into_iter().flat_map(|value| value.data).collect();
    if element(&bytes, 0x0100) != Some(C_ECHO_RSP) {
        bail!("it answers the C-ECHO with something else");
    }
    match element(&bytes, 0x0900) {
        Some(0) => {}
        Some(status) => bail!("it answers the C-ECHO with status {status:04X}"),
        None => bail!("it answers the C-ECHO without a status"),
    }
    // What it said counts, whether it says farewell or not.
    let _ = association.release();
    let answer = json!({
        "implementation_class_uid": class,
        "implementation_version_name": version,
    });
    Ok(answer.to_string().into_bytes())
}

/// Texts are padded to an even length.
fn trimmed(text: &str) -> String {
    text.trim_matches(['\0', ' ']).to_owned()
}

/// The command set of a C-ECHO-RQ (PS3.7 §9.3.5.1).
fn echo() -> Vec<u8> {
    let mut uid = VERIFICATION.as_bytes().to_vec();
    uid.resize(uid.len().next_multiple_of(2), 0);
    let mut rest = Vec::new();
    push(&mut rest, 0x0002, &uid);
    push(&mut rest, 0x0100, &C_ECHO_RQ.to_le_bytes());
    push(&mut rest, 0x0110, &MESSAGE_ID.to_le_bytes());
    push(&mut rest, 0x0800, &NO_DATA_SET.to_le_bytes());
    let mut all = Vec::new();
    push(&mut all, 0x0000, &(rest.len() as u32).to_le_bytes());
    all.extend(rest);
    all
}

/// One element of group 0000: tag, length, value.
fn push(set: &mut Vec<u8>, element: u16, value: &[u8]) {
    set.extend([0, 0]);
    set.extend(element.to_le_bytes());
    set.extend((value.len() as u32).to_le_bytes());
    set.extend(value);
}

/// An element of group 0000 that is one unsigned short.
fn element(mut set: &[u8], wanted: u16) -> Option<u16> {
    loop {
        let (tag, rest) = set.split_first_chunk::<4>()?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let value = rest.get(..length)?;
        if tag[..2] == [0, 0] && u16::from_le_bytes([tag[2], tag[3]]) == wanted {
            return Some(u16::from_le_bytes(value.try_into().ok()?));
        }
        set = rest.get(length..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_set_is_written_and_read() {
        let set = echo();
        assert_eq!(element(&set, 0x0100), Some(C_ECHO_RQ));
        assert_eq!(element(&set, 0x0800), Some(NO_DATA_SET));
        assert_eq!(element(&set, 0x0900), None);
        // The group's length says how much follows it.
        assert_eq!(set[8..12], ((set.len() - 12) as u32).to_le_bytes());
        assert_eq!(set.len() % 2, 0);
    }

    #[test]
    fn what_is_cut_off_or_lies_about_its_length_has_no_element() {
        let set = echo();
        for end in 0..set.len() - 1 {
            assert_eq!(element(&set[..end], 0x0800), None, "{end}");
        }
        let mut lies = set.clone();
        lies[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(element(&lies, 0x0100), None);
    }

    #[test]
    fn padding_is_no_part_of_a_name() {
        assert_eq!(trimmed("OFFIS_DCMTK_367\0"), "OFFIS_DCMTK_367");
        assert_eq!(trimmed("PUMP 4 "), "PUMP 4");
    }
}
