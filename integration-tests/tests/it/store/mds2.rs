//! Vendors' answers.

use super::{NOW, World, digest, name, on_both_engines};
use patchward_collector::store::mds2::Mds2Document;

on_both_engines!(answers_of_vendors);

async fn answers_of_vendors(world: World) {
    let document = |number: u8, at: i64| Mds2Document {
        model: name("station"),
        digest: digest(number),
        length: 7,
        file_name: "form.xlsx".into(),
        document_id: "M-17".into(),
        released_on: None,
        software_version: "4.1".into(),
        answers: b"{}".to_vec(),
        imported_by: "local:0".into(),
        imported_at: NOW.plus_ms(at),
    };
    let mut change = world.change().await;
    for (number, at) in [(1, 0), (2, 1), (1, 2)] {
        change.add_mds2(&document(number, at)).await.unwrap();
    }
    for answer in ["yes", "no"] {
        let said = ("CSUP-2.1", answer);
        let read = change.read_mds2(&document(1, 2), said, "page 4").await;
        read.unwrap();
    }
    let viewer = name("viewer");
    for class in [Some("other"), Some("drivers")] {
        change.set_mds2_product(&viewer, class).await.unwrap();
    }
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    // The one that was taken in last counts, and stands first.
    let newest = view.mds2_of(&name("station")).await.unwrap().unwrap();
    assert_eq!(newest, document(1, 2));
    let all = view.mds2_documents().await.unwrap();
    assert_eq!(all, [document(1, 2), document(2, 1)]);
    let readings = view.mds2_readings(&newest).await.unwrap();
    assert_eq!((readings.len(), readings[0].answer.as_str()), (1, "no"));
    let products = view.mds2_products().await.unwrap();
    assert_eq!(products, [(viewer.clone(), "drivers".to_owned())]);
    assert_eq!(view.verified_by_model().await.unwrap(), []);
    drop(view);
    let mut change = world.change().await;
    change.set_mds2_product(&viewer, None).await.unwrap();
    change.commit().await.unwrap();
    let mut view = world.store.view().await.unwrap();
    assert_eq!(view.mds2_products().await.unwrap(), []);
}
