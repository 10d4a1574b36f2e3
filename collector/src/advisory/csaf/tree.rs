//! The product tree, laid flat: every product with what the branches above it say.

use super::super::document::{Product, Relation, VersionText};
use super::{
    BadCsaf, MAX_CHAIN, MAX_DEPTH, MAX_LAID_BYTES, MAX_PRODUCTS, MAX_REMARKS, helpers, name, raw,
    short,
};
use std::collections::HashMap;

/// Every product, and who is who.
pub(super) struct Tree {
    /// In the order of the file.
    pub(super) products: Vec<Product>,
    /// What of the products could not be read.
    pub(super) remarks: Vec<String>,
    places: HashMap<String, usize>,
    groups: HashMap<String, Vec<usize>>,
    /// How many bytes of branch names were laid down so far.
    laid: usize,
}

impl Tree {
    /// Lays a product tree flat.
    pub(super) fn read(raw: raw::ProductTree, remarks: &mut Vec<String>) -> Result<Self, BadCsaf> {
        let mut tree = Self {
            products: Vec::new(),
            remarks: Vec::new(),
            places: HashMap::new(),
            groups: HashMap::new(),
            laid: 0,
        };
        let mut path = Vec::new();
        tree.branches(raw.branches, &mut path, remarks)?;
        for one in raw.full_product_names {
            tree.add(one, Product::default())?;
        }
        tree.relationships(raw.relationships)?;
        for group in raw.product_groups {
            let at = || format!("product group {:?}", short(&group.group_id));
            let members = tree.places_of(&group.product_ids, &at)?;
            if tree.groups.contains_key(&group.group_id) {
                return Err(BadCsaf::TwiceTheId(short(&group.group_id)));
            }
            tree.groups.insert(group.group_id, members);
        }
        Ok(tree)
    }

    fn branches(
        &mut self,
        branches: Vec<raw::Branch>,
        path: &mut Vec<(String, String)>,
        remarks: &mut Vec<String>,
    ) -> Result<(), BadCsaf> {
        if path.len() >= MAX_DEPTH && !branches.is_empty() {
            return Err(BadCsaf::TooDeep);
        }
        for branch in branches {
            path.push((branch.category, name("name of a branch", branch.name)?));
            if let Some(product) = branch.product {
                self.laid += path.iter().map(|(_, name)| name.len()).sum::<usize>();
                if self.laid > MAX_LAID_BYTES {
                    return Err(BadCsaf::TooMany {
                        what: "bytes of branch names above its products",
                        limit: MAX_LAID_BYTES,
                    });
                }
                let said = of_path(path, remarks);
                self.add(product, said)?;
            }
            self.branches(branch.branches, path, remarks)?;
            path.pop();
        }
        Ok(())
    }

    /// Adds a product under its id.
    fn add(&mut self, raw: raw::FullName, said: Product) -> Result<usize, BadCsaf> {
        let place = self.products.len();
        if place >= MAX_PRODUCTS {
            return Err(BadCsaf::TooMany {
                what: "products",
                limit: MAX_PRODUCTS,
            });
        }
        let helper = raw.product_identification_helper;
        let product = Product {
            id: name("product id", raw.product_id.clone())?,
            name: name("name of a product", raw.name)?,
            helpers: helpers::read(helper, &raw.product_id, &mut self.remarks),
            ..said
        };
        if self.places.insert(raw.product_id.clone(), place).is_some() {
            return Err(BadCsaf::TwiceTheId(short(&raw.product_id)));
        }
        self.products.push(product);
        Ok(place)
    }

    /// Adds the products that are one on another. A relationship may refer to one that
    /// stands after it, so all get their ids first.
    fn relationships(&mut self, all: Vec<raw::Relationship>) -> Result<(), BadCsaf> {
        let mut added = Vec::with_capacity(all.len());
        for one in all {
            let place = self.add(one.full_product_name, Product::default())?;
            added.push((
                place,
                one.product_reference,
                one.relates_to_product_reference,
            ));
        }
        let places: Vec<usize> = added.iter().map(|(place, ..)| *place).collect();
        for (place, part, whole) in added {
            let at = || format!("the relationship {:?}", short(&self.products[place].id));
            let (part, whole) = (self.place_of(&part, &at)?, self.place_of(&whole, &at)?);
            self.products[place].relation = Some(Relation { part, whole });
        }
        self.find_cycles(&places)
    }

    /// Looks for products that are a part of themselves: each is walked once, and knows its
    /// height afterwards, and of how many it is put together: a chain of ten could be a
    /// thousand.
    fn find_cycles(&self, places: &[usize]) -> Result<(), BadCsaf> {
        const OPEN: usize = usize::MAX;
        let mut heights: HashMap<usize, usize> = HashMap::new();
        let mut together: HashMap<usize, usize> = HashMap::new();
        for &start in places {
            let mut stack = vec![start];
            while let Some(&place) = stack.last() {
                let Some(relation) = self.products[place].relation else {
                    heights.insert(place, 0);
                    stack.pop();
                    continue;
                };
                let known = |place| heights.get(&place).copied();
                let (part, whole) = (known(relation.part), known(relation.whole));
                match (part, whole) {
                    (Some(OPEN), _) | (_, Some(OPEN)) => {
                        return Err(BadCsaf::Cycle(short(&self.products[place].id)));
                    }
                    (Some(part), Some(whole)) => {
                        let height = part.max(whole) + 1;
                        let parts = |place| together.get(&place).copied().unwrap_or(1);
                        let count: usize = parts(relation.part) + parts(relation.whole);
                        if height > MAX_CHAIN || count > MAX_CHAIN {
                            return Err(BadCsaf::ChainTooLong(short(&self.products[place].id)));
                        }
                        together.insert(place, count);
                        heights.insert(place, height);
                        stack.pop();
                    }
                    (part, _) => {
                        heights.insert(place, OPEN);
                        let next = if part.is_none() {
                            relation.part
                        } else {
                            relation.whole
                        };
                        if next == place {
                            return Err(BadCsaf::Cycle(short(&self.products[place].id)));
                        }
                        stack.push(next);
                    }
                }
            }
        }
        Ok(())
    }

    /// The place of a product.
    pub(super) fn place_of(&self, id: &str, at: &dyn Fn() -> String) -> Result<usize, BadCsaf> {
        let place = self.places.get(id).copied();
        place.ok_or_else(|| BadCsaf::NoProduct {
            at: at(),
            id: short(id),
        })
    }

    /// The places of several products.
    pub(super) fn places_of(
        &self,
        ids: &[String],
        at: &dyn Fn() -> String,
    ) -> Result<Vec<usize>, BadCsaf> {
        ids.iter().map(|id| self.place_of(id, at)).collect()
    }

    /// The members of a group.
    pub(super) fn group(&self, id: &str, at: &dyn Fn() -> String) -> Result<&[usize], BadCsaf> {
        let members = self.groups.get(id);
        members.map(Vec::as_slice).ok_or_else(|| BadCsaf::NoGroup {
            at: at(),
            id: short(id),
        })
    }
}

/// What the branches above a product say of it.
fn of_path(path: &[(String, String)], remarks: &mut Vec<String>) -> Product {
    let mut said = Product::default();
    for (category, name) in path {
        match category.as_str() {
            "vendor" if is_nobody(name) => {}
            "vendor" => said.vendor.clone_from(name),
            "product_family" => join(&mut said.family, name),
            "product_name" | "legacy" => join(&mut said.product, name),
            "product_version" => said.version = VersionText::One(name.clone()),
            "product_version_range" => said.version = VersionText::Range(name.clone()),
            "architecture" | "host_name" | "language" | "patch_level" | "platform"
            | "service_pack" | "specification" => said.narrowed.push(name.clone()),
            other => {
                if remarks.len() < MAX_REMARKS {
                    let remark = format!("branch category {:?} is not of CSAF", short(other));
                    if !remarks.contains(&remark) {
                        remarks.push(remark);
                    }
                }
                said.narrowed.push(name.clone());
            }
        }
    }
    if said.product.is_empty() {
        said.product = said.family.clone();
    }
    said
}

fn join(to: &mut String, name: &str) {
    if !to.is_empty() && !name.is_empty() {
        to.push(' ');
    }
    to.push_str(name);
}

/// What publishers write where they know no vendor.
fn is_nobody(vendor: &str) -> bool {
    let letters = vendor.chars().filter(|c| c.is_alphanumeric());
    let plain: String = letters.flat_map(char::to_lowercase).collect();
    ["opensource", "noassertion", "undefined", "unknown"].contains(&plain.as_str())
}
