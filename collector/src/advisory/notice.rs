//! Safety notices and recalls: entered by a person, matched as every other advisory.

use super::document::{
    Advisory, Form, Helpers, Product, Remediation, Remedy, Status, VersionText, Vulnerability,
};
use patchward_common::time::UtcMs;
use serde::{Deserialize, Serialize};

/// Most models of one notice; field safety notices list some dozens.
pub const MAX_MODELS: usize = 500;

/// A notice as it is entered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Its reference, by which it is named.
    pub id: String,
    /// Whether the manufacturer takes the devices back.
    pub is_recall: bool,
    /// The manufacturer.
    pub maker: String,
    /// The models.
    pub models: Vec<String>,
    /// The versions, as with an advisory; empty for all.
    pub versions: String,
    /// Serial or lot numbers, `*` and `?` stand for anything and one character; empty for all.
    pub serials: Vec<String>,
    /// What it says.
    pub text: String,
    /// Where it can be read.
    pub link: Option<String>,
    /// Until when something is to be done.
    pub due: Option<UtcMs>,
    /// When it was entered.
    pub at: UtcMs,
    /// How often it was entered: its version.
    pub version: u32,
}

/// The notice as an advisory.
pub fn advisory(notice: &Notice) -> Advisory {
    let version = match notice.versions.trim() {
        "" => VersionText::Range("*".to_owned()),
        text => VersionText::Range(text.to_owned()),
    };
    let product = |(number, model): (usize, &String)| Product {
        id: format!("{}", number + 1),
        name: format!("{} {model}", notice.maker),
        vendor: notice.maker.clone(),
        product: model.clone(),
        version: version.clone(),
        helpers: Helpers {
            serials: notice.serials.clone(),
            ..Helpers::default()
        },
        ..Product::default()
    };
    let products: Vec<Product> = notice.models.iter().enumerate().map(product).collect();
    let all: Vec<usize> = (0..products.len()).collect();
    let title = notice.text.lines().next().unwrap_or_default();
    Advisory {
        form: if notice.is_recall {
            Form::Recall
        } else {
            Form::Notice
        },
        id: notice.id.clone(),
        title: title.chars().take(200).collect(),
        publisher: notice.maker.clone(),
        namespace: String::new(),
        publisher_kind: "vendor".to_owned(),
        category: "safety_notice".to_owned(),
        version: notice.version.to_string(),
        status: "final".to_owned(),
        published: Some(notice.at),
        current: Some(notice.at),
        due: notice.due,
        link: notice.link.clone(),
        severity: String::new(),
        notes: Vec::new(),
        references: Vec::new(),
        history: Vec::new(),
        vulnerabilities: vec![Vulnerability {
            name: notice.id.clone(),
            title: title.chars().take(200).collect(),
            statuses: all.iter().map(|at| (Status::KnownAffected, *at)).collect(),
            remediations: vec![Remediation {
                remedy: Remedy::Mitigation,
                details: notice.text.clone(),
                url: notice.link.clone(),
                products: all,
            }],
            ..Vulnerability::default()
        }],
        products,
        remarks: Vec::new(),
    }
}
