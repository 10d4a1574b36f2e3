use super::*;

#[test]
fn legal_forms_brackets_and_accents_do_not_tell_vendors_apart() {
    let sure = |name: &str| VendorKeys::of(name).sure;
    assert_eq!(
        sure("Becton, Dickinson and Company (BD)"),
        ["becton dickinson", "bd"]
    );
    assert_eq!(sure("i-SENS Inc"), sure("I-Sens, Inc."));
    assert_eq!(sure("Dräger"), ["drager"]);
    assert_eq!(sure("Innokas YhtymÃ¤ Oy"), ["innokas yhtyma"]);
    assert_eq!(sure("SOOIL Developments Co, Ltd."), ["sooil developments"]);
}

#[test]
fn divisions_and_joint_vendors_are_only_perhaps() {
    let keys = VendorKeys::of("Philips Healthcare");
    assert_eq!(
        (keys.sure, keys.perhaps),
        (
            vec!["philips healthcare".into()],
            vec!["philips".to_owned()]
        )
    );
    let joint = VendorKeys::of("Silex Technology and GE Healthcare");
    assert!(joint.perhaps.contains(&"ge healthcare".to_owned()));
    assert!(!joint.sure.contains(&"ge healthcare".to_owned()));
}

#[test]
fn spelling_is_near_and_numbers_are_not() {
    for (a, b) in [
        ("millenium vg", "millennium vg"),
        ("draeger", "drager"),
        ("phillips", "philips"),
    ] {
        assert!(is_near(a, b), "{a} {b}");
    }
    for (a, b) in [
        ("mx450", "mx550"),
        ("b450", "b650"),
        ("abc", "abd"),
        ("philips", "siemens"),
    ] {
        assert!(!is_near(a, b), "{a} {b}");
    }
    assert_eq!(distance("ab", "ba", 1), Some(1));
    assert_eq!(distance("abcdef", "ab", 2), None);
}
