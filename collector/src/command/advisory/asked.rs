//! What `advisory list` is asked for: words, filters and an order.

use crate::advisory::{Advisory, Product};
use crate::command::window;
use crate::store::advisories::AdvisoryRow;
use patchward_common::time::UtcMs;
use serde::{Deserialize, Serialize};

/// What is looked for. A filter keeps what holds its words, without case.
#[derive(Clone, Debug, Default, Serialize, Deserialize, clap::Args)]
pub struct Asked {
    /// Words in the id, title, publisher, category, status, version or severity
    #[arg(long)]
    search: Option<String>,
    /// A vulnerability, such as CVE-2024-1234
    #[arg(long)]
    cve: Option<String>,
    /// Words in the tracking id
    #[arg(long)]
    id: Option<String>,
    /// Words in the title
    #[arg(long)]
    title: Option<String>,
    /// Words in the publisher's name
    #[arg(long)]
    publisher: Option<String>,
    /// What the publisher is, such as vendor or coordinator
    #[arg(long)]
    publisher_category: Option<String>,
    /// Words in the publisher's namespace
    #[arg(long)]
    namespace: Option<String>,
    /// The category, such as csaf_vex
    #[arg(long)]
    category: Option<String>,
    /// What it is written in: csaf-2.0, csaf-2.1, notice or recall
    #[arg(long)]
    form: Option<String>,
    /// draft, interim or final
    #[arg(long)]
    status: Option<String>,
    /// The publisher's version of it
    #[arg(long)]
    tracking_version: Option<String>,
    /// Its aggregate severity, such as critical
    #[arg(long)]
    severity: Option<String>,
    /// First published at this time or later, such as 2026-01-01T00:00:00Z
    #[arg(long, value_parser = window::instant)]
    published_since: Option<UtcMs>,
    /// Changed by its publisher at this time or later
    #[arg(long, value_parser = window::instant)]
    changed_since: Option<UtcMs>,
    /// Words in its revision history: a number, a date, what changed
    #[arg(long)]
    history: Option<String>,
    /// Words in a product: vendor, family, name, version, or what identifies it (CPE, package
    /// URL, model, serial and stock-keeping number)
    #[arg(long)]
    product: Option<String>,
    /// Only what nobody has read
    #[arg(long)]
    pub(super) unread: bool,
    /// Only what has an exploited vulnerability
    #[arg(long)]
    pub(super) exploited: bool,
    /// The order: urgency, id, title, publisher, publisher-category, namespace, category, form,
    /// version, status, published, changed, score, severity, cve, product
    #[arg(long, default_value = "urgency", value_parser = ["urgency", "id", "title", "publisher",
        "publisher-category", "namespace", "category", "form", "version", "status", "published",
        "changed", "score", "severity", "cve", "product"])]
    pub(super) sort: String,
}

impl Asked {
    /// Whether its row and the names of its vulnerabilities are what is looked for.
    pub(super) fn keeps(&self, row: &AdvisoryRow, names: &[String]) -> bool {
        let text = [
            &row.id,
            &row.title,
            &row.publisher,
            &row.category,
            &row.status,
            &row.version,
            &row.severity,
        ];
        let text = text.map(String::as_str).join("\n");
        let is = |cve: &String| names.iter().any(|name| name.eq_ignore_ascii_case(cve));
        let later = |at: Option<UtcMs>, since: Option<UtcMs>| {
            since.is_none_or(|since| at.is_some_and(|at| at >= since))
        };
        has(&text, self.search.as_ref())
            && self.cve.as_ref().is_none_or(is)
            && has(&row.id, self.id.as_ref())
            && has(&row.title, self.title.as_ref())
            && has(&row.publisher, self.publisher.as_ref())
            && has(&row.category, self.category.as_ref())
            && has(&row.form, self.form.as_ref())
            && has(&row.status, self.status.as_ref())
            && has(&row.severity, self.severity.as_ref())
            && self
                .tracking_version
                .as_ref()
                .is_none_or(|version| *version == row.version)
            && later(row.published, self.published_since)
            && later(row.changed, self.changed_since)
    }

    /// Whether the documents themselves must be read.
    pub(super) fn reads_documents(&self) -> bool {
        self.product.is_some()
            || self.namespace.is_some()
            || self.publisher_category.is_some()
            || self.history.is_some()
            || ["product", "publisher-category", "namespace"].contains(&self.sort.as_str())
    }

    /// Whether what its document says is what is looked for.
    pub(super) fn keeps_told(&self, told: &Told) -> bool {
        let words = self.product.as_ref();
        has(&told.namespace, self.namespace.as_ref())
            && has(&told.publisher_kind, self.publisher_category.as_ref())
            && has(&told.history, self.history.as_ref())
            && words.is_none_or(|_| told.products.iter().any(|one| has(one, words)))
    }
}

fn has(text: &str, words: Option<&String>) -> bool {
    words.is_none_or(|words| text.to_lowercase().contains(&words.to_lowercase()))
}

/// What a document says beside its row.
pub(super) struct Told {
    pub(super) namespace: String,
    pub(super) publisher_kind: String,
    history: String,
    /// Everything that is said of each product, sorted.
    pub(super) products: Vec<String>,
}

impl Told {
    pub(super) fn of(advisory: &Advisory) -> Self {
        let of_product = |one: &Product| {
            let helpers = &one.helpers;
            let first = [&one.vendor, &one.family, &one.product, &one.name];
            let mut words: Vec<&str> = first.into_iter().map(String::as_str).collect();
            words.push(one.version.text());
            let lists = [
                &one.narrowed,
                &helpers.purls,
                &helpers.models,
                &helpers.serials,
                &helpers.skus,
                &helpers.uris,
            ];
            let more = lists.into_iter().flatten().chain(&helpers.cpe);
            words.extend(more.map(String::as_str));
            words.join(" ")
        };
        let mut products: Vec<String> = advisory.products.iter().map(of_product).collect();
        products.sort();
        let steps = advisory.history.iter();
        let steps = steps.map(|step| format!("{} {} {}", step.number, step.date, step.summary));
        Self {
            namespace: advisory.namespace.clone(),
            publisher_kind: advisory.publisher_kind.clone(),
            history: steps.collect::<Vec<_>>().join("\n"),
            products,
        }
    }
}
