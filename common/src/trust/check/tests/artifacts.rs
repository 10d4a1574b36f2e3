//! Step 7: artifacts and recipes.

use super::hospital::*;
use super::*;
use crate::digest::Digest;
use crate::trust::release::{Kind, RecipeKind};

#[test]
fn arbitrary_software_in_the_folder() {
    for which in ["4.2", "4.1"] {
        let named = Digest::of(which.as_bytes());
        refused!(
            changed(|h| {
                h.staged.remove(&named);
            }),
            7,
            None,
            Why::NotStaged(_)
        );
        // Swapped after it was staged: the name stays, the bytes do not.
        refused!(
            changed(|h| {
                h.staged.insert(named, (Digest::of(b"own bytes"), 3));
            }),
            7,
            ArbitrarySoftware,
            Why::OtherBytes { .. }
        );
        refused!(
            changed(|h| {
                h.staged.insert(named, (named, 4));
            }),
            7,
            ArbitrarySoftware,
            Why::OtherBytes { .. }
        );
    }
}

#[test]
fn a_changed_recipe_runs_nothing() {
    let with = |installed: Option<Digest>| {
        changed(|h| {
            h.release().release.kind = Kind::Recipe(RecipeKind {
                name: name("viewer"),
                sha256: Digest::of(b"recipe"),
            });
            h.recipes = installed
                .map(|found| (name("viewer"), found))
                .into_iter()
                .collect();
        })
    };
    accepted(with(Some(Digest::of(b"recipe"))));
    refused!(with(None), 7, None, Why::NoRecipe(_));
    refused!(
        with(Some(Digest::of(b"changed"))),
        7,
        ArbitrarySoftware,
        Why::OtherRecipe(_)
    );
}
