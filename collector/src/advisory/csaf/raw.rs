//! The members of CSAF that are read, as they stand in the file. Others are passed over.

use serde::Deserialize;
use serde::de::IgnoredAny;

/// A value, or something else that does not matter enough to refuse the whole file.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Lenient<T> {
    Is(T),
    Not(IgnoredAny),
}

impl<T> Lenient<T> {
    pub(super) fn value(self) -> Option<T> {
        match self {
            Self::Is(value) => Some(value),
            Self::Not(_) => None,
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Csaf {
    pub(super) document: Document,
    pub(super) product_tree: Option<ProductTree>,
    #[serde(default)]
    pub(super) vulnerabilities: Vec<Vulnerability>,
}

#[derive(Deserialize)]
pub(super) struct Document {
    #[serde(default)]
    pub(super) category: String,
    pub(super) csaf_version: String,
    pub(super) publisher: Publisher,
    pub(super) title: String,
    pub(super) tracking: Tracking,
    #[serde(default)]
    pub(super) references: Vec<Reference>,
    #[serde(default)]
    pub(super) notes: Vec<Lenient<Note>>,
    pub(super) aggregate_severity: Option<Lenient<Severity>>,
}

#[derive(Deserialize)]
pub(super) struct Severity {
    pub(super) text: String,
}

#[derive(Deserialize)]
pub(super) struct Note {
    #[serde(default)]
    pub(super) category: String,
    #[serde(default)]
    pub(super) title: String,
    pub(super) text: String,
}

#[derive(Deserialize)]
pub(super) struct Reference {
    pub(super) category: Option<String>,
    pub(super) url: Option<String>,
    pub(super) summary: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Publisher {
    #[serde(default)]
    pub(super) category: String,
    #[serde(default)]
    pub(super) namespace: String,
    pub(super) name: String,
}

#[derive(Deserialize)]
pub(super) struct Tracking {
    pub(super) id: String,
    pub(super) version: String,
    pub(super) status: String,
    pub(super) current_release_date: Option<String>,
    pub(super) initial_release_date: Option<String>,
    #[serde(default)]
    pub(super) revision_history: Vec<Lenient<Revision>>,
}

#[derive(Deserialize)]
pub(super) struct Revision {
    #[serde(default)]
    pub(super) date: String,
    pub(super) number: String,
    #[serde(default)]
    pub(super) summary: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct ProductTree {
    pub(super) branches: Vec<Branch>,
    pub(super) full_product_names: Vec<FullName>,
    pub(super) product_groups: Vec<Group>,
    pub(super) relationships: Vec<Relationship>,
}

#[derive(Deserialize)]
pub(super) struct Branch {
    pub(super) category: String,
    pub(super) name: String,
    #[serde(default)]
    pub(super) branches: Vec<Branch>,
    pub(super) product: Option<FullName>,
}

#[derive(Deserialize)]
pub(super) struct FullName {
    pub(super) name: String,
    pub(super) product_id: String,
    pub(super) product_identification_helper: Option<Lenient<Identifiers>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Identifiers {
    pub(super) cpe: Option<String>,
    pub(super) purl: Option<String>,
    pub(super) purls: Vec<String>,
    pub(super) model_numbers: Vec<String>,
    pub(super) serial_numbers: Vec<String>,
    pub(super) skus: Vec<String>,
    pub(super) sbom_urls: Vec<String>,
    pub(super) hashes: Vec<Hashes>,
    pub(super) x_generic_uris: Vec<Uri>,
}

#[derive(Deserialize)]
pub(super) struct Hashes {
    #[serde(default)]
    pub(super) file_hashes: Vec<FileHash>,
}

#[derive(Deserialize)]
pub(super) struct FileHash {
    pub(super) value: String,
}

#[derive(Deserialize)]
pub(super) struct Uri {
    pub(super) uri: String,
}

#[derive(Deserialize)]
pub(super) struct Group {
    pub(super) group_id: String,
    pub(super) product_ids: Vec<String>,
}

#[derive(Deserialize)]
pub(super) struct Relationship {
    pub(super) full_product_name: FullName,
    pub(super) product_reference: String,
    pub(super) relates_to_product_reference: String,
}

#[derive(Deserialize)]
pub(super) struct Vulnerability {
    pub(super) cve: Option<String>,
    #[serde(default)]
    pub(super) ids: Vec<Id>,
    pub(super) title: Option<String>,
    #[serde(default)]
    pub(super) notes: Vec<Lenient<Note>>,
    #[serde(default)]
    pub(super) references: Vec<Lenient<Reference>>,
    #[serde(default)]
    pub(super) product_status: Statuses,
    #[serde(default)]
    pub(super) remediations: Vec<Remediation>,
    #[serde(default)]
    pub(super) scores: Vec<Lenient<Scores20>>,
    #[serde(default)]
    pub(super) metrics: Vec<Lenient<Metric21>>,
    #[serde(default)]
    pub(super) threats: Vec<Threat>,
    #[serde(default)]
    pub(super) flags: Vec<Flag>,
    #[serde(default)]
    pub(super) involvements: Vec<Involvement>,
}

#[derive(Deserialize)]
pub(super) struct Id {
    pub(super) text: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Statuses {
    pub(super) known_affected: Vec<String>,
    pub(super) first_affected: Vec<String>,
    pub(super) last_affected: Vec<String>,
    pub(super) fixed: Vec<String>,
    pub(super) first_fixed: Vec<String>,
    pub(super) recommended: Vec<String>,
    pub(super) known_not_affected: Vec<String>,
    pub(super) under_investigation: Vec<String>,
    pub(super) unknown: Vec<String>,
}

#[derive(Deserialize)]
pub(super) struct Remediation {
    pub(super) category: String,
    #[serde(default)]
    pub(super) details: String,
    pub(super) url: Option<String>,
    #[serde(default)]
    pub(super) product_ids: Vec<String>,
    #[serde(default)]
    pub(super) group_ids: Vec<String>,
}

#[derive(Deserialize)]
pub(super) struct Scores20 {
    #[serde(default)]
    pub(super) products: Vec<String>,
    #[serde(flatten)]
    pub(super) content: Content,
}

#[derive(Deserialize)]
pub(super) struct Metric21 {
    #[serde(default)]
    pub(super) products: Vec<String>,
    pub(super) content: Content,
}

#[derive(Deserialize)]
pub(super) struct Content {
    pub(super) cvss_v2: Option<Lenient<Cvss>>,
    pub(super) cvss_v3: Option<Lenient<Cvss>>,
    pub(super) cvss_v4: Option<Lenient<Cvss>>,
    pub(super) epss: Option<Lenient<Epss>>,
    pub(super) ssvc_v1: Option<Lenient<Ssvc>>,
    pub(super) ssvc_v2: Option<Lenient<Ssvc>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Cvss {
    pub(super) base_score: Option<f64>,
    #[serde(default)]
    pub(super) vector_string: String,
}

#[derive(Deserialize)]
pub(super) struct Epss {
    #[serde(default)]
    pub(super) probability: String,
    #[serde(default)]
    pub(super) percentile: String,
}

#[derive(Deserialize)]
pub(super) struct Ssvc {
    #[serde(default)]
    pub(super) selections: Vec<Selection>,
}

#[derive(Deserialize)]
pub(super) struct Selection {
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) values: Vec<Lenient<String>>,
}

#[derive(Deserialize)]
pub(super) struct Threat {
    #[serde(default)]
    pub(super) category: String,
    #[serde(default)]
    pub(super) details: String,
    #[serde(default)]
    pub(super) product_ids: Vec<String>,
    #[serde(default)]
    pub(super) group_ids: Vec<String>,
}

#[derive(Deserialize)]
pub(super) struct Flag {
    #[serde(default)]
    pub(super) label: String,
    #[serde(default)]
    pub(super) product_ids: Vec<String>,
    #[serde(default)]
    pub(super) group_ids: Vec<String>,
}

#[derive(Deserialize)]
pub(super) struct Involvement {
    #[serde(default)]
    pub(super) party: String,
    #[serde(default)]
    pub(super) status: String,
    #[serde(default)]
    pub(super) summary: String,
}
